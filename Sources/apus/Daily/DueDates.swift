import Basics
import Fields
import RunFiles

/// Which dates are due.
enum DueDates {
  /// The newest initial time whose analysis is due at `now`, and before it those of `catch_up_days`;
  /// ascending, empty before `daily.from`.
  static func all(_ section: DailySection, now: Instant) -> [Instant] {
    let latest = now.adding(hours: -section.delayHours)
    let floor = Instant(seconds: latest.seconds - latest.secondOfDay % 3600)
    guard
      let newest = (0..<24).lazy.map({ floor.adding(hours: -$0) })
        .first(where: { section.analysisHours.contains($0.hour) })
    else { return [] }
    return (0...24 * section.catchUpDays).reversed().map { newest.adding(hours: -$0) }
      .filter { date in
        section.analysisHours.contains(date.hour) && section.from.map { $0 <= date } ?? true
      }
  }

  /// One date asked for by the user.
  /// - Throws: `ApusError` of kind `usage` where forecasts don't start at its hour, or it is later than `now`.
  static func one(_ date: Instant, _ section: DailySection, now: Instant) throws -> [Instant] {
    guard date <= now else {
      throw ApusError(
        .usage, "the date is in the future", variable: "--date", found: "\(date)",
        expected: "\(now) at the latest")
    }
    guard date.secondOfDay % 3600 == 0, section.analysisHours.contains(date.hour) else {
      throw ApusError(
        .usage, "no forecast starts at this hour", variable: "--date", found: "\(date)",
        expected: "one of daily.analysis_hours: "
          + section.analysisHours.map { "\($0)" }.joined(separator: ", "))
    }
    return [date]
  }
}
