import ArgumentParser

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Make the products of a run whose shards are done, then its scores and report.")

  @OptionGroup var options: PipelineOptions
  @OptionGroup var result: ResultOptions

  func run() throws {
    let stages = try options.stages()
    try result.show(stages.finish(merged: stages.merge()))
  }
}
