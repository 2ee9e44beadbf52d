import Basics
import Foundation

/// `SHA256SUMS`: the digests of a directory's files, as `sha256sum -c` reads them.
enum Checksums {
  /// The file's name.
  static let name = "SHA256SUMS"

  /// Writes the digests of `files` (paths inside `directory`) and flushes every one to the device.
  /// - Throws: `ApusError`: `inputOutput` where a file cannot be read or flushed, `tryAgainLater` on a signal.
  static func write(_ files: [String], in directory: String) throws {
    var text = ""
    for file in files {
      try StopFlag.check()
      let path = "\(directory)/\(file)"
      text += try "\(SHA256.hexadecimal(ofFile: path))  \(file)\n"
      try Durable.flush(path)
    }
    try WholeFile.write(Data(text.utf8), to: "\(directory)/\(name)")
  }

  /// Compares a directory with its list.
  /// - Throws: `ApusError` of kind `badData` naming the first file that is missing or differs.
  static func check(_ directory: String) throws {
    let advice =
      "Remove the directory and start apus daily again (with --date where it is older than catch_up_days)."
    guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)"), !data.isEmpty else {
      throw ApusError(.badData, "the published date has no \(name)", file: directory, advice: advice)
    }
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      try StopFlag.check()
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      let file = "\(directory)/\(parts.last.map { $0.trimmingPrefix(" ") } ?? "")"
      guard let expected = parts.first, let found = try? SHA256.hexadecimal(ofFile: file) else {
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
