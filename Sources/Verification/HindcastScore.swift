/// A number that a hindcast over many initial dates is judged by.
public enum HindcastScore: String, Sendable, Codable, CaseIterable {
  /// Root mean square error of the ensemble mean.
  case rmseMean = "rmse_mean"
  /// Root mean square error of the control.
  case rmseControl = "rmse_control"
  /// Mean absolute error of the control, which is its CRPS.
  case maeControl = "mae_control"
  /// Root mean square error of persistence.
  case rmsePersistence = "rmse_persistence"
  /// Mean absolute error of persistence, which is its CRPS.
  case maePersistence = "mae_persistence"
  /// Root mean square error of the climate's mean.
  case rmseClimatology = "rmse_climatology"
  /// Empirical CRPS of the climate sample.
  case crpsClimatology = "crps_climatology"
  /// Empirical CRPS.
  case crps = "crps"
  /// Fair CRPS.
  case crpsFair = "crps_fair"
  /// Almost fair CRPS.
  case crpsAlmostFair = "crps_almost_fair"
  /// Root of the mean ensemble variance.
  case spread = "spread"
  /// Threshold-weighted CRPS.
  case twcrps = "twcrps"
  /// Brier score.
  case brier = "brier"
  /// Fair Brier score.
  case brierFair = "brier_fair"
  /// Energy score.
  case energyScore = "energy_score"

  /// Whether the value of a date is a mean square, of which the root is taken after the mean over dates.
  public var isRootOfMean: Bool {
    switch self {
    case .rmseMean, .rmseControl, .rmsePersistence, .rmseClimatology, .spread: true
    default: false
    }
  }

  /// The value of one date (a mean square where `isRootOfMean`); nil where it was not computed.
  public func value(_ scores: CaseScores) -> Double? {
    switch self {
    case .rmseMean: scores.meanSquareError
    case .rmseControl: scores.control?.meanSquareError
    case .maeControl: scores.control?.meanAbsoluteError
    case .rmsePersistence: scores.persistence?.meanSquareError
    case .maePersistence: scores.persistence?.meanAbsoluteError
    case .rmseClimatology: scores.climatology?.meanSquareError
    case .crpsClimatology: scores.climatology?.crps
    case .crps: scores.crps
    case .crpsFair: scores.crpsFair
    case .crpsAlmostFair: scores.crpsAlmostFair
    case .spread: scores.variance
    case .twcrps: scores.crpsAboveThreshold
    case .brier: scores.brier
    case .brierFair: scores.brierFair
    case .energyScore: scores.energyScore
    }
  }
}
