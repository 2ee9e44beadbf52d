import ArgumentParser

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say what of a run is done, what is left and what failed.")

  @Argument(help: "The run directory.")
  var directory: String

  @OptionGroup var result: ResultOptions

  func run() throws { try result.show(RunStatus(directory)) }
}
