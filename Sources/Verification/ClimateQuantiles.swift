import Basics
import Foundation

/// What a climate sample says at every point: 101 quantiles, mean and standard deviation.
public struct ClimateQuantiles: Sendable {
  /// Quantile levels 0, 0.01 ... 1.
  public static let levelCount = 101

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
    let last = Self.levelCount - 1
    let found = try Self.levels(
      (0...last).map { $0 == last ? 1 : Double($0) * 0.01 }, of: sample, threads: threads)
    self.init(
      quantiles: found.quantiles, mean: found.mean, standardDeviation: found.standardDeviation,
      sampleCount: sample.memberCount)
  }

  /// A climate that was kept: the 101 quantiles, [level][point], mean and standard deviation, [point].
  public init(quantiles: [Double], mean: [Double], standardDeviation: [Double], sampleCount: Int) {
    let (points, levels) = (mean.count, Self.levelCount)
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

  /// The quantile at a whole percentage, [point].
  public func quantile(percent: Int) -> [Double] {
    precondition((0..<Self.levelCount).contains(percent))
    return (0..<pointCount).map { values.pointer[$0 * Self.levelCount + percent] }
  }

  /// Mean plus so many standard deviations, [point]: a threshold.
  public func meanPlus(standardDeviations: Double) -> [Double] {
    zip(mean, standardDeviation).map { $0 + standardDeviations * $1 }
  }
}

/// A place between two order statistics.
struct OrderStatistic {
  let index: Int
  let fraction: Double

  /// Where the quantile of level `level` lies among `count` sorted values: (count - 1) x level.
  static func position(_ level: Double, _ count: Int) -> OrderStatistic {
    let place = Double(count - 1) * level
    let index = min(Int(place.rounded(.down)), count - 1)
    return OrderStatistic(index: index, fraction: place - Double(index))
  }

  /// NumPy's interpolation, which is monotonic and exact at both ends.
  func value(_ low: Double, _ high: Double) -> Double {
    let step = high - low
    return fraction >= 0.5 ? high - step * (1 - fraction) : low + step * fraction
  }
}
