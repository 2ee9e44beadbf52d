import Basics
import Foundation

/// What a climate sample says at every point: quantiles, mean and standard deviation.
public struct ClimateQuantiles: Sendable {
  /// Number of the even levels 0, 0.01 ... 1.
  public static let evenCount = 101

  /// Levels beyond the outermost hundredths. With the odd hundredths they are the 54 that HENS takes the extreme
  /// forecast index from.
  private static let tails = (low: [0.0001, 0.001], high: [0.999, 0.9999])

  /// All levels that are kept, ascending: 0, 0.0001, 0.001, 0.01, 0.02 ... 0.99, 0.999, 0.9999, 1.
  public static let levels: [Double] =
    [0] + tails.low + (1..<100).map { Double($0) * 0.01 } + tails.high + [1]

  /// Place of a percentage among `levels`; nil for one that is not kept (12.5, 99.5).
  public static func place(percent: Double) -> Int? {
    levels.firstIndex { abs($0 - percent / 100) < 1e-9 }
  }

  /// Places of the even levels among `levels`.
  static let evenPlaces: [Int] = (0..<evenCount).map { percent in
    percent == 0 ? 0 : percent == 100 ? levels.count - 1 : percent + tails.low.count
  }

  /// Number of points.
  public let pointCount: Int
  /// Values in the sample.
  public let sampleCount: Int
  /// Mean of the sample, [point].
  public let mean: [Double]
  /// Standard deviation with the sample's size in the denominator, [point].
  public let standardDeviation: [Double]
  /// [point][level]
  let values: AlignedBuffer<Double>

  /// Quantiles of a sample [sample][point], linearly interpolated between order statistics (type 7, the
  /// default of NumPy, whose arithmetic is followed to the last bit so that ties fall alike). A point with
  /// a NaN in the sample is NaN throughout.
  public init(_ sample: EnsembleValues, threads: Int = Parallel.defaultThreads) throws {
    let found = try Self.levels(Self.levels, of: sample, threads: threads)
    self.init(
      quantiles: found.quantiles, mean: found.mean, standardDeviation: found.standardDeviation,
      sampleCount: sample.memberCount)
  }

  /// A climate that was kept: quantiles of all `levels`, [level][point], mean and standard deviation, [point].
  public init(quantiles: [Double], mean: [Double], standardDeviation: [Double], sampleCount: Int) {
    let (points, levels) = (mean.count, Self.levels.count)
    precondition(quantiles.count == points * levels && standardDeviation.count == points)
    pointCount = points
    self.sampleCount = sampleCount
    self.mean = mean
    self.standardDeviation = standardDeviation
    values = AlignedBuffer<Double>(points * levels)
    for level in 0..<levels {
      for point in 0..<points { values.pointer[point * levels + level] = quantiles[level * points + point] }
    }
  }

  /// Quantiles of a sample at any levels, [level][point], with mean and standard deviation, [point]; as `init`.
  public static func levels(
    _ levels: [Double], of sample: EnsembleValues, threads: Int = Parallel.defaultThreads
  ) throws -> (quantiles: [Double], mean: [Double], standardDeviation: [Double]) {
    let (points, count) = (sample.pointCount, sample.memberCount)
    let values = AlignedBuffer<Double>(points * levels.count)
    let (means, deviations) = (AlignedBuffer<Double>(points), AlignedBuffer<Double>(points))
    let positions = levels.map { OrderStatistic.position($0, count) }
    try sample.forEachBlock(BlockScratch(members: count, threads: threads), threads: threads) {
      first, lanes, sorted, _ in
      var sum = Lanes.zero
      for k in 0..<count { sum += sorted[k] - sorted[0] }
      let average = sum / Double(count)
      var squares = Lanes.zero
      for k in 0..<count {
        let d = sorted[k] - sorted[0] - average
        squares += d * d
      }
      for lane in 0..<lanes {
        let point = first + lane
        means.pointer[point] = sorted[0][lane] + average[lane]
        deviations.pointer[point] = (squares[lane] / Double(count)).squareRoot()
        for (level, position) in positions.enumerated() {
          values.pointer[level * points + point] = position.value(
            sorted[position.index][lane], sorted[min(position.index + 1, count - 1)][lane])
        }
      }
    }
    return (values.array, means.array, deviations.array)
  }

  /// The quantile at a place among `levels`, [point].
  public func quantile(place: Int) -> [Double] {
    precondition(Self.levels.indices.contains(place))
    return (0..<pointCount).map { values.pointer[$0 * Self.levels.count + place] }
  }

  /// The quantile at a whole percentage, [point].
  public func quantile(percent: Int) -> [Double] { quantile(place: Self.evenPlaces[percent]) }

  /// The fair CRPS of the climate itself as a forecast, [point]: F is taken as linear between the quantiles. It is near
  /// the one of the sample (`PointwiseScores.crpsFair`): of 300 normal states the two differ by 0.5 % of a standard
  /// deviation at most points, by 0.05 % in the mean.
  public func crps(_ truth: [Double]) -> [Double] {
    precondition(truth.count == pointCount)
    let levels = Self.levels.count
    return truth.indices.map { point in
      let own = UnsafeBufferPointer(start: values.pointer + point * levels, count: levels)
      guard let first = own.first, !first.isNaN, !truth[point].isNaN else { return .nan }
      return LinearDistribution(bounds: Array(own), fractions: Self.levels)
        .fairCRPS(truth[point], members: sampleCount)
    }
  }

  /// Where values lie in the climate: the level of the quantile that equals them, linear between levels, 0 below
  /// and 1 above all states, [point].
  public func level(of values: [Double]) -> [Double] {
    precondition(values.count == pointCount)
    return values.indices.map { point in
      let own = self.values.pointer + point * Self.levels.count
      let (x, last) = (values[point], Self.levels.count - 1)
      guard !own[0].isNaN, !x.isNaN else { return .nan }
      guard x > own[0] else { return 0 }
      guard x < own[last] else { return 1 }
      let above = (1...last).first { own[$0] >= x } ?? last
      let share = (x - own[above - 1]) / (own[above] - own[above - 1])
      return Self.levels[above - 1] + (Self.levels[above] - Self.levels[above - 1]) * share
    }
  }

  /// Mean plus so many standard deviations, [point]: a threshold.
  public func meanPlus(standardDeviations: Double) -> [Double] {
    zip(mean, standardDeviation).map { $0 + standardDeviations * $1 }
  }
}
