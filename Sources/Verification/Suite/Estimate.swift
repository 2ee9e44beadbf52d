/// The ends of an interval.
public struct Interval: Sendable, Hashable {
  /// Lower end; NaN where there is no interval.
  public let lower: Double
  /// Upper end.
  public let upper: Double

  /// An interval of two ends.
  public init(_ lower: Double, _ upper: Double) { (self.lower, self.upper) = (lower, upper) }

  /// Where nothing can be said.
  public static let none = Interval(.nan, .nan)
}

/// A number and its interval over resampled dates.
public struct Estimate: Sendable, Hashable {
  /// The number.
  public let value: Double
  /// Lower end; NaN where there is no interval.
  public let lower: Double
  /// Upper end.
  public let upper: Double

  /// A number with an interval.
  public init(_ value: Double, _ interval: Interval) {
    (self.value, lower, upper) = (value, interval.lower, interval.upper)
  }
}
