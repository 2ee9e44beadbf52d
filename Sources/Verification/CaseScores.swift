import Basics

/// The area-mean scores of one variable at one valid time of one forecast: cos(latitude) weights, points
/// with NaN left out. Mean squares are kept as they are, so that roots come after means over dates.
public struct CaseScores: Sendable, Hashable, Codable {
  /// Number of members M.
  public let memberCount: Int
  /// Mean square error of the ensemble mean.
  public var meanSquareError: Double
  /// Ensemble variance (M - 1 in the denominator); NaN for a single member.
  public var variance: Double
  /// Empirical CRPS.
  public var crps: Double
  /// Fair CRPS; NaN for a single member.
  public var crpsFair: Double
  /// Almost fair CRPS; NaN for a single member.
  public var crpsAlmostFair: Double
  /// Energy score, where asked for.
  public var energyScore: Double?
  /// Ranks of the truth.
  public var rankHistogram: RankHistogram
  /// Threshold-weighted CRPS, where a threshold was given.
  public var crpsAboveThreshold: Double?
  /// Brier score, where a threshold was given.
  public var brier: Double?
  /// Fair Brier score, where a threshold was given.
  public var brierFair: Double?
  /// Counts for the ROC curve, where a threshold was given.
  public var characteristic: EventCounts?
  /// Mean square and mean absolute error of the control, where given.
  public var control: ErrorOfOne?
  /// Mean square and mean absolute error of persistence (the analysis at the initial time), where given.
  public var persistence: ErrorOfOne?
  /// Mean square error of the climate's mean and CRPS of the climate sample, where given.
  public var climatology: ClimateScores?

  /// Scores of a single forecast; its CRPS is its mean absolute error.
  public struct ErrorOfOne: Sendable, Hashable, Codable {
    /// Mean square error.
    public let meanSquareError: Double
    /// Mean absolute error.
    public let meanAbsoluteError: Double

    /// The errors of `forecast` [point] against `truth` [point].
    public init(_ forecast: [Double], truth: [Double], weights: AreaWeights) {
      precondition(forecast.count == truth.count)
      meanSquareError = weights.mean { (forecast[$0] - truth[$0]) * (forecast[$0] - truth[$0]) }
      meanAbsoluteError = weights.mean { abs(forecast[$0] - truth[$0]) }
    }
  }

  /// Scores of the climate sample taken as a forecast.
  public struct ClimateScores: Sendable, Hashable, Codable {
    /// Mean square error of the climate's mean.
    public let meanSquareError: Double
    /// Empirical CRPS of the climate sample.
    public let crps: Double

    /// Scores `sample` [sample][point] against `truth` [point]; a sample from `EnsembleValues.sorted` is
    /// not sorted again.
    public init(
      _ sample: EnsembleValues, truth: [Double], weights: AreaWeights,
      threads: Int = Parallel.defaultThreads
    ) throws {
      let scores = try PointwiseScores(sample, truth: truth, threads: threads)
      meanSquareError = weights.mean { (scores.mean[$0] - truth[$0]) * (scores.mean[$0] - truth[$0]) }
      crps = weights.mean(scores.crps)
    }
  }

  /// Area means of pointwise scores.
  /// - Parameter energyScore: from `EnergyScore`, which needs the fields themselves.
  public init(_ scores: PointwiseScores, truth: [Double], weights: AreaWeights, energyScore: Double? = nil) {
    memberCount = scores.memberCount
    meanSquareError = weights.mean { (scores.mean[$0] - truth[$0]) * (scores.mean[$0] - truth[$0]) }
    // Spread and error of the same points, or their ratio would mean nothing.
    variance = weights.mean { truth[$0].isNaN ? .nan : scores.variance[$0] }
    crps = weights.mean(scores.crps)
    crpsFair = weights.mean(scores.crpsFair)
    crpsAlmostFair = weights.mean(scores.crpsAlmostFair)
    self.energyScore = energyScore
    rankHistogram = RankHistogram(members: scores.memberCount, ranks: scores.rank)
    if let above = scores.aboveThreshold {
      crpsAboveThreshold = weights.mean(above.crps)
      brier = weights.mean(above.brier)
      brierFair = weights.mean(above.brierFair)
      var counts = EventCounts(members: scores.memberCount)
      counts.add(above, truth: truth)
      characteristic = counts
    }
  }

  /// Everything at once, from the fields of one time.
  /// - Parameters:
  ///   - control: number of the control among the members, where there is one.
  ///   - persistence: the analysis at the initial time, [point].
  ///   - climate: sample [sample][point] for the climate's own scores; sort it once with
  ///     `EnsembleValues.sorted`.
  ///   - threshold: [point], for threshold-weighted CRPS, Brier score and ROC.
  ///   - withEnergyScore: the energy score grows with the square of the members.
  public init(
    _ ensemble: EnsembleValues, truth: [Double], weights: AreaWeights, control: Int? = nil,
    persistence: [Double]? = nil, climate: EnsembleValues? = nil, threshold: [Double]? = nil,
    alpha: Double = 0.95, withEnergyScore: Bool = true, ties: Philox = Philox(seed: 0, purpose: .tieBreak),
    threads: Int = Parallel.defaultThreads
  ) throws {
    let scores = try PointwiseScores(
      ensemble, truth: truth, threshold: threshold, alpha: alpha, ties: ties, threads: threads)
    let energy =
      withEnergyScore
      ? try EnergyScore.value(ensemble, truth: truth, weights: weights, threads: threads) : nil
    self.init(scores, truth: truth, weights: weights, energyScore: energy)
    self.control = control.map { ErrorOfOne(ensemble.member($0), truth: truth, weights: weights) }
    self.persistence = persistence.map { ErrorOfOne($0, truth: truth, weights: weights) }
    climatology = try climate.map {
      try ClimateScores($0, truth: truth, weights: weights, threads: threads)
    }
  }

  /// Root mean square error of the ensemble mean.
  public var rootMeanSquareError: Double { meanSquareError.squareRoot() }
  /// Root of the mean variance.
  public var spread: Double { variance.squareRoot() }
  /// sqrt((M + 1) / M) spread / RMSE (Fortin et al. 2014): 1 where members and truth are exchangeable.
  public var spreadSkillRatio: Double {
    let m = Double(memberCount)
    return ((m + 1) / m).squareRoot() * spread / rootMeanSquareError
  }
}
