import Basics
import Foundation

/// Whether two forecasts of the same dates differ by more than chance: the circular block bootstrap
/// (Politis and Romano 1992) of their paired difference. Blocks of consecutive dates are drawn with
/// replacement, running on from the last date to the first, because the errors of neighbouring dates are
/// alike.
public struct PairedBlockBootstrap: Sendable, Hashable, Codable {
  /// Score of the first forecast minus that of the second, over all dates.
  public let difference: Double
  /// Lower end of the confidence interval (percentile method).
  public let lower: Double
  /// Upper end of the confidence interval.
  public let upper: Double
  /// Level of the interval.
  public let confidence: Double
  /// Chance of a difference at least as large in size if there were none (two-sided): the part of
  /// resampled differences that lie further from `difference` than it lies from 0; at least
  /// 1 / (resamples + 1).
  public let pValue: Double
  /// Number of dates.
  public let dateCount: Int
  /// Dates a block.
  public let blockLength: Int
  /// Number of resamples.
  public let resamples: Int

  /// Whether the interval excludes 0.
  public var isSignificant: Bool { lower > 0 || upper < 0 }

  /// Resamples two forecasts' scores of consecutive dates.
  /// - Parameters:
  ///   - scores: of the first forecast, one a date, in order of date.
  ///   - reference: of the second, same dates.
  ///   - rootsOfMeans: whether the scores are mean squares, of which the root is compared after averaging.
  ///   - blockLength: dates a block; by default the cube root of the number of dates, rounded up.
  /// - Throws: `ApusError` where there are fewer than two dates, or a score is NaN.
  public init(
    _ scores: [Double], minus reference: [Double], rootsOfMeans: Bool = false, blockLength: Int? = nil,
    confidence: Double = 0.95, resamples: Int = 10_000, seed: UInt64 = 0,
    threads: Int = Parallel.defaultThreads
  ) throws {
    let count = scores.count
    guard count == reference.count, count >= 2 else {
      throw ApusError(
        .badData, "too few dates for a bootstrap", found: "\(count) and \(reference.count)",
        expected: "two or more, as many of each")
    }
    guard scores.allSatisfy(\.isFinite), reference.allSatisfy(\.isFinite) else {
      throw ApusError(
        .badData, "a score is not finite", expected: "finite scores on every date",
        advice: "Leave out the dates without a score.")
    }
    let length = min(count, max(1, blockLength ?? Int(cbrt(Double(count)).rounded(.up))))
    let draws = max(1, resamples)
    @Sendable func statistic(_ a: Double, _ b: Double) -> Double {
      let (a, b) = (a / Double(count), b / Double(count))
      return rootsOfMeans ? max(a, 0).squareRoot() - max(b, 0).squareRoot() : a - b
    }
    let observed = statistic(scores.reduce(0, +), reference.reduce(0, +))
    let resampled = AlignedBuffer<Double>(draws)
    let batch = 256
    try Parallel.forEach((draws + batch - 1) / batch, threads: threads) { item, _ in
      for draw in item * batch..<min(draws, (item + 1) * batch) {
        let random = Philox(seed: seed, purpose: .bootstrap, UInt64(draw))
        var (first, second) = (0.0, 0.0)
        var taken = 0
        var block: UInt64 = 0
        while taken < count {
          let start = random.integer(below: count, block)
          for step in 0..<min(length, count - taken) {
            let date = (start + step) % count
            first += scores[date]
            second += reference[date]
          }
          taken += length
          block += 1
        }
        resampled.pointer[draw] = statistic(first, second)
      }
    }
    let sorted = resampled.array.sorted()
    func quantile(_ level: Double) -> Double {
      let place = OrderStatistic.position(level, draws)
      return place.value(sorted[place.index], sorted[min(place.index + 1, draws - 1)])
    }
    let beyond = sorted.reduce(0) { $0 + (abs($1 - observed) >= abs(observed) ? 1 : 0) }
    difference = observed
    lower = quantile((1 - confidence) / 2)
    upper = quantile((1 + confidence) / 2)
    self.confidence = confidence
    pValue = Double(beyond + 1) / Double(draws + 1)
    dateCount = count
    self.blockLength = length
    self.resamples = draws
  }
}
