import Basics
import Fields
import Foundation

/// CF time coordinates: `hours since 1970-01-01 00:00:00` and the like.
///
/// In the calendar `standard`, CF's default, dates before 15 October 1582 are Julian ones: an origin that old is a few
/// days away from where the Gregorian calendar, carried back, has it.
public enum TimeCoordinate {
  /// Instants of numbers in CF units, rounded to whole seconds.
  /// - Throws: `ApusError` of kind `badData` for units or a calendar that are not understood.
  public static func instants(
    _ values: [Double], units: String, calendar: String?, file: String, variable: String
  ) throws -> [Instant] {
    let proleptic = "proleptic_gregorian"
    let known = ["standard", "gregorian", proleptic]
    if let calendar = calendar?.lowercased(), !known.contains(calendar) {
      throw ApusError(
        .badData, "unknown calendar", file: file, variable: variable, found: calendar,
        expected: known.joined(separator: ", "))
    }
    if units.hasPrefix("day as %Y%m%d") {
      return try values.map { value in
        guard (0..<1e8).contains(value) else {
          throw ApusError(
            .badData, "a time is no date", file: file, variable: variable, found: "\(value)",
            expected: "for example 20260201.25")
        }
        let day = Int(value)
        let midnight = Instant(year: day / 10_000, month: day / 100 % 100, day: day % 100)
        return Instant(seconds: midnight.seconds + Int(((value - Double(day)) * 86_400).rounded()))
      }
    }
    let parts = units.components(separatedBy: " since ")
    guard parts.count == 2, let second = seconds[parts[0].lowercased()], var origin = origin(parts[1]) else {
      throw ApusError(
        .badData, "time units are not understood", file: file, variable: variable, found: "'\(units)'",
        expected: "for example 'hours since 1970-01-01 00:00:00'")
    }
    if calendar?.lowercased() != proleptic, origin < Instant(year: 1582, month: 10, day: 15) {
      origin = julian(origin)
    }
    return try values.map { value in
      guard value.isFinite, abs(value * second) < 1e15 else {
        throw ApusError(.badData, "a time is no number", file: file, variable: variable, found: "\(value)")
      }
      return Instant(seconds: origin.seconds + Int((value * second).rounded()))
    }
  }

  /// Hours of durations in CF units (`hours`, `days`, `seconds`, ...).
  /// - Throws: `ApusError` of kind `badData` for units that are no durations, and for what is no number.
  public static func hours(_ values: [Double], units: String, file: String, variable: String) throws
    -> [Double]
  {
    guard let second = seconds[units.trimmingCharacters(in: .whitespaces).lowercased()] else {
      throw ApusError(
        .badData, "the units of the lead time are not understood", file: file, variable: variable,
        found: "'\(units)'", expected: "for example hours")
    }
    return try values.map { value in
      // A thousand years.
      guard abs(value * second) < 3.2e10 else {
        throw ApusError(
          .badData, "a lead time is no number", file: file, variable: variable, found: "\(value) \(units)")
      }
      return value * second / 3600
    }
  }

  /// The units Apus writes.
  public static let units = "hours since 1970-01-01 00:00:00"

  /// Numbers in `units`.
  public static func values(_ times: [Instant]) -> [Double] { times.map { Double($0.seconds) / 3600 } }

  private static let seconds: [String: Double] = [
    "second": 1, "seconds": 1, "s": 1, "sec": 1, "minute": 60, "minutes": 60, "min": 60, "hour": 3600,
    "hours": 3600, "h": 3600, "hr": 3600, "day": 86_400, "days": 86_400, "d": 86_400,
    "millisecond": 1e-3, "milliseconds": 1e-3, "ms": 1e-3, "microsecond": 1e-6, "microseconds": 1e-6,
    "nanosecond": 1e-9, "nanoseconds": 1e-9, "ns": 1e-9,
  ]

  /// The moment that a date, read as a Gregorian one, is as a Julian one.
  private static func julian(_ moment: Instant) -> Instant {
    let date = moment.calendarDate
    let year = date.month <= 2 ? date.year - 1 : date.year
    let centuries = Int((Double(year) / 100).rounded(.down))
    let leaps = Int((Double(year) / 400).rounded(.down))
    return moment.adding(hours: 24 * (centuries - leaps - 2))
  }

  private static func origin(_ text: String) -> Instant? {
    var plain = text.trimmingCharacters(in: .whitespaces)
    for suffix in [" UTC", "+00:00", " 0:00", " +0:00"] where plain.hasSuffix(suffix) {
      plain.removeLast(suffix.count)
    }
    // `1900-1-1 00:00:0.0`: months and days of one digit, fractions of a second.
    return Instant(plain)
  }
}
