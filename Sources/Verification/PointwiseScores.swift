import Basics

/// The scores of an ensemble at every point, from one pass over its sorted members.
///
/// x_i are the M members, y the truth, t the threshold. Where the truth or any member is NaN, every
/// score is NaN; what does not look at the truth (`probability`, `mean`, `variance`, extremes) is NaN only
/// where a member, the threshold or the climate is. Every array is [point].
public struct PointwiseScores: Sendable {
  /// Scores of an event or of the part of the distribution above a threshold.
  public struct AboveThreshold: Sendable {
    /// The threshold t, in the variable's unit.
    public let threshold: [Double]
    /// Threshold-weighted CRPS: CRPS of max(x, t) against max(y, t) (Gneiting and Ranjan 2011).
    public let crps: [Double]
    /// Fraction p of the members above t (strictly).
    public let probability: [Double]
    /// Brier score (p - o)^2, o = 1 where y > t.
    public let brier: [Double]
    /// Fair Brier score (p - o)^2 - k (M - k) / (M^2 (M - 1)), k members above (Ferro 2014); NaN for a single
    /// member.
    public let brierFair: [Double]
  }

  /// Extremes against a climate sample.
  public struct Extremes: Sendable {
    /// Extreme forecast index in [-1, 1], see `ExtremeForecastIndex`.
    public let index: [Double]
    /// Shift of tails, upper: 90th percentile against the climate's 90th and 99th.
    public let shiftOfUpperTail: [Double]
    /// Shift of tails, lower: 10th percentile against the climate's 10th and 1st.
    public let shiftOfLowerTail: [Double]
  }

  /// Number of members M.
  public let memberCount: Int
  /// Empirical CRPS: mean |x_i - y| - 1/(2 M^2) sum_ij |x_i - x_j|.
  public let crps: [Double]
  /// Fair CRPS: 1/(2 M (M - 1)) in place of 1/(2 M^2) (Ferro 2014); NaN for a single member.
  public let crpsFair: [Double]
  /// Almost fair CRPS (Lang et al. 2024): alpha fair + (1 - alpha) empirical.
  public let crpsAlmostFair: [Double]
  /// Ensemble mean.
  public let mean: [Double]
  /// Ensemble variance with M - 1 in the denominator; NaN for a single member.
  public let variance: [Double]
  /// Rank of the truth: members below it (0...M), ties broken by chance; -1 where something is NaN.
  public let rank: [Int32]
  /// Threshold scores, where a threshold was given.
  public let aboveThreshold: AboveThreshold?
  /// Extremes, where a climate was given.
  public let extremes: Extremes?

  /// Computes all scores.
  /// - Parameters:
  ///   - ensemble: members [member][point].
  ///   - truth: [point].
  ///   - threshold: [point], optional.
  ///   - climate: of the same points, optional: gives the extremes.
  ///   - alpha: of the almost fair CRPS; 0 is the empirical, 1 the fair score.
  ///   - ties: where n members equal the truth its rank is drawn uniformly from n + 1 places, with
  ///     number `point` of this stream: the same on every run and thread. Without any tie nothing is drawn.
  ///   - threads: results do not depend on it.
  public init(
    _ ensemble: EnsembleValues, truth: [Double], threshold: [Double]? = nil,
    climate: ClimateQuantiles? = nil, alpha: Double = 0.95,
    ties: Philox = Philox(seed: 0, purpose: .tieBreak), threads: Int = Parallel.defaultThreads
  ) throws {
    let points = ensemble.pointCount
    precondition(truth.count == points)
    precondition(threshold.map { $0.count == points } ?? true)
    precondition(climate.map { $0.pointCount == points } ?? true)
    let members = ensemble.memberCount
    let m = Double(members)
    func field(_ wanted: Bool = true) -> AlignedBuffer<Double> { AlignedBuffer(wanted ? points : 0) }
    let (crps, crpsFair, crpsAlmostFair, mean, variance) = (field(), field(), field(), field(), field())
    let rank = AlignedBuffer<Int32>(points)
    let hasThreshold = threshold != nil
    let (tail, probability, brier, brierFair) = (
      field(hasThreshold), field(hasThreshold), field(hasThreshold), field(hasThreshold)
    )
    let hasClimate = climate != nil
    let (index, upper, lower) = (field(hasClimate), field(hasClimate), field(hasClimate))
    let truthBuffer = AlignedBuffer(truth)
    let thresholdBuffer = AlignedBuffer(threshold ?? [])
    let formula = ExtremeForecastIndex.standard
    // sum_{i<j} |x_i - x_j| = sum_k (2 k - M + 1) x_(k); the three estimators differ in its factor.
    let empirical = 1 / (m * m)
    let fair = members > 1 ? 1 / (m * (m - 1)) : .nan
    let almostFair = (m - 1 + alpha) / m * fair

    let scratch = BlockScratch(members: members, threads: threads)
    try ensemble.forEachBlock(scratch, threads: threads) { first, lanes, sorted, missing in
      var y = Lanes.zero
      for lane in 0..<8 { y[lane] = truthBuffer.pointer[first + min(lane, lanes - 1)] }

      // Differences from the truth and from the least member: no cancellation for pressures.
      var absolute = Lanes.zero
      var differences = Lanes.zero
      var sum = Lanes.zero
      let least = sorted[0]
      var below = Lanes.zero
      var equal = Lanes.zero
      for k in 0..<members {
        let x = sorted[k]
        let error = x - y
        absolute += error.replacing(with: -error, where: error .< 0)
        let excess = x - least
        differences += excess * Double(2 * k - members + 1)
        sum += excess
        below.replace(with: below + 1, where: x .< y)
        equal.replace(with: equal + 1, where: x .== y)
      }
      let average = sum / m
      var squares = Lanes.zero
      for k in 0..<members {
        let d = sorted[k] - least - average
        squares += d * d
      }
      let absoluteMean = absolute / m
      var tailCRPS = Lanes.zero
      var above = Lanes.zero
      var t = Lanes.zero
      if hasThreshold {
        for lane in 0..<8 { t[lane] = thresholdBuffer.pointer[first + min(lane, lanes - 1)] }
        // max(x, t) - t: still sorted, and exact.
        let truthExcess = Self.positivePart(y - t)
        var tailAbsolute = Lanes.zero
        var tailDifferences = Lanes.zero
        for k in 0..<members {
          let excess = Self.positivePart(sorted[k] - t)
          let error = excess - truthExcess
          tailAbsolute += error.replacing(with: -error, where: error .< 0)
          tailDifferences += excess * Double(2 * k - members + 1)
          above.replace(with: above + 1, where: sorted[k] .> t)
        }
        tailCRPS = tailAbsolute / m - tailDifferences * empirical
      }

      for lane in 0..<lanes {
        let point = first + lane
        let unknown = missing[lane] || y[lane].isNaN
        crps.pointer[point] = unknown ? .nan : absoluteMean[lane] - differences[lane] * empirical
        crpsFair.pointer[point] = unknown ? .nan : absoluteMean[lane] - differences[lane] * fair
        crpsAlmostFair.pointer[point] = unknown ? .nan : absoluteMean[lane] - differences[lane] * almostFair
        mean.pointer[point] = least[lane] + average[lane]
        variance.pointer[point] = members > 1 ? squares[lane] / (m - 1) : .nan
        let tied = Int(unknown ? 0 : equal[lane])
        rank.pointer[point] =
          unknown
          ? -1
          : Int32(Int(below[lane]) + (tied == 0 ? 0 : ties.integer(below: tied + 1, UInt64(point))))
        if hasThreshold {
          let p = missing[lane] || t[lane].isNaN ? .nan : above[lane] / m
          let event = unknown || t[lane].isNaN ? .nan : y[lane] > t[lane] ? 1.0 : 0.0
          probability.pointer[point] = p
          brier.pointer[point] = (p - event) * (p - event)
          brierFair.pointer[point] =
            members > 1
            ? (p - event) * (p - event) - above[lane] * (m - above[lane]) / (m * m * (m - 1)) : .nan
          tail.pointer[point] = event.isNaN ? .nan : tailCRPS[lane]
        }
        if let climate {
          let quantiles = climate.values.pointer + point * ClimateQuantiles.levels.count
          let column = UnsafeRawPointer(sorted).assumingMemoryBound(to: Double.self) + lane
          if missing[lane] || quantiles[0].isNaN {
            index.pointer[point] = .nan
            upper.pointer[point] = .nan
            lower.pointer[point] = .nan
          } else {
            index.pointer[point] = formula.value(sorted: column, stride: 8, members, quantiles)
            upper.pointer[point] = ShiftOfTails.value(
              sorted: column, stride: 8, members, quantiles, percent: 90, tailPercent: 99)
            lower.pointer[point] = ShiftOfTails.value(
              sorted: column, stride: 8, members, quantiles, percent: 10, tailPercent: 1)
          }
        }
      }
    }
    memberCount = members
    self.crps = crps.array
    self.crpsFair = crpsFair.array
    self.crpsAlmostFair = crpsAlmostFair.array
    self.mean = mean.array
    self.variance = variance.array
    self.rank = rank.array
    aboveThreshold = threshold.map {
      AboveThreshold(
        threshold: $0, crps: tail.array, probability: probability.array, brier: brier.array,
        brierFair: brierFair.array)
    }
    extremes =
      hasClimate
      ? Extremes(index: index.array, shiftOfUpperTail: upper.array, shiftOfLowerTail: lower.array) : nil
  }

  private static func positivePart(_ x: Lanes) -> Lanes { x.replacing(with: 0, where: x .< 0) }
}
