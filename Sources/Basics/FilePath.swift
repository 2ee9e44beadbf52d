import Foundation

/// Parts of paths as text, of any path: `NSString` traps on those of one letter.
public enum FilePath {
  /// The directory that a path lies in: empty for a name alone, `/` for what lies in the root.
  public static func directory(of path: String) -> String {
    let whole = trimmed(path)
    guard let slash = whole.lastIndex(of: "/") else { return "" }
    let directory = trimmed(String(whole[..<slash]))
    return directory.isEmpty ? "/" : directory
  }

  /// The last part of a path; `/` for the root itself.
  public static func name(of path: String) -> String {
    let whole = trimmed(path)
    guard whole != "/", let slash = whole.lastIndex(of: "/") else { return whole }
    return String(whole[whole.index(after: slash)...])
  }

  /// The ending of a path's last part, without its dot; empty where it has none.
  public static func ending(of path: String) -> String {
    let name = name(of: path)
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return String(name[name.index(after: dot)...])
  }

  /// Where a file lies once links are followed; the path itself where nothing is there.
  public static func real(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// Without slashes at the end, but for the root.
  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
