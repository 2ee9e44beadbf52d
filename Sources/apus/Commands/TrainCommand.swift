import ArgumentParser
import Basics
import Foundation
import RunFiles

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a checkpoint from a run file; continues what an interrupted run left.",
    discussion: """
      Beside the checkpoint: its card (.md), the loss curve (.loss.csv) and the state to go on from (.state). \
      With --find-learning-rate nothing is trained: the rate rises from 1e-6 to 1 over 150 steps of the run \
      file's batches until the loss diverges (Smith 2017), and only a chart is written.
      """)

  @Argument(help: "The training run file.")
  var pipeline: String

  @Option(help: "Write the checkpoint here instead of where the run file says.")
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Another seed than the run file's, for initial weights and the order of samples; goes with --output.",
      valueName: "number"))
  var seed: UInt64?

  @Option(
    help: "Start from this checkpoint instead of the run file's initial_checkpoint.", completion: .file())
  var initialCheckpoint: String?

  @Flag(help: "Suggest a learning rate by a range test; trains and writes no checkpoint.")
  var findLearningRate = false

  @Option(help: "Where the range test's chart goes (.svg or .png), instead of beside the checkpoint.")
  var chart: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func validate() throws {
    if chart != nil && !findLearningRate {
      throw ValidationError("--chart goes with --find-learning-rate.")
    }
    if let chart, !["svg", "png"].contains(FilePath.ending(of: chart)) {
      throw ValidationError("--chart is '\(chart)': charts are .svg or .png.")
    }
    if seed != nil && output == nil && !findLearningRate {
      throw ValidationError("--seed needs --output, so that no other seed's checkpoint is written over.")
    }
  }

  func run() throws { try ApusError.naming(runFile: pipeline) { try train() } }

  private func train() throws {
    let data = FileManager.default.contents(atPath: pipeline) ?? Data()
    if EmulatorRunFile.isMeant(by: String(decoding: data, as: UTF8.self)) { return try trainEmulator() }
    var file = try TrainingRunFile.read(pipeline)
    if let seed { file.seed = seed }
    if let initialCheckpoint {
      guard file.initialCheckpoint != nil else {
        throw ApusError(
          .badRunFile, "the run file starts from no checkpoint", file: pipeline,
          variable: "initial_checkpoint", advice: "Add the key, or leave out --initial-checkpoint.")
      }
      file.initialCheckpoint = InputPath(initialCheckpoint)
    }
    if let output { file.output.checkpoint = output }
    try requireOwnFiles(file.output.checkpoint, file.inputFiles)
    if let variational = file.variational {
      guard !findLearningRate else {
        throw ApusError(.usage, "--find-learning-rate is for forecasters alone", file: pipeline)
      }
      let job = VariationalJob(
        run: file, section: variational, logger: log.logger, showsProgress: log.showsProgress,
        threads: threads.count)
      return try result.show(TrainingFiles(file.output.checkpoint).locked(job.train))
    }
    let job = TrainingJob(
      run: file, logger: log.logger, showsProgress: log.showsProgress, threads: threads.count)
    if findLearningRate {
      try result.show(job.findLearningRate(chart: chart))
    } else {
      try result.show(TrainingFiles(file.output.checkpoint).locked(job.train))
    }
  }

  /// Makes sure that nothing that is written lies where something is that the training reads.
  private func requireOwnFiles(_ checkpoint: String, _ inputs: [InputPath]) throws {
    let names = TrainingFiles(checkpoint)
    let outputs =
      findLearningRate
      ? [chart ?? names.learningRateChart]
      : [checkpoint, names.state, names.curve, names.best, TrainingFiles.card(checkpoint)]
    for output in outputs {
      try OutputPath.require(output, apartFrom: [pipeline] + inputs.paths, makesDirectory: true)
    }
  }

  private func trainEmulator() throws {
    guard !findLearningRate else {
      throw ApusError(
        .usage, "--find-learning-rate is for forecasters", file: pipeline,
        advice: "Leave it out: an emulator's run file names its learning rate.")
    }
    var file = try EmulatorRunFile.read(pipeline)
    if let seed { file.seed = seed }
    if let initialCheckpoint { file.initialEmulator = InputPath(initialCheckpoint) }
    if let output { file.output.checkpoint = output }
    try requireOwnFiles(file.output.checkpoint, file.inputFiles)
    let job = EmulatorJob(
      run: file, logger: log.logger, showsProgress: log.showsProgress, threads: threads.count)
    try result.show(TrainingFiles(file.output.checkpoint).locked(job.train))
  }
}
