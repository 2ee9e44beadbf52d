import Basics

/// What is kept of the values of one day: `t2m_daily_maximum`.
///
/// A day ends at its valid time T and holds the times t, T - 24 h < t <= T: of 6-hourly data those 18, 12,
/// 6 and 0 hours before T. For T at 00 UTC it is the calendar day before, without its first instant and with
/// its last, so that days that follow each other share no value.
public enum DailyStatistic: String, Sendable, CaseIterable {
  /// Arithmetic mean.
  case mean
  /// Smallest value.
  case minimum
  /// Largest value.
  case maximum

  /// The CF cell method of the statistic, `time: mean`.
  public var cellMethod: String { "time: \(rawValue)" }

  /// The parts of a name such as `t2m_daily_mean`; nil where it does not end in a daily statistic. What comes
  /// before may be any name, a derived variable's too.
  public static func split(_ name: String) -> (base: String, statistic: DailyStatistic)? {
    for statistic in allCases {
      let suffix = "_daily_\(statistic.rawValue)"
      if name.hasSuffix(suffix), name.count > suffix.count {
        return (String(name.dropLast(suffix.count)), statistic)
      }
    }
    return nil
  }

  /// The valid times of the day that ends at a moment, ascending, the moment last; empty where the step is
  /// not positive.
  /// - Parameter stepHours: between two states [h].
  public static func validTimes(endingAt end: Instant, stepHours: Int) -> [Instant] {
    guard stepHours > 0 else { return [] }
    return stride(from: 0, to: 24, by: stepHours).reversed().map { end.adding(hours: -$0) }
  }

  /// The hours between the states of a day that two archives share, where one has every state of the other; nil where
  /// they do not, or where a day would be one state alone, which has no mean or extremes.
  /// - Parameters:
  ///   - first, second: between two states of each [h].
  public static func commonStep(_ first: Int, _ second: Int) -> Int? {
    let step = max(first, second)
    guard min(first, second) > 0, step % first == 0, step % second == 0, (1...12).contains(step) else {
      return nil
    }
    return step
  }

  /// The statistic of one day, [point]; NaN at points where any value is NaN.
  /// - Parameter fields: [time][point].
  /// - Throws: `ApusError` of kind `badData` where there is no field or they differ in size.
  public func over(_ fields: [[Float]]) throws -> [Float] {
    guard let first = fields.first else { throw ApusError(.badData, "a day without fields") }
    if let other = fields.first(where: { $0.count != first.count }) {
      throw ApusError(
        .badData, "fields of one day differ in size", found: "\(first.count) and \(other.count) points",
        expected: "one grid")
    }
    switch self {
    case .mean:
      var sums = first.map(Double.init)
      for field in fields.dropFirst() {
        for point in sums.indices { sums[point] += Double(field[point]) }
      }
      return sums.map { Float($0 / Double(fields.count)) }
    case .minimum: return fields.dropFirst().reduce(first) { zip($0, $1).map(Self.smaller) }
    case .maximum: return fields.dropFirst().reduce(first) { zip($0, $1).map { -Self.smaller(-$0, -$1) } }
    }
  }

  /// The smaller of two, NaN where either is (Swift's `min` may drop it).
  private static func smaller(_ a: Float, _ b: Float) -> Float { a.isNaN || a < b ? a : b }
}
