import Basics
import Foundation

/// Whether two forecasts of the same dates differ by more than chance: the circular block bootstrap
/// (Politis and Romano 1992) of their paired difference. Blocks of consecutive dates are drawn with
/// replacement, running on from the last date to the first, because the errors of neighbouring dates are
/// alike.
public struct PairedBlockBootstrap: Sendable, Hashable, Codable {
  /// Score of the first forecast minus that of the second, over all dates.
  public let difference: Double
  /// Score of the second forecast over all dates.
  public let reference: Double
  /// Lower end of the confidence interval (percentile method); NaN where a block holds all dates.
  public let lower: Double
  /// Upper end of the confidence interval.
  public let upper: Double
  /// Level of the interval.
  public let confidence: Double
  /// Chance of a difference at least as large in size if there were none (two-sided): the part of
  /// resampled differences that lie further from `difference` than it lies from 0; at least
  /// 1 / (resamples + 1), and 2^(1 - n) with n different blocks of consecutive dates.
  public let pValue: Double
  /// Number of dates.
  public let dateCount: Int
  /// Dates a block.
  public let blockLength: Int
  /// Number of resamples.
  public let resamples: Int

  /// Whether the interval excludes 0, of dates enough to say so.
  public var isSignificant: Bool { (lower > 0 || upper < 0) && pValue <= 1 - confidence }

  /// Resamples two forecasts' scores of consecutive dates.
  /// - Parameters:
  ///   - scores: of the first forecast, one a date, in order of date.
  ///   - reference: of the second, same dates.
  ///   - rootsOfMeans: whether the scores are mean squares, of which the root is compared after averaging.
  ///   - blockLength: dates a block; by default the cube root of the number of dates, rounded up, at most half of them.
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
    @Sendable func value(_ sums: UnsafePointer<Double>) -> Double {
      let mean = sums[0] / Double(count)
      return rootsOfMeans ? max(mean, 0).squareRoot() : mean
    }
    let resampling = try Resampling(
      scores, reference, widths: (1, 1), dates: count, blockLength: blockLength, resamples: resamples,
      seed: seed, threads: threads, (value, value))
    self.init(resampling, confidence: confidence)
  }

  /// Resamples two forecasts' scores that are functions of sums over dates, each of its own kind of row: counts of an
  /// event by as many members as each has, for example.
  /// - Parameters:
  ///   - rows: of the first forecast, one a date, all as long.
  ///   - reference: of the second, same dates.
  ///   - scores: of each forecast, from its sums over as many dates; draws where either is not finite are left out.
  /// - Returns: nil where the difference over all dates or half of the resampled ones are not finite, and of fewer than
  ///   two dates.
  public init?(
    rows: [[Float]], minus reference: [[Float]], blockLength: Int? = nil, confidence: Double = 0.95,
    resamples: Int = 10_000, seed: UInt64 = 0, threads: Int = Parallel.defaultThreads,
    scores: (@Sendable ([Double]) -> Double, @Sendable ([Double]) -> Double)
  ) throws {
    guard rows.count == reference.count, rows.count >= 2, let first = rows.first, let second = reference.first
    else { return nil }
    let widths = (first.count, second.count)
    func values(_ score: @escaping @Sendable ([Double]) -> Double, _ width: Int)
      -> @Sendable (UnsafePointer<Double>) -> Double
    { { sums in score(Array(UnsafeBufferPointer(start: sums, count: width))) } }
    let resampling = try Resampling(
      rows.joined().map(Double.init), reference.joined().map(Double.init), widths: widths, dates: rows.count,
      blockLength: blockLength, resamples: resamples, seed: seed, threads: threads,
      (values(scores.0, widths.0), values(scores.1, widths.1)))
    guard resampling.observed.isFinite, resampling.sorted.count > max(1, resampling.draws / 2) else {
      return nil
    }
    self.init(resampling, confidence: confidence)
  }

  private init(_ resampling: Resampling, confidence: Double) {
    let sorted = resampling.sorted
    let observed = resampling.observed
    let beyond = sorted.reduce(0) { $0 + (abs($1 - observed) >= abs(observed) ? 1 : 0) }
    difference = observed
    reference = resampling.reference
    let isKnown = resampling.drawing.isOfSeveral
    lower = isKnown ? OrderStatistic.quantile((1 - confidence) / 2, of: sorted) : .nan
    upper = isKnown ? OrderStatistic.quantile((1 + confidence) / 2, of: sorted) : .nan
    self.confidence = confidence
    pValue = max(Double(beyond + 1) / Double(sorted.count + 1), resampling.drawing.leastPValue)
    dateCount = resampling.dates
    blockLength = resampling.drawing.blockLength
    resamples = resampling.draws
  }
}

/// Differences of two scores over dates that are drawn again and again.
private struct Resampling {
  let dates: Int
  let drawing: BlockDraw
  let draws: Int
  /// Difference over all dates.
  let observed: Double
  /// Second score over all dates.
  let reference: Double
  /// Finite ones, ascending.
  let sorted: [Double]

  /// - Parameters:
  ///   - first: numbers of every date, [date][number], `widths.0` numbers a date.
  ///   - second: the same of the other forecast, `widths.1` numbers a date.
  ///   - scores: from sums over dates.
  init(
    _ first: [Double], _ second: [Double], widths: (Int, Int), dates: Int, blockLength: Int?, resamples: Int,
    seed: UInt64, threads: Int,
    _ scores: (
      @Sendable (UnsafePointer<Double>) -> Double, @Sendable (UnsafePointer<Double>) -> Double
    )
  ) throws {
    let drawing = BlockDraw(dates: dates, blockLength: blockLength, seed: seed)
    let draws = max(1, resamples)
    let (a, b) = (AlignedBuffer(first), AlignedBuffer(second))
    @Sendable func add(_ date: Int, _ sums: UnsafeMutablePointer<Double>) {
      for i in 0..<widths.0 { sums[i] += a.pointer[date * widths.0 + i] }
      for i in 0..<widths.1 { sums[widths.0 + i] += b.pointer[date * widths.1 + i] }
    }
    @Sendable func difference(_ sums: UnsafeMutablePointer<Double>) -> Double {
      scores.0(sums) - scores.1(sums + widths.0)
    }
    let all = AlignedBuffer<Double>(widths.0 + widths.1)
    for date in 0..<dates { add(date, all.pointer) }
    observed = difference(all.pointer)
    reference = scores.1(all.pointer + widths.0)
    let resampled = AlignedBuffer<Double>(draws)
    let batch = 256
    try Parallel.forEach((draws + batch - 1) / batch, threads: threads) { item, _ in
      let sums = AlignedBuffer<Double>(widths.0 + widths.1)
      for draw in item * batch..<min(draws, (item + 1) * batch) {
        for i in 0..<widths.0 + widths.1 { sums.pointer[i] = 0 }
        drawing.forEachDate(of: draw) { add($0, sums.pointer) }
        resampled.pointer[draw] = difference(sums.pointer)
      }
    }
    (self.dates, self.drawing, self.draws) = (dates, drawing, draws)
    sorted = resampled.array.filter(\.isFinite).sorted()
  }
}
