import ArgumentParser
import Basics
import Operators

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Check a network against answers stored with its weights.",
    subcommands: [CheckpointCheckCommand.self])
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
