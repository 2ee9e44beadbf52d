import ArgumentParser
import Basics
import Fields
import Logging

/// What every command on an ensemble run file takes.
struct PipelineOptions: ParsableArguments {
  @Argument(help: "The ensemble run file.")
  var pipeline: String

  @Option(help: "Run directory, instead of the run file's.")
  var output: String?

  @Option(help: "Only this initial time, for example 2026-02-01T00; the run file need not name it.")
  var date: Instant?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions

  func setup() throws -> EnsembleSetup {
    try naming {
      try EnsembleSetup(pipeline, output: output, date: date, threads: threads.count, logger: log.logger)
    }
  }

  /// As `ApusError.naming`.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    try ApusError.naming(runFile: pipeline, body)
  }

  func stages() throws -> RunStages {
    RunStages(
      setup: try setup(), threads: threads.count, logger: log.logger, showsProgress: log.showsProgress)
  }
}
