import ArgumentParser

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say what of a run is done, what is left and what failed.")

  @Argument(help: "The run directory.")
  var directory: String

  @Flag(help: "Compare all finished files with their checksums, too.")
  var check = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var result: ResultOptions

  func run() throws {
    let status = try RunStatus(directory)
    if check { try RunStatus.check(directory, threads: threads.count) }
    try result.show(status)
  }
}
