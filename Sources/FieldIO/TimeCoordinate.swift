import Basics
import Fields
import Foundation

/// CF time coordinates: `hours since 1970-01-01 00:00:00` and the like.
public enum TimeCoordinate {
  /// Instants of numbers in CF units, rounded to whole seconds.
  /// - Throws: `ApusError` of kind `badData` for units or a calendar that are not understood.
  public static func instants(
    _ values: [Double], units: String, calendar: String?, file: String, variable: String
  ) throws -> [Instant] {
    let known = ["standard", "gregorian", "proleptic_gregorian"]
    if let calendar = calendar?.lowercased(), !known.contains(calendar) {
      throw ApusError(
        .badData, "unknown calendar", file: file, variable: variable, found: calendar,
        expected: known.joined(separator: ", "))
    }
    if units.hasPrefix("day as %Y%m%d") {
      return values.map { value in
        let day = Int(value)
        let midnight = Instant(year: day / 10_000, month: day / 100 % 100, day: day % 100)
        return Instant(seconds: midnight.seconds + Int(((value - Double(day)) * 86_400).rounded()))
      }
    }
    let parts = units.components(separatedBy: " since ")
    guard parts.count == 2, let second = seconds[parts[0].lowercased()], let origin = origin(parts[1]) else {
      throw ApusError(
        .badData, "time units are not understood", file: file, variable: variable, found: "'\(units)'",
        expected: "for example 'hours since 1970-01-01 00:00:00'")
    }
    return try values.map { value in
      guard value.isFinite, abs(value * second) < 1e15 else {
        throw ApusError(.badData, "a time is no number", file: file, variable: variable, found: "\(value)")
      }
      return Instant(seconds: origin.seconds + Int((value * second).rounded()))
    }
  }

  /// Hours of durations in CF units (`hours`, `days`, `seconds`, ...), nil for units that are no durations.
  public static func hours(_ values: [Double], units: String) -> [Double]? {
    seconds[units.lowercased()].map { second in values.map { $0 * second / 3600 } }
  }

  /// The units Apus writes.
  public static let units = "hours since 1970-01-01 00:00:00"

  /// Numbers in `units`.
  public static func values(_ times: [Instant]) -> [Double] { times.map { Double($0.seconds) / 3600 } }

  private static let seconds: [String: Double] = [
    "second": 1, "seconds": 1, "s": 1, "sec": 1, "minute": 60, "minutes": 60, "min": 60, "hour": 3600,
    "hours": 3600, "h": 3600, "hr": 3600, "day": 86_400, "days": 86_400, "d": 86_400,
  ]

  private static func origin(_ text: String) -> Instant? {
    var plain = text.trimmingCharacters(in: .whitespaces)
    for suffix in [" UTC", "+00:00", " 0:00", " +0:00"] where plain.hasSuffix(suffix) {
      plain.removeLast(suffix.count)
    }
    // `1900-1-1 00:00:0.0`: months and days of one digit, fractions of a second.
    return Instant(plain)
  }
}
