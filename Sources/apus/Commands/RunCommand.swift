import ArgumentParser
import Basics
import Ensembles
import RunFiles

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run an ensemble: members, products, scores, report; continues what an interrupted run left.")

  @OptionGroup var options: PipelineOptions

  @Option(
    help: ArgumentHelp(
      "Only part i of n (i from 0) of the members, forecasts alone, for apus merge; auto: from the environment.",
      valueName: "i/n|auto"),
    transform: Shard.init(argument:))
  var shard: Shard?

  @OptionGroup var result: ResultOptions

  func run() throws {
    try result.show(
      options.naming { try options.stages().all(shard: shard.map { ($0.index, $0.count) }) })
  }
}

struct ForecastCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "Only the forecasts of a run file: members and products, without scores and report.")

  @OptionGroup var options: PipelineOptions

  @Option(
    help: ArgumentHelp(
      "Only part i of n (i from 0) of the members, for apus merge; auto: from the environment.",
      valueName: "i/n|auto"),
    transform: Shard.init(argument:))
  var shard: Shard?

  @OptionGroup var result: ResultOptions

  func run() throws {
    let stages = try options.stages()
    let members = try options.naming { try stages.forecast(shard: shard.map { ($0.index, $0.count) }) }
    try result.show(
      RunStages.Report(directory: stages.setup.directory.path, members: members, report: nil, scores: nil))
  }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Score the members of a run file again and draw its report.")

  @OptionGroup var options: PipelineOptions

  func run() throws {
    let stages = try options.stages()
    if !stages.setup.memberOutput.isWhole {
      throw ApusError(
        .badRunFile, "scores and report are made from whole members, which this run does not keep",
        file: options.pipeline, variable: "output", found: stages.setup.run.output.partialKey,
        expected: "output.members: all, without output.variables, lead_times and region",
        advice: "Scores of its products: scores/products.json in the run directory.")
    }
    let scores = try stages.verify()
    guard let path = try stages.report(scores) else {
      throw ApusError(
        .badRunFile, "the run file asks for no report", file: options.pipeline, variable: "report")
    }
    if let scores { print(scores.text) }
    print("report: \(path)")
  }
}
