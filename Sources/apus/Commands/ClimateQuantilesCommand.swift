import ArgumentParser

struct ClimateQuantilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantiles",
    abstract: "Write quantiles by season and hour, for climate: {file: ...} of a definition of diagnostics.",
    discussion: """
      Of analyses, or with --by-lead-time of a model's own forecasts, whose members all count; or, with --states, of \
      parts that 'apus climate states' kept. Quantiles are exact: the 101 even ones and 0.0001, 0.001, 0.999, 0.9999. \
      Fields stay on their own grid; rows are read in parts that fit in memory.
      """)

  @OptionGroup var states: ClimateStatesOptions

  @Option(help: ArgumentHelp("The file to write.", valueName: "climate.nc"))
  var output: String

  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try OutputPath.require(output, apartFrom: states.inputs)
    let climate = QuantileClimate(
      states: try states.open(), memoryMegabytes: states.memoryMegabytes, threads: threads.count)
    ClimateStatesOptions.report(output, try climate.write(output))
  }
}
