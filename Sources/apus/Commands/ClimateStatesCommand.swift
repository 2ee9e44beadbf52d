import ArgumentParser

struct ClimateStatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "states",
    abstract: "Keep the states of a part of a climate, sorted, to be merged later.",
    discussion: """
      For climates made a year at a time, or on several machines: each keeps its states, and 'apus climate quantiles \
      --states' makes of all parts the same bytes as of everything at once. A file is as large as the fields it is \
      made of. A state that comes twice is refused.
      """)

  @OptionGroup var states: ClimateStatesOptions

  @Option(help: ArgumentHelp("The file to write.", valueName: "states.nc"))
  var output: String

  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try OutputPath.require(output, apartFrom: states.inputs)
    let climate = StateClimate(
      states: try states.open(), memoryMegabytes: states.memoryMegabytes, threads: threads.count)
    ClimateStatesOptions.report(output, try climate.write(output))
  }
}
