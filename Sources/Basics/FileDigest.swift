import Foundation

extension SHA256 {
  /// The digest of a file's bytes, in hexadecimal.
  /// - Throws: `ApusError` of kind `inputMissing` where the file cannot be read.
  public static func hexadecimal(ofFile path: String) throws -> String {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ApusError(.inputMissing, "cannot read the file", file: path)
    }
    defer { try? handle.close() }
    var digest = SHA256()
    do {
      while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
        chunk.withUnsafeBytes { digest.update($0) }
      }
    } catch {
      throw ApusError(.inputOutput, "reading failed half-way", file: path)
    }
    return digest.hexadecimal()
  }
}
