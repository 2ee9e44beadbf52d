import ArgumentParser
import Basics
import Fields
import Foundation
import Logging

/// `--quiet` and `--verbose`, and the logger that follows from them.
struct LogOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Log nothing but failures; no progress line.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Log what is read, written and decided.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
  }

  /// A logger to standard error: notices and up, with `--verbose` everything, with `--quiet` errors only.
  var logger: Logger {
    var logger = Logger(label: "apus") { _ in StandardErrorLog() }
    logger.logLevel = quiet ? .error : verbose ? .debug : .info
    return logger
  }

  /// Whether a progress line may be drawn: on a terminal, unless `--quiet`.
  var showsProgress: Bool { !quiet && isatty(STDERR_FILENO) == 1 }
}

/// Log lines as `2026-11-23T21:30:00Z info: wrote scores variable=msl`.
struct StandardErrorLog: LogHandler {
  var logLevel = Logger.Level.info
  var metadata = Logger.Metadata()

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    FileHandle.standardError.write(Data(StandardErrorLog.line(event, metadata).utf8))
  }

  /// One line, with the number of the process where many write to one file.
  static func line(_ event: LogEvent, _ metadata: Logger.Metadata, process: Int32? = nil) -> String {
    let facts = metadata.merging(event.metadata ?? [:]) { $1 }
      .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let now = Instant(seconds: Int(Date().timeIntervalSince1970))
    let writer = process.map { "[\($0)] " } ?? ""
    return "\(now) \(writer)\(event.level): \(event.message)\(facts)\n"
  }
}
