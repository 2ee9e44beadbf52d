import Basics
import Foundation

/// A file, or a glob of files, that a run file names.
///
/// A relative path is looked for from the current directory, then from the run file's directory, then
/// from that one's parent and grandparent, so `pipelines/train/t31.yml` finds `models/...` wherever it is
/// called from. The first place that has it wins; where none has it, the path stays as it is written.
/// Paths that are written (`output`) are always relative to the current directory.
public struct InputPath: Sendable, Hashable, Codable {
  /// As the run file has it: what the canonical text and messages show.
  public let written: String
  /// Where it was found: what to open.
  public let path: String

  /// Looks for `written`; `runFile` is the path of the file that names it.
  public init(_ written: String, runFile: String? = nil) {
    self.written = written
    guard let runFile, !written.hasPrefix("/"), !InputPath.exists(written) else {
      path = written
      return
    }
    let directory = FilePath.directory(of: runFile)
    let here = directory.isEmpty ? "." : directory
    let places = [here, here + "/..", here + "/../.."].map {
      (($0 + "/" + written) as NSString).standardizingPath
    }
    path = places.first(where: InputPath.exists) ?? written
  }

  /// Reads the written path; it is not looked for.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the path as written.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    try box.encode(written)
  }

  private static func exists(_ pattern: String) -> Bool {
    // What is there is that file, even with brackets in its name.
    if FileManager.default.fileExists(atPath: pattern) { return true }
    var matches = glob_t()
    defer { globfree(&matches) }
    return glob(pattern, 0, nil, &matches) == 0 && matches.gl_pathc > 0
  }
}

extension Array where Element == InputPath {
  /// Where they were found, in order.
  public var paths: [String] { map(\.path) }
}
