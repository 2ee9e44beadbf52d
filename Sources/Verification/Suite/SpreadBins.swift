import Foundation

/// Error against spread, point by point: sums in bins of the ensemble's variance, 2^(1/2) wide (so that the spread
/// grows by 2^(1/4) from bin to bin), for binned spread-skill diagrams. Fixed bins can be added over dates.
public struct SpreadBins: Sendable, Codable {
  /// Sums of weight, weight x variance and weight x square error of the mean; bins with points only.
  public struct Bin: Sendable, Codable {
    /// Sum of the points' weights.
    public var weight = 0.0
    /// Sum of weight x variance.
    public var variance = 0.0
    /// Sum of weight x square error of the mean.
    public var squareError = 0.0

    /// Spread of the bin's points, corrected by (M + 1)/M for the ensemble's size, as in the spread-skill ratio.
    func spread(members: Int) -> Double {
      (Double(members + 1) / Double(members) * variance / weight).squareRoot()
    }
    /// RMSE of the ensemble mean at the bin's points.
    var error: Double { (squareError / weight).squareRoot() }
  }

  /// By number of the bin: the variance lies in [2^(n/2), 2^((n + 1)/2)).
  public var bins: [Int: Bin] = [:]

  /// No points yet.
  public init() {}

  /// The bin of a variance; nil for none and for NaN.
  @inline(__always) static func number(_ variance: Double) -> Int? {
    guard variance > 0, variance.isFinite else { return nil }
    let exponent = Int(variance.exponent)
    return 2 * exponent + (variance.significand >= 1.4142135623730951 ? 1 : 0)
  }

  /// Adds other sums.
  public mutating func add(_ other: SpreadBins) {
    for (number, bin) in other.bins {
      bins[number, default: Bin()].weight += bin.weight
      bins[number, default: Bin()].variance += bin.variance
      bins[number, default: Bin()].squareError += bin.squareError
    }
  }

  /// Spread (corrected by (M + 1)/M for the ensemble's size, as in the spread-skill ratio), RMSE of the mean and share
  /// of the weight, by ascending spread.
  public func curve(members: Int) -> [(spread: Double, error: Double, share: Double)] {
    // In order of the bins: a dictionary's own order differs from run to run.
    let ordered = bins.sorted { $0.key < $1.key }
    let total = ordered.reduce(0) { $0 + $1.value.weight }
    return ordered.map { _, bin in (bin.spread(members: members), bin.error, bin.weight / total) }
  }

  /// Number, weight, variance and square error of each bin, by ascending number: what is kept of a date.
  public var row: [Float] {
    bins.sorted { $0.key < $1.key }.flatMap { number, bin in
      [Float(number), Float(bin.weight), Float(bin.variance), Float(bin.squareError)]
    }
  }

  /// The bins of a row.
  public init(row: some Collection<Float>) {
    let values = Array(row)
    for start in stride(from: 0, to: values.count - 3, by: 4) {
      bins[Int(values[start])] = Bin(
        weight: Double(values[start + 1]), variance: Double(values[start + 2]),
        squareError: Double(values[start + 3]))
    }
  }
}
