import Foundation
import RunFiles
import Verification

/// What all dates together say of one variable at one lead time, with intervals.
struct UnitSummary {
  /// A score of scores: a function of the means of some columns over dates.
  struct Combination {
    let name: String
    let longName: String
    /// Columns by name.
    let columns: [String]
    /// Whether they are of an event.
    let isOfEvent: Bool
    /// From the columns' means and the number of members.
    let value: @Sendable (_ means: [Double], _ members: Double) -> Double
  }

  static let combinations: [Combination] = [
    Combination(
      name: "spread_skill_ratio", longName: "sqrt((M + 1)/M) spread over RMSE of the mean",
      columns: ["spread", "rmse_mean"], isOfEvent: false,
      value: { means, members in ((members + 1) / members * means[0] / means[1]).squareRoot() }),
    Combination(
      name: "crps_skill_climatology", longName: "1 - fair CRPS over that of the climate sample",
      columns: ["crps_fair_beside_climate", "crps_climatology"], isOfEvent: false,
      value: { means, _ in 1 - means[0] / means[1] }),
    Combination(
      name: "crps_skill_control", longName: "1 - fair CRPS over the control's absolute error",
      columns: ["crps_fair", "mae_control"], isOfEvent: false, value: { means, _ in 1 - means[0] / means[1] }),
    Combination(
      name: "brier_skill_score", longName: "1 - fair Brier score over that of the sample's own frequency",
      columns: ["brier_fair", "frequency"], isOfEvent: true,
      value: { means, _ in 1 - means[0] / (means[1] * (1 - means[1])) }),
  ]

  let state: UnitDigest
  let columns: ScoreColumns
  private let bootstrap: BlockBootstrap

  /// - Parameter bootstrap: for as many dates as `state` has.
  init(_ state: UnitDigest, _ bootstrap: BlockBootstrap) {
    self.state = state
    columns = ScoreColumns(events: state.events.first?.count ?? 0)
    self.bootstrap = bootstrap
  }

  /// One column of every date.
  func series(_ column: Int, region: Int) -> [Double] { state.values.map { $0[region][column] } }

  /// Mean over the dates that have a value, root taken where the column says so.
  func estimate(_ column: Int, region: Int, withInterval: Bool = true) -> Estimate {
    let isRoot = columns.columns[column].isRootOfMean
    return estimate([series(column, region: region)], withInterval) {
      isRoot ? max(0, $0[0]).squareRoot() : $0[0]
    }
  }

  /// A score of scores.
  func estimate(_ combination: Combination, event: Int? = nil, region: Int, withInterval: Bool = true)
    -> Estimate
  {
    let places = combination.columns.compactMap { columns.place($0, event: event) }
    let members = Double(state.members)
    return estimate(places.map { series($0, region: region) }, withInterval) {
      combination.value($0, members)
    }
  }

  /// Anomaly correlation of the ensemble mean, of each date and their mean:
  /// sum w (f - c)(y - c) / sqrt(sum w (f - c)^2 sum w (y - c)^2), not centred.
  func anomalyCorrelation(region: Int, withInterval: Bool = true) -> (byDate: [Double], mean: Estimate) {
    let product = series(columns.place(.anomalyProduct), region: region)
    let forecast = series(columns.place(.forecastAnomalySquare), region: region)
    let truth = series(columns.place(.truthAnomalySquare), region: region)
    let byDate = product.indices.map { product[$0] / (forecast[$0] * truth[$0]).squareRoot() }
    return (byDate, estimate([byDate], withInterval) { $0[0] })
  }

  /// - Parameter withInterval: whether the dates are resampled, which is what takes the time; else the ends are NaN.
  private func estimate(
    _ components: [[Double]], _ withInterval: Bool, _ statistic: ([Double]) -> Double
  ) -> Estimate {
    let dates = state.dates.indices.filter { date in components.allSatisfy { !$0[date].isNaN } }
    guard !dates.isEmpty else { return Estimate(.nan, .none) }
    let means = components.map { component in
      dates.reduce(0) { $0 + component[$1] } / Double(dates.count)
    }
    return Estimate(
      statistic(means), withInterval ? bootstrap.interval(components, statistic) : .none)
  }
}
