import Basics
import FieldIO

/// The control among the members of an ensemble.
enum ControlMember {
  /// Its place; nil where none is asked for.
  /// - Parameter repeated: a number that several members have.
  /// - Throws: `ApusError` (`badData`) where there is no such member, or numbers come twice.
  static func place(
    _ number: Int?, among members: [Int], repeated: Int?, file: String, variable: String
  ) throws -> Int? {
    guard let number else { return nil }
    if let repeated { throw EnsembleArchive.repeated(repeated, file: file, variable: variable) }
    guard let place = members.firstIndex(of: number) else {
      throw ApusError(
        .badData, "there is no such control member", file: file, variable: variable,
        found: "members \(members.prefix(12).map(String.init).joined(separator: ", "))"
          + (members.count > 12 ? "..." : ""), expected: "\(number)")
    }
    return place
  }
}
