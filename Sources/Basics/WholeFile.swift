import Foundation

/// Files that are either whole or not there.
public enum WholeFile {
  /// Writes `data` to a temporary name beside `path`, flushes it to the device and renames it.
  ///
  /// A link is followed, and the file that it names written.
  /// - Throws: `ApusError`: `cannotCreateOutput` (73) where the directory takes no file or what is there is none,
  ///   `inputOutput` (74) where writing fails half-way (disk full); nothing is left behind under either name.
  public static func write(_ data: Data, to path: String) throws {
    try data.withUnsafeBytes { try write([$0], to: path) }
  }

  /// The same of several pieces, one after the other.
  public static func write(_ pieces: [UnsafeRawBufferPointer], to path: String) throws {
    let path = try place(of: path)
    let temporary = path + ".tmp-\(ProcessInfo.processInfo.processIdentifier)"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: \(String(cString: strerror(errno)))", file: path,
        advice: "Choose a directory that exists and is writable.")
    }
    var failure: Int32 = 0
    for bytes in pieces where failure == 0 {
      var done = 0
      while done < bytes.count, let base = bytes.baseAddress {
        let written = Foundation.write(descriptor, base + done, min(bytes.count - done, 1 << 28))
        if written < 0 {
          if errno == EINTR { continue }
          failure = errno
          break
        }
        done += written
      }
    }
    if failure == 0 && fsync(descriptor) != 0 { failure = errno }
    if close(descriptor) != 0 && failure == 0 { failure = errno }
    if failure == 0 && rename(temporary, path) != 0 { failure = errno }
    guard failure == 0 else {
      unlink(temporary)
      throw ApusError(
        .inputOutput, "writing failed: \(String(cString: strerror(failure)))", file: path,
        advice: [ENOSPC, EDQUOT].contains(failure) ? "Free some space and run the same command again." : nil)
    }
  }

  /// Where a file of this path lies once links are followed; the path itself where nothing is there.
  /// - Throws: `ApusError` (`cannotCreateOutput`) where something lies there that is no file: a directory, a device, a
  ///   pipe. They would be replaced, and `/dev/null` with them.
  public static func place(of path: String) throws -> String {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return path }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: what is there is no file", file: path,
        found: facts.st_mode & S_IFMT == S_IFDIR ? "a directory" : "a device, pipe or socket",
        expected: "nothing, or a file", advice: "Choose another name.")
    }
    return FilePath.real(path)
  }

  /// Removes temporary files in `directory`, of files whose names begin with `prefix`, that were left by
  /// processes which were killed while they wrote.
  public static func removeAbandoned(in directory: String, prefix: String) {
    let place = directory.isEmpty ? "." : directory
    for file in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
    where file.hasPrefix(prefix) {
      guard let mark = file.range(of: ".tmp-", options: .backwards),
        let process = Int32(file[mark.upperBound...]), process > 0
      else { continue }
      if kill(process, 0) != 0 && errno == ESRCH { unlink(place + "/" + file) }
    }
  }
}
