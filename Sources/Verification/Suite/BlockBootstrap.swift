import Basics
import Foundation

/// How far a score over many dates may lie from its expectation by the choice of dates: the circular block bootstrap
/// (Politis and Romano 1992) of any function of the means of several numbers a date. Blocks of consecutive dates are
/// drawn with replacement, because the errors of neighbouring dates are alike.
public struct BlockBootstrap: Sendable {
  /// The draws: how often each date is taken, [resample][date].
  let weights: [[Double]]
  /// Level of the intervals.
  public let confidence: Double

  /// Draws once for all scores of the same dates.
  /// - Parameters:
  ///   - dates: their number.
  ///   - blockLength: dates a block; nil: the cube root of their number, rounded up, at most half of them. There are no
  ///     intervals where a block holds all dates.
  public init(
    dates: Int, blockLength: Int? = nil, resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64 = 0
  ) {
    self.confidence = confidence
    let draws = BlockDraw(dates: dates, blockLength: blockLength, seed: seed)
    weights = (0..<(draws.isOfSeveral ? resamples : 0)).map { draw in
      var taken = [Double](repeating: 0, count: dates)
      draws.forEachDate(of: draw) { taken[$0] += 1 }
      return taken
    }
  }

  /// The interval of `statistic` of the components' means (percentile method); dates where any component is NaN are
  /// left out. NaN of fewer than two dates.
  public func interval(_ components: [[Double]], _ statistic: ([Double]) -> Double) -> Interval {
    guard let first = components.first, !weights.isEmpty else { return .none }
    let present = first.indices.filter { date in components.allSatisfy { !$0[date].isNaN } }
    guard present.count > 1 else { return .none }
    var results: [Double] = []
    results.reserveCapacity(weights.count)
    for taken in weights {
      var total = 0.0
      var sums = [Double](repeating: 0, count: components.count)
      for date in present where taken[date] > 0 {
        total += taken[date]
        for c in components.indices { sums[c] += taken[date] * components[c][date] }
      }
      guard total > 0 else { continue }
      let value = statistic(sums.map { $0 / total })
      if !value.isNaN { results.append(value) }
    }
    guard results.count > 1 else { return .none }
    results.sort()
    return Interval(
      OrderStatistic.quantile((1 - confidence) / 2, of: results),
      OrderStatistic.quantile((1 + confidence) / 2, of: results))
  }
}

/// Which of many tests stand when only a share of those that stand may be false (Benjamini and Hochberg 1995).
public enum FalseDiscovery {
  /// Whether each test stands; NaN never does.
  public static func stands(_ pValues: [Double], rate: Double) -> [Bool] {
    let order = pValues.indices.filter { !pValues[$0].isNaN }.sorted { pValues[$0] < pValues[$1] }
    var last = -1
    for (place, index) in order.enumerated()
    where pValues[index] <= rate * Double(place + 1) / Double(order.count) {
      last = place
    }
    var result = [Bool](repeating: false, count: pValues.count)
    for place in 0..<last + 1 { result[order[place]] = true }
    return result
  }
}
