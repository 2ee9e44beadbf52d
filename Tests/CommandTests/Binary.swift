import Foundation
import Testing

/// The built `apus`, run as a user runs it.
enum Binary {
  /// What a run left behind.
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String

    /// The result of `--json`.
    func json() throws -> [String: Any] {
      let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
      return try #require(value as? [String: Any])
    }
  }

  /// Beside the tests' resource bundle in SwiftPM's build directory.
  static let path = URL(fileURLWithPath: Bundle.module.bundlePath).deletingLastPathComponent()
    .appendingPathComponent("apus").path

  /// Runs `apus` to its end; `directory` is its current directory.
  /// - Parameter stopOn: SIGTERM is sent once this is among its messages.
  static func run(
    _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:],
    stopOn words: String? = nil
  ) throws -> Outcome {
    let scratch = try Scratch()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = directory ?? scratch.directory
    process.environment = ProcessInfo.processInfo.environment
      .merging(["APUS_THREADS": "2", "COLUMNS": "100"]) { $1 }.merging(environment) { $1 }
    // Files, not pipes: a pipe that nobody empties would stop a talkative program.
    let (outputFile, errorsFile) = (scratch.file("stdout"), scratch.file("stderr"))
    for file in [outputFile, errorsFile] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorsFile)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    if let words {
      while process.isRunning, try !String(contentsOf: errorsFile, encoding: .utf8).contains(words) {
        Thread.sleep(forTimeInterval: 0.02)
      }
      process.terminate()
    }
    process.waitUntilExit()
    return Outcome(
      code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOf: outputFile, encoding: .utf8),
      errors: try String(contentsOf: errorsFile, encoding: .utf8))
  }
}

/// A directory that goes with its owner.
final class Scratch {
  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// A file's place in it.
  func file(_ name: String) -> URL { directory.appendingPathComponent(name) }

  /// Everything in it, sorted, directories left out.
  var files: [String] {
    let all = FileManager.default.enumerator(atPath: directory.path)?.allObjects as? [String] ?? []
    return all.filter { name in
      var isDirectory = false as ObjCBool
      _ = FileManager.default.fileExists(atPath: file(name).path, isDirectory: &isDirectory)
      return !isDirectory.boolValue
    }.sorted()
  }
}
