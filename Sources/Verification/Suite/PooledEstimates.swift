import Basics

/// How resampled values of a pooled score are set about the score itself.
public enum Centring: Sendable {
  /// As they are: of means and of ratios of sums.
  case asDrawn
  /// Value + resampled - mean of resampled.
  case added
  /// The same, not below 0.
  case addedFromZero
  /// Value x resampled / mean of resampled: of a score whose size depends on the number of classes.
  case multiplied
}

extension BlockBootstrap {
  /// Scores that are functions of sums over dates, such as the area under a ROC curve of pooled counts, with
  /// intervals.
  ///
  /// Resampled values are centred on the score: quantiles of value - mean of values. Counts that are drawn twice make
  /// quadratic scores (reliability, unreliability) larger on average, which would lift the whole interval; and sums
  /// in classes (`PooledLayout`) give another value than those by member, but the same scatter.
  /// - Parameters:
  ///   - rows: of every date, all as long.
  ///   - columns: those that are summed.
  ///   - scores: the scores themselves.
  ///   - statistics: the same from sums over as many dates, in the order of `scores`; NaN where they are not defined,
  ///     which leaves the resample out.
  /// - Returns: each score with its interval; without of fewer than two dates, of a score that is not finite, where half of the
  ///   resamples or more are left out, and where all are alike.
  public func estimates(
    _ rows: [[Float]], columns: Range<Int>, of scores: [(value: Double, centring: Centring)],
    threads: Int = Parallel.defaultThreads, _ statistics: @Sendable ([Double]) -> [Double]
  ) throws -> [Estimate] {
    guard let dates = weights.first?.count, rows.count == dates, !columns.isEmpty else {
      return scores.map { Estimate($0.value, .none) }
    }
    let width = columns.count
    let values = AlignedBuffer<Float>(dates * width)
    for (date, row) in rows.enumerated() {
      for (place, column) in columns.enumerated() { values.pointer[date * width + place] = row[column] }
    }
    let draws = weights.count
    let resampled = AlignedBuffer<Double>(draws * scores.count)
    let batch = 64
    try Parallel.forEach((draws + batch - 1) / batch, threads: threads) { item, _ in
      var sums = [Double](repeating: 0, count: width)
      for draw in item * batch..<min(draws, (item + 1) * batch) {
        for place in sums.indices { sums[place] = 0 }
        let taken = weights[draw]
        sums.withUnsafeMutableBufferPointer { sums in
          for date in 0..<dates where taken[date] > 0 {
            let (times, row) = (taken[date], values.pointer + date * width)
            for place in 0..<width { sums[place] += times * Double(row[place]) }
          }
        }
        for (number, value) in statistics(sums).enumerated() {
          resampled.pointer[number * draws + draw] = value
        }
      }
    }
    return scores.enumerated().map { number, score in
      let found = (0..<draws).map { resampled.pointer[number * draws + $0] }.filter(\.isFinite).sorted()
      // Where every draw gives the same, as of a bin that one date fills, nothing is known of the scatter.
      guard score.value.isFinite, found.count > draws / 2, found.first != found.last else {
        return Estimate(score.value, .none)
      }
      let mean = found.reduce(0, +) / Double(found.count)
      func end(_ level: Double) -> Double {
        let quantile = OrderStatistic.quantile(level, of: found)
        switch score.centring {
        case .asDrawn: return quantile
        case .added: return score.value + quantile - mean
        case .addedFromZero: return max(0, score.value + quantile - mean)
        case .multiplied: return mean == 0 ? score.value : score.value * quantile / mean
        }
      }
      return Estimate(score.value, Interval(end((1 - confidence) / 2), end((1 + confidence) / 2)))
    }
  }
}
