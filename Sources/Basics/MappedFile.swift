import Foundation

/// A file mapped into memory: read page by page as it is used, shared by every process that maps it.
///
/// The mapping is private: writing to it changes this process' copy of a page, never the file.
public final class MappedFile: @unchecked Sendable {
  /// The first byte.
  public let start: UnsafeMutableRawPointer
  /// Bytes.
  public let count: Int

  /// Maps a whole file.
  /// - Throws: `ApusError`: `inputMissing` for no readable file, `inputOutput` where it cannot be mapped.
  public init(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ApusError(.inputMissing, "no such file", file: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > 0 else {
      throw ApusError(.badData, "the file is empty", file: path)
    }
    count = Int(status.st_size)
    let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw ApusError(
        .inputOutput, "cannot be mapped into memory: \(String(cString: strerror(errno)))", file: path,
        found: "\(count) bytes")
    }
    start = address
  }

  deinit { munmap(start, count) }
}
