import Basics
import Foundation
import Logging

/// The log of a daily run: to a file that is opened anew by every start, so that logrotate may rename it in
/// between; to a terminal, too, where there is one. Without a file to standard error, as every command.
struct DailyLog {
  let logger: Logger
  private let file: Logger?

  /// Opens the log.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  init(_ path: String?, options: LogOptions) throws {
    guard let path else {
      (logger, file) = (options.logger, nil)
      return
    }
    let directory = FilePath.directory(of: path)
    if !directory.isEmpty {
      try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ApusError(
        .cannotCreateOutput, "cannot open the log file: \(String(cString: strerror(errno)))", file: path,
        variable: "daily.log_file")
    }
    let level = options.logger.logLevel
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    func made(_ handlers: [any LogHandler]) -> Logger {
      var logger = Logger(label: "apus") { _ in MultiplexLogHandler(handlers) }
      logger.logLevel = level
      return logger
    }
    file = made([FileLog(handle: handle)])
    self.logger =
      isatty(STDERR_FILENO) == 1
      ? made([FileLog(handle: handle), StandardErrorLog()]) : made([FileLog(handle: handle)])
  }

  /// Notes in the file what ends the run; standard error gets it as the message of the exit code.
  func end(_ error: any Error) { file?.error("\(error)") }
}

/// Log lines with the process in front, since runs follow each other in one file.
private struct FileLog: LogHandler {
  let handle: FileHandle
  var logLevel = Logger.Level.info
  var metadata = Logger.Metadata()

  init(handle: FileHandle) { self.handle = handle }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let line = StandardErrorLog.line(event, metadata, process: ProcessInfo.processInfo.processIdentifier)
    // A full disk must not end the run that it may follow from.
    try? handle.write(contentsOf: Data(line.utf8))
  }
}
