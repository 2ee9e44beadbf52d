import Foundation

/// Digests of files as `sha256sum` writes and `sha256sum -c` reads them: `DIGEST  NAME`, a line a file, by name.
public struct ChecksumList: Sendable, Hashable {
  /// SHA-256 in hexadecimal by name; names are relative to a directory that whoever keeps the list knows.
  public var digests: [String: String]

  /// A list of digests by name.
  public init(_ digests: [String: String] = [:]) { self.digests = digests }

  /// Reads a list.
  /// - Throws: `ApusError`: `inputMissing` where there is no file, `badData` naming the first line that is none of
  ///   a list, or for a list of nothing.
  public init(file: String) throws {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw ApusError(.inputMissing, "cannot read the checksums", file: file)
    }
    digests = [:]
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let digest = line.prefix(64)
      let name = line.dropFirst(66)
      guard line.dropFirst(64).prefix(2) == "  ", digest.count == 64, !name.isEmpty,
        digest.allSatisfy({ $0.isHexDigit })
      else {
        throw ApusError(
          .badData, "is no list of checksums", file: "\(file):\(number + 1)", found: "'\(line.prefix(80))'",
          expected: "lines of sha256sum")
      }
      digests[String(name)] = digest.lowercased()
    }
    guard !digests.isEmpty else { throw ApusError(.badData, "the list of checksums is empty", file: file) }
  }

  /// The file's text.
  public var text: String {
    digests.keys.sorted().map { "\(digests[$0] ?? "")  \($0)\n" }.joined()
  }

  /// Writes the list.
  /// - Throws: as `WholeFile.write`.
  public func write(_ file: String) throws { try WholeFile.write(Data(text.utf8), to: file) }
}
