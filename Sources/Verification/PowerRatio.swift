/// Power per degree of forecasts over that of the truth at the same times, both summed over times first.
public struct PowerRatio: Sendable, Hashable {
  /// A degree l and the ratio there.
  public struct Extreme: Sendable, Hashable, Codable {
    /// Degree l.
    public let degree: Int
    /// Power of the forecast over the truth's.
    public let ratio: Double
  }

  /// Sums of the forecast's and the truth's power by degree from l = 0, in the variable's unit squared.
  private var forecast: [Double]
  private var truth: [Double]

  /// Nothing summed yet, degrees 0..<`degrees`.
  public init(degrees: Int) {
    forecast = [Double](repeating: 0, count: degrees)
    truth = forecast
  }

  /// Adds the spectra of one time, [degree] from l = 0; nil for a forecast that is not finite, whose power is
  /// infinite.
  public mutating func add(_ spectrum: [Double]?, truth other: [Double]) {
    for l in truth.indices {
      forecast[l] += spectrum?[l] ?? .infinity
      truth[l] += other[l]
    }
  }

  /// Adds the sums of other times.
  public mutating func add(_ other: PowerRatio) { add(other.forecast, truth: other.truth) }

  /// The ratio at l = 1, 2, ...
  public var ratios: [Double] { zip(forecast, truth).dropFirst().map { $0 / $1 } }
  /// The lowest ratio over l = 1, 2, ...; nil where no degree has one.
  public var lowest: Extreme? { extremes.min { $0.ratio < $1.ratio } }
  /// The highest ratio.
  public var highest: Extreme? { extremes.max { $0.ratio < $1.ratio } }

  private var extremes: [Extreme] {
    ratios.enumerated().filter { !$0.element.isNaN }.map { Extreme(degree: $0.offset + 1, ratio: $0.element) }
  }
}
