import ArgumentParser
import Basics
import RunFiles

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a checkpoint from a run file; continues what an interrupted run left.")

  @Argument(help: "The training run file.")
  var pipeline: String

  @Option(help: "Write the checkpoint here instead of where the run file says.")
  var output: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func run() throws {
    var file = try TrainingRunFile.read(pipeline)
    if let output { file.output.checkpoint = output }
    let job = TrainingJob(
      run: file, logger: log.logger, showsProgress: log.showsProgress, threads: threads.count)
    try result.show(job.train())
  }
}
