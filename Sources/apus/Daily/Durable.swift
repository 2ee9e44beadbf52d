import Basics
import Foundation

/// Steps that a power cut must not undo or halve.
enum Durable {
  /// Flushes a file or directory to the device.
  /// - Throws: `ApusError` of kind `inputOutput`.
  static func flush(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("cannot flush to the device", path) }
  }

  /// Renames, and flushes the directory of the new name.
  /// - Throws: `ApusError` of kind `inputOutput`.
  static func rename(_ old: String, to new: String) throws {
    guard Foundation.rename(old, new) == 0 else { throw failure("cannot rename \(old)", new) }
    let parent = FilePath.directory(of: new)
    try flush(parent.isEmpty ? "." : parent)
  }

  /// Makes `path` a symbolic link to `target`, in place of one that was there, in one step.
  /// - Throws: `ApusError` of kind `inputOutput`.
  static func link(_ path: String, to target: String) throws {
    let directory = FilePath.directory(of: path)
    let name = FilePath.name(of: path)
    let temporary = "\(directory)/.\(name).tmp-\(ProcessInfo.processInfo.processIdentifier)"
    unlink(temporary)
    guard symlink(target, temporary) == 0 else { throw failure("cannot create a symbolic link", temporary) }
    do { try rename(temporary, to: path) } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func failure(_ problem: String, _ path: String) -> ApusError {
    ApusError(.inputOutput, "\(problem): \(String(cString: strerror(errno)))", file: path)
  }
}
