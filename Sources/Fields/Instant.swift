import Basics
import Foundation

/// A moment in UTC, whole seconds since 1970-01-01T00:00:00Z in the proleptic Gregorian calendar.
public struct Instant: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Seconds since 1970-01-01T00:00:00Z.
  public var seconds: Int

  /// A moment from seconds since 1970.
  public init(seconds: Int) { self.seconds = seconds }

  /// A moment from calendar components, UTC.
  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    let days = Instant.daysSince1970(year: year, month: month, day: day)
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
  }

  /// Reads `2026-02-01`, `2026-02-01T06`, `2026-02-01T06:00`, `2026-02-01T06:00:00Z` (a space may
  /// stand for the T), or `20260201`, `2026020106`, `20260201T06`; nil where the text is no such date.
  public init?(_ text: String) {
    var trimmed = text.trimmingCharacters(in: .whitespaces)
    if trimmed.hasSuffix("Z") { trimmed.removeLast() }
    var numbers: [Int]
    // As Apus' own directories are called: 20260201T00.
    let compact = trimmed.split(separator: "T", maxSplits: 1)
    if compact.count == 2, compact[0].count == 8, compact[1].count == 2 { trimmed = compact.joined() }
    if trimmed.allSatisfy(\.isNumber), trimmed.count == 8 || trimmed.count == 10 {
      let digits = Array(trimmed)
      numbers = [0..<4, 4..<6, 6..<8, 8..<digits.count].compactMap { Int(String(digits[$0])) }
    } else {
      let parts = trimmed.split(whereSeparator: { $0 == "T" || $0 == " " })
      guard let date = parts.first, parts.count <= 2 else { return nil }
      let dateParts = date.split(separator: "-", omittingEmptySubsequences: false)
      guard dateParts.count == 3 else { return nil }
      numbers = dateParts.compactMap { Int($0) }
      guard numbers.count == 3 else { return nil }
      if parts.count == 2 {
        let clock = parts[1].split(separator: ":")
        let fields = clock.compactMap { Double($0) }
        guard fields.count == clock.count, fields.count <= 3, fields.allSatisfy((0...100).contains) else {
          return nil
        }
        numbers += fields.map { Int($0) }
      }
    }
    numbers += [Int](repeating: 0, count: max(0, 6 - numbers.count))
    guard numbers.count == 6, (0...9999).contains(numbers[0]), (1...12).contains(numbers[1]),
      (1...31).contains(numbers[2]),
      (0...24).contains(numbers[3]), (0..<60).contains(numbers[4]), (0...60).contains(numbers[5])
    else { return nil }
    self.init(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
      second: numbers[5])
    let back = calendarDate
    guard back.day == numbers[2] || numbers[3] == 24 else { return nil }
  }

  /// Year, month and day of this moment.
  public var calendarDate: (year: Int, month: Int, day: Int) {
    let days = Int((Double(seconds) / 86400).rounded(.down)) + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// Seconds since midnight UTC.
  public var secondOfDay: Int { ((seconds % 86400) + 86400) % 86400 }
  /// Hour of the day UTC, 0...23.
  public var hour: Int { secondOfDay / 3600 }
  /// Day of the year, 1...366.
  public var dayOfYear: Int {
    let date = calendarDate
    return Instant.daysSince1970(year: date.year, month: date.month, day: date.day)
      - Instant.daysSince1970(year: date.year, month: 1, day: 1) + 1
  }
  /// Fraction of the year gone by, in [0, 1).
  public var yearFraction: Double {
    let year = calendarDate.year
    let start = Instant(year: year, month: 1, day: 1).seconds
    let end = Instant(year: year + 1, month: 1, day: 1).seconds
    return Double(seconds - start) / Double(end - start)
  }

  /// This moment moved by a number of hours.
  public func adding(hours: Int) -> Instant { Instant(seconds: seconds + hours * 3600) }

  /// ISO 8601 with seconds and Z: `2026-02-01T06:00:00Z`.
  public var description: String {
    let date = calendarDate
    let clock = secondOfDay
    return String(
      format: "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day, clock / 3600,
      clock / 60 % 60, clock % 60)
  }

  /// For file names: `20260201T06`.
  public var stamp: String {
    let date = calendarDate
    return String(format: "%04d%02d%02dT%02d", date.year, date.month, date.day, hour)
  }

  /// Earlier moments come first.
  public static func < (left: Instant, right: Instant) -> Bool { left.seconds < right.seconds }

  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
