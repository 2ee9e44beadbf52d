import ArgumentParser
import Basics
import Foundation
import Models
import Operators

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Check a network against stored answers; average, calibrate and score checkpoints.",
    subcommands: [
      CheckpointCheckCommand.self, CheckpointAverageCommand.self, CheckpointCalibrateCommand.self,
      CheckpointSkillCommand.self, CheckpointClimateCommand.self,
    ])
}

struct CheckpointCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Run the input stored in a reference safetensors file through its weights and compare.",
    discussion: """
      The file holds weights under their makani names, 'config' in its metadata, 'input' and 'output', and \
      for --gradients 'target' and 'grad.*' of the mean squared error. Errors are relative, in the \
      Euclidean norm. Exit code 65 where one is above its bar.
      """)

  @Argument(help: "The reference file.")
  var file: String

  @Flag(help: "Compare the gradient of the input and of every weight as well.")
  var gradients = false

  @OptionGroup var result: ResultOptions

  func run() throws {
    let comparison = CheckpointComparison(file: file, try GradientCheck(path: file, gradients: gradients))
    try result.show(comparison)
    if let failure = comparison.failure { throw failure }
  }
}

struct CheckpointAverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "average",
    abstract: "Average the weights of checkpoints of one network.",
    discussion: """
      The checkpoints must have the same network, channels, normalisation, features and grid; snapshots of \
      one training and fine-tunes of one base average well, trainings from different seeds do not. With \
      --lines the average's difference to --base is scaled by alpha + beta l / (L - 1) in layer l of L: 0 \
      the encoder, then the blocks, last the decoder and the big skip (LiNeS, Wang et al. 2024). An adapter \
      counts as the checkpoint that it makes of its base.
      """)

  @Argument(help: "Checkpoints.")
  var checkpoints: [String]

  @Option(parsing: .upToNextOption, help: "What each counts; by default all the same.")
  var weights: [Double] = []

  @Option(parsing: .upToNextOption, help: "Alpha and beta of the scaling by layer.")
  var lines: [Double] = []

  @Option(help: "The checkpoint that the others were fine-tuned from, for --lines.")
  var base: String?

  @Option(name: .shortAndLong, help: "The checkpoint to write.")
  var output: String

  @Flag(help: "Write weight matrices as float16, half the size.")
  var half = false

  @OptionGroup var result: ResultOptions

  func validate() throws {
    if !lines.isEmpty && lines.count != 2 { throw ValidationError("--lines takes two numbers, alpha beta.") }
    if !lines.allSatisfy(\.isFinite) { throw ValidationError("--lines takes finite numbers.") }
    if lines.isEmpty != (base == nil) { throw ValidationError("--lines and --base go together.") }
    if !weights.isEmpty && weights.count != checkpoints.count {
      throw ValidationError("--weights takes one number for every checkpoint.")
    }
    if !weights.allSatisfy(\.isFinite) { throw ValidationError("--weights takes finite numbers.") }
  }

  func run() throws {
    try OutputPath.require(output, apartFrom: checkpoints + (base.map { [$0] } ?? []))
    let members = try checkpoints.map { try Checkpoint.read($0) }
    let shares = weights.isEmpty ? members.map { _ in 1 } : weights
    let origin = try base.map { try Checkpoint.read($0) }
    let facts = AverageProvenance(
      members: members, shares: shares, base: origin, lines: lines.isEmpty ? nil : lines)
    var average = try CheckpointAverage.mean(members, shares: shares, provenance: facts.text())
    if let origin {
      average = try CheckpointAverage.scaled(
        average, base: origin, alpha: lines[0], beta: lines[1], provenance: facts.text())
    }
    try average.write(output, half: half)
    let card = AverageCard(checkpoint: average, file: output, facts: facts)
    try WholeFile.write(Data(card.text().utf8), to: TrainingFiles.card(output))
    try result.show(AverageReport(checkpoint: output, facts: facts))
  }
}
