import Basics
import Foundation

/// Files named by paths or globs.
public enum FileList {
  /// All files that the patterns match, in the patterns' order, each pattern's files sorted. A path that is there is
  /// that file, whatever signs it has in its name.
  /// - Throws: `ApusError` of kind `inputMissing` for a pattern that matches nothing.
  public static func expand(_ patterns: [String]) throws -> [String] {
    try patterns.flatMap { pattern in
      if FileManager.default.fileExists(atPath: pattern) { return [pattern] }
      var matches = glob_t()
      defer { globfree(&matches) }
      guard glob(pattern, GLOB_TILDE, nil, &matches) == 0, matches.gl_pathc > 0 else {
        throw ApusError(
          .inputMissing, "no such file", file: pattern, advice: "Relative paths start at \(currentDirectory)."
        )
      }
      return (0..<Int(matches.gl_pathc)).compactMap { index in
        matches.gl_pathv[index].map { String(cString: $0) }
      }
    }
  }

  private static var currentDirectory: String { FileManager.default.currentDirectoryPath }
}
