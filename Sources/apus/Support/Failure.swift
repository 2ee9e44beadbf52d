import ArgumentParser
import Basics
import Foundation

/// The one place where an error becomes a message on standard error and an exit code
/// (docs/exit-codes.md).
enum Failure {
  /// Ends the program after the arguments were not understood, or after `--help` and `--version`.
  static func endUsage(_ error: any Error) -> Never {
    let text = Apus.fullMessage(for: error)
    guard !Apus.exitCode(for: error).isSuccess else {
      print(text)
      exit(0)
    }
    say(text.hasPrefix("Error: ") ? String(text.dropFirst("Error: ".count)) : text)
    exit(ApusError.Kind.usage.rawValue)
  }

  /// Ends the program after a command failed.
  static func end(_ error: any Error) -> Never {
    switch error {
    case let error as ApusError:
      say("\(error)")
      leave(error.kind.rawValue)
    case let code as ExitCode: exit(code.rawValue)
    default:
      // The parser knows its own errors (help asked for, bad values) by another code than 1.
      if Apus.exitCode(for: error) != .failure { endUsage(error) }
      say("\(error). This is a fault of Apus: please report it with the command.")
      leave(ApusError.Kind.internalFault.rawValue)
    }
  }

  /// Ends the process without C's exit handlers: after a full disk HDF5's own handler writes once more, and
  /// crashes.
  private static func leave(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
  }

  private static func say(_ text: String) {
    FileHandle.standardError.write(Data("apus: error: \(text)\n".utf8))
  }
}
