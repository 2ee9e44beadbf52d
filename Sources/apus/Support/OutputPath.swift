import Basics
import FieldIO
import Foundation

/// Where a command writes to, against what it reads from.
enum OutputPath {
  /// Makes sure that an output is no directory, no device and none of the inputs, by whatever path, so that no command writes over
  /// its own data, and that it can be written, so that none finds out after hours that it cannot.
  /// - Parameters:
  ///   - inputs: paths or globs; those that are not there are left to whoever reads them.
  ///   - makesDirectory: whether the command makes the output's directory itself; else it must be there.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`, naming the input.
  static func require(_ output: String, apartFrom inputs: [String], makesDirectory: Bool = false) throws {
    var isDirectory = false as ObjCBool
    if FileManager.default.fileExists(atPath: output, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: there is a directory of that name", file: output,
        advice: "Choose another name, or move the directory away.")
    }
    _ = try WholeFile.place(of: output)
    if !makesDirectory { try requireWritable(output) }
    guard let target = identity(output) else { return }
    for input in inputs.flatMap({ (try? FileList.expand([$0])) ?? [] }) where identity(input) == target {
      throw ApusError(
        .cannotCreateOutput, "the output is one of the inputs", file: output, found: input,
        expected: "a file of its own", advice: "Choose another --output.")
    }
  }

  /// Makes sure, before the work, that its result can be written; makes no directories.
  private static func requireWritable(_ output: String) throws {
    let directory = FilePath.directory(of: output)
    var isDirectory = false as ObjCBool
    let place = directory.isEmpty ? "." : directory
    let there = FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory)
    let problem: String
    if !there {
      problem = "its directory is not there"
    } else if !isDirectory.boolValue {
      problem = "its directory is a file"
    } else if access(place, W_OK) != 0 {
      problem = "its directory may not be written to"
    } else {
      return
    }
    throw ApusError(.cannotCreateOutput, "cannot create the file: \(problem)", file: output)
  }

  /// Device and file number, nil where there is no file.
  private static func identity(_ path: String) -> [UInt64]? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    return [UInt64(facts.st_dev), UInt64(facts.st_ino)]
  }
}
