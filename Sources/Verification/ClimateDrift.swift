/// How far a long run's mean moves from the truth's, in standard deviations of the truth.
public struct ClimateDrift: Sendable, Hashable {
  /// The mean of some neighbouring times against the truth's of the same times.
  public struct Window: Sendable, Hashable {
    /// Number of its first time.
    public let first: Int
    /// Forecast minus truth, in standard deviations of the truth.
    public let departure: Double
  }

  /// Mean of the forecast over its times, in the variable's unit.
  public let mean: Double
  /// Mean of the truth over the same times.
  public let truthMean: Double
  /// Standard deviation of the truth over all its times (their number in the denominator).
  public let deviation: Double
  /// `mean` minus `truthMean`, in standard deviations.
  public let departure: Double
  /// The window that departs most; nil where the forecast is shorter than a window.
  public let largest: Window?

  /// Compares two series of equal steps.
  /// - Parameters:
  ///   - forecast: one value a time; shorter than the truth where the forecast ended early.
  ///   - truth: one value a time, from the same first time on.
  ///   - window: number of times of a window.
  public init(_ forecast: [Double], truth: [Double], window: Int) {
    precondition(!truth.isEmpty && forecast.count <= truth.count && window > 0)
    func average(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }
    let whole = average(truth[...])
    let deviation = average(truth.map { ($0 - whole) * ($0 - whole) }[...]).squareRoot()
    mean = average(forecast[...])
    truthMean = average(truth.prefix(forecast.count))
    self.deviation = deviation
    departure = (mean - truthMean) / deviation
    largest = stride(from: 0, through: forecast.count - window, by: 1).map { first in
      let difference = average(forecast[first..<first + window]) - average(truth[first..<first + window])
      return Window(first: first, departure: difference / deviation)
    }.max { abs($0.departure) < abs($1.departure) }
  }
}
