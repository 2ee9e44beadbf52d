import ArgumentParser
import Basics
import Ensembles
import Fields
import RunFiles

struct MemberCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "member",
    abstract: "Make one member alone, bit for bit as in the full run.")

  @Argument(help: "The ensemble run file.")
  var pipeline: String

  @Option(help: "Initial time, for example 2026-02-01T00.")
  var date: Instant

  @Option(help: "Number of the member; 0 is the control.")
  var member: Int

  @Option(help: ArgumentHelp("The file to write.", valueName: "member.nc"))
  var output: String

  @Flag(help: "All variables, lead times and points, whatever the run file's output says of them.")
  var whole = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions

  func run() throws {
    let setup = try EnsembleSetup(pipeline, threads: threads.count, logger: log.logger)
    try OutputPath.require(output, apartFrom: setup.inputs + [pipeline])
    let identity = try setup.plan.member(member)
    let trajectory = try setup.forecaster.member(identity, at: date)
    let store = whole ? setup.store(.whole) : setup.store
    try store.write(store.rounded(trajectory), of: identity, to: output)
    print("\(output): member \(member) (\(identity.text)) from \(date) to +\(setup.run.leadTimeHours) h")
  }
}

struct BreedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "breed",
    abstract: "Write the perturbations of a run file's initial times, without forecasts.")

  @OptionGroup var options: PipelineOptions

  @Flag(help: "Write nothing, but say how fast the vectors grow: by cycle, channel, region and degree.")
  var growth = false

  @OptionGroup var result: ResultOptions

  func run() throws {
    let setup = try options.setup()
    try setup.requireAnalyses(threads: options.threads.count)
    if growth {
      try result.show(BreedingGrowth(setup, threads: options.threads.count))
      return
    }
    try result.show(BredVectorFiles(setup: setup, threads: options.threads.count).write())
  }
}
