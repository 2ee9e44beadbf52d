import Basics

/// `SHA256SUMS`: the digests of a directory's files, as `sha256sum -c` reads them.
enum Checksums {
  /// The file's name.
  static let name = "SHA256SUMS"

  /// Writes the digests of `files` (paths inside `directory`) and flushes every one to the device.
  /// - Throws: `ApusError`: `inputOutput` where a file cannot be read or flushed, `tryAgainLater` on a signal.
  static func write(_ files: [String], in directory: String) throws {
    var list = ChecksumList()
    for file in files {
      try StopFlag.check()
      let path = "\(directory)/\(file)"
      list.digests[file] = try SHA256.hexadecimal(ofFile: path)
      try Durable.flush(path)
    }
    try list.write("\(directory)/\(name)")
  }

  /// Compares a directory with its list.
  /// - Throws: `ApusError` of kind `badData` naming the first file that is missing or differs.
  static func check(_ directory: String) throws {
    let advice =
      "Remove the directory and start apus daily again (with --date where it is older than catch_up_days)."
    guard let list = try? ChecksumList(file: "\(directory)/\(name)") else {
      throw ApusError(
        .badData, "the published date has no \(name), or a damaged one", file: directory, advice: advice)
    }
    for (name, expected) in list.digests.sorted(by: { $0.key < $1.key }) {
      try StopFlag.check()
      let file = "\(directory)/\(name)"
      guard let found = try? SHA256.hexadecimal(ofFile: file) else {
        throw ApusError(.badData, "a published file is missing or cannot be read", file: file, advice: advice)
      }
      guard found == expected else {
        throw ApusError(
          .badData, "a published file was changed or damaged", file: file,
          found: "SHA-256 \(found.prefix(12))", expected: String(expected.prefix(12)), advice: advice)
      }
    }
  }
}
