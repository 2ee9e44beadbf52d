import Fields

/// Days of the year around a date: which past states make its climate.
enum ClimateWindow {
  /// Those of `times` at the hour of `time` and no more than `days` days of the year away, over New Year too.
  static func times(_ times: [Instant], around time: Instant, days: Int) -> [Instant] {
    // Whole days, so that the times of one day share a climate.
    times.filter { apart($0.dayOfYear, time.dayOfYear) <= days && $0.hour == time.hour }
  }

  /// Days between two days of the year, over New Year too.
  static func apart(_ a: Int, _ b: Int) -> Int {
    // The last day of a leap year counts as the day before it: both are next to New Year.
    let apart = abs(min(a, 365) - min(b, 365))
    return min(apart, 365 - apart)
  }
}
