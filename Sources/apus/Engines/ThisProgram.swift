import Foundation

/// The running executable, so that what is handed to an engine starts the same one.
enum ThisProgram {
  /// Its absolute path.
  static var path: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? absolute(CommandLine.arguments[0])
  }

  /// A path that does not depend on the current directory.
  static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}
