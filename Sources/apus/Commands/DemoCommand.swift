import ArgumentParser
import Basics
import Foundation

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract:
      "The main job on data and checkpoints that ship with Apus: an ensemble hindcast of real weather.",
    discussion: """
      Runs pipelines/demo.yml: bred vectors x checkpoints from ERA5 analyses of February 2026, forecasts to \
      day 5, scores against ERA5, and a report to open in a browser.
      """)

  @Option(help: "Run directory.")
  var output = "out/demo"

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func run() throws {
    let pipeline = try DemoCommand.home() + "/pipelines/demo.yml"
    let setup = try EnsembleSetup(pipeline, output: output, threads: threads.count, logger: log.logger)
    let stages = RunStages(
      setup: setup, threads: threads.count, logger: log.logger, showsProgress: log.showsProgress)
    try result.show(stages.all())
  }

  /// Where pipelines/, models/ and demo/ lie: the current directory, the checkout that the program was
  /// built in, or share/apus of where it was installed.
  static func home() throws -> String {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    var places = ["."]
    var directory = FilePath.directory(of: program)
    while directory.count > 1 {
      places += [directory, directory + "/share/apus"]
      directory = FilePath.directory(of: directory)
    }
    if let home = places.first(where: { FileManager.default.fileExists(atPath: $0 + "/pipelines/demo.yml") })
    {
      return home
    }
    throw ApusError(
      .inputMissing, "cannot find pipelines/demo.yml", file: program,
      advice: "Run the command in a checkout of Apus.")
  }
}
