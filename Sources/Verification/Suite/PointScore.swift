/// Scores that have a value at every point, and an area mean in every region.
///
/// x_1 ... x_M are the members, y the truth, c the climate's mean, all at one point and time; M members in
/// ascending order are x_(1) ... x_(M).
public enum PointScore: String, CaseIterable, Sendable, Codable {
  /// Empirical CRPS, 1/M sum |x_i - y| - 1/(2 M^2) sum_ij |x_i - x_j| (Gneiting and Raftery 2007).
  case crps
  /// Fair CRPS, 1/(2 M (M - 1)) in place of 1/(2 M^2) (Ferro 2014); NaN for a single member.
  case crpsFair = "crps_fair"
  /// Almost fair CRPS (Lang et al. 2024): alpha fair + (1 - alpha) empirical.
  case crpsAlmostFair = "crps_almost_fair"
  /// Square error of the ensemble mean; its root after all means is the RMSE.
  case meanSquareError = "rmse_mean"
  /// Absolute error of the ensemble mean.
  case meanAbsoluteError = "mae_mean"
  /// Ensemble mean minus truth.
  case bias
  /// Ensemble variance with M - 1 in the denominator; its root after all means is the spread.
  case variance = "spread"
  /// Square error of the control.
  case controlSquareError = "rmse_control"
  /// Absolute error of the control: its CRPS.
  case controlAbsoluteError = "mae_control"
  /// Square error of persistence, the truth at the initial time.
  case persistenceSquareError = "rmse_persistence"
  /// Square error of the climate's mean.
  case climatologySquareError = "rmse_climatology"
  /// Fair CRPS of the climate sample.
  case climatologyCRPS = "crps_climatology"
  /// Negative log density of y under the normal distribution of the ensemble's mean and standard deviation
  /// (M - 1).
  case logScore = "log_score_normal"
  /// Square of the least |x_i - y|: what the best member of each point errs by (HENS Part II, figure 7).
  case bestMemberSquareError = "rmse_best_member"
  /// How many standard deviations (M in the denominator) the member furthest from the mean lies away from it
  /// (HENS Part II, figure 3).
  case gain
  /// 1 where the truth lies beyond all members, not on one of them; 2 / (M + 1) of a reliable ensemble without ties (HENS
  /// Part II, figure 11).
  case outlier
  /// (x mean - c) (y - c), for the anomaly correlation.
  case anomalyProduct = "anomaly_product"
  /// (x mean - c)^2
  case forecastAnomalySquare = "forecast_anomaly_square"
  /// (y - c)^2
  case truthAnomalySquare = "truth_anomaly_square"
  /// `crpsFair` of the points that have a climate: what `climatologyCRPS` may be compared with.
  case crpsFairBesideClimate = "crps_fair_beside_climate"
  /// A number of each point's own, between 0 and 1: two area means of it are the same where the points scored are.
  case pointsScored = "points_scored"

  /// Whether a root is taken after the mean over dates.
  public var isRootOfMean: Bool {
    switch self {
    case .meanSquareError, .variance, .controlSquareError, .persistenceSquareError,
      .climatologySquareError, .bestMemberSquareError:
      true
    default: false
    }
  }

  /// Whether it is a number without unit.
  public var isPure: Bool { self == .gain || self == .outlier || self == .logScore }

  /// Whether it only serves to compute others.
  public var isInternal: Bool {
    switch self {
    case .anomalyProduct, .forecastAnomalySquare, .truthAnomalySquare, .crpsFairBesideClimate, .pointsScored:
      true
    default: false
    }
  }

  /// Place among all scores.
  public var index: Int { Self.indices[self] ?? 0 }
  private static let indices = Dictionary(uniqueKeysWithValues: zip(allCases, allCases.indices))
}

/// Scores of an event, or of the part of the distribution beyond its threshold t, that have a value at every point.
///
/// The event is y > t, or y < t for cold tails; k of M members are beyond t, p = k/M, o is 1 where the event came.
public enum EventScore: String, CaseIterable, Sendable, Codable {
  /// Threshold-weighted CRPS: CRPS of max(x, t) against max(y, t), or of the minima (Gneiting and Ranjan 2011).
  case twcrps
  /// The fair one: 1/(2 M (M - 1)) in place of 1/(2 M^2) (Ferro 2014); NaN for a single member.
  case twcrpsFair = "twcrps_fair"
  /// Outcome-weighted CRPS: where the event came, CRPS of the members beyond t against y; |y - nearest member|
  /// where there is none; NaN elsewhere (Allen et al. 2023; HENS Part II, figure 9).
  case owcrps
  /// |max(y, t) - max(control, t)|: what twCRPS is of a single forecast.
  case twmaeControl = "twmae_control"
  /// (p - o)^2
  case brier
  /// Brier score minus k (M - k) / (M^2 (M - 1)) (Ferro 2014).
  case brierFair = "brier_fair"
  /// -ln of the probability given to what came, from p = (k + 1/2) / (M + 1), which is never 0 or 1.
  case logScore = "log_score"
  /// p
  case probability
  /// o
  case frequency

  /// Whether it has the variable's unit.
  public var hasUnit: Bool {
    self == .twcrps || self == .twcrpsFair || self == .owcrps || self == .twmaeControl
  }
}
