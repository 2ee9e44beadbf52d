import ArgumentParser
import Basics
import Foundation

/// `--json`, and how a command gives its result.
struct ResultOptions: ParsableArguments {
  @Flag(help: "Print the result as one JSON object.")
  var json = false

  /// Prints a result on standard output: its description, or one JSON object with sorted keys.
  func show(_ result: some Encodable & CustomStringConvertible) throws {
    guard json else {
      print(result.description)
      return
    }
    print(String(decoding: try ResultOptions.encoded(result), as: UTF8.self))
  }

  /// A result as one JSON object with sorted keys such as `lead_hours`; what is no number, as "inf", "-inf" or "nan".
  static func encoded(_ result: some Encodable) throws -> Data {
    try SortedJSON.data(result, isPretty: true, writesNonFinite: true, snakeCase: true)
  }
}
