import ArgumentParser
import Basics
import Foundation
import Operators

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a file holds: a checkpoint, a NetCDF file or a run directory.")

  @Argument(help: "The file or directory.")
  var file: String

  @OptionGroup var result: ResultOptions

  func run() throws {
    var isDirectory = false as ObjCBool
    guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
      throw ApusError(.inputMissing, "no such file", file: file)
    }
    if isDirectory.boolValue {
      try result.show(RunStatus(file))
    } else if file.hasSuffix(".safetensors") || file.hasSuffix(".safetensors.state") {
      try result.show(CheckpointSummary(file))
    } else if ["yml", "yaml"].contains(FilePath.ending(of: file)) {
      throw ApusError(
        .usage, "is a run file or a definition, which 'inspect' does not read", file: file,
        expected: "a checkpoint, a NetCDF file or a run directory",
        advice: "What a run would do says: apus plan \(file).")
    } else {
      try result.show(NetCDFSummary(file))
    }
  }
}
