import Foundation
import Verification

/// What products and report need of one variable at one lead time: small, however many members there are, so that
/// memory does not grow with lead times as counts of every member's rank would make it.
struct UnitDigest {
  /// What an event's counts say.
  struct Event {
    let area: Double
    let brier: (reliability: Double, resolution: Double, uncertainty: Double)
    let extremalDependenceIndex: Double
    let reliability: [(probability: Double, frequency: Double, count: Int)]
    let discrimination: [(whenCame: Double, whenNot: Double)]
    /// The ROC curve at evenly chosen probabilities, with its ends.
    let curve: [(falseAlarmRate: Double, hitRate: Double)]
    /// How the extreme forecast index tells the event; NaN without a climate.
    let indexArea: Double
    let indexCurve: [(falseAlarmRate: Double, hitRate: Double)]

    init(_ counts: EventCounts, _ index: IndexCounts, bins: Int) {
      (indexArea, indexCurve) = (index.area, index.curve)
      area = counts.area
      brier = counts.brierDecomposition
      extremalDependenceIndex = counts.extremalDependenceIndex
      reliability = counts.reliability(bins: bins)
      discrimination = counts.discrimination(bins: bins)
      let all = counts.curve
      curve = (0..<bins + 2).map { all[min(all.count - 1, $0 * (all.count - 1) / (bins + 1))] }
    }
  }

  static let rankClasses = 1000

  let variable: String
  let units: String
  let leadHours: Double?
  let members: Int
  let dates: [UnitState.DateKey]
  /// [date][region][column]
  let values: [[[Double]]]
  /// [region][class of ranks]
  let ranks: [[Int]]
  /// [region]
  let unreliability: [Double]
  let crpsParts: [(reliability: Double, potential: Double)]
  let spread: [[(spread: Double, error: Double, share: Double)]]
  /// [region][event]
  let events: [[Event]]
  /// Means over dates.
  let spectra: SpectralScores?
  let spectraDates: Int
  let averageRanks: RankHistogram?
  let bandDepthRanks: RankHistogram?
  let sizes: [EnsembleSizes]
  /// Whether the last date's indices against the climate are kept.
  let hasLastExtremes: Bool
  /// Where everything is kept.
  private let path: String

  init(_ state: UnitState, bins: Int, keptAt path: String) {
    self.path = path
    (variable, units, leadHours, members) = (state.variable, state.units, state.leadHours, state.members)
    (dates, values) = (state.dates, state.values)
    ranks = state.ranks.map { $0.coarsened(classes: Self.rankClasses) }
    unreliability = state.ranks.map(\.unreliability)
    crpsParts = state.decomposition.map(\.parts)
    spread = state.spreadBins.map { $0.curve(members: state.members) }
    events = zip(state.events, state.indices).map { zip($0, $1).map { Event($0, $1, bins: bins) } }
    spectra = state.spectra?.divided(by: max(1, state.spectraDates))
    spectraDates = state.spectraDates
    (averageRanks, bandDepthRanks, sizes) = (state.averageRanks, state.bandDepthRanks, state.sizes)
    hasLastExtremes = state.lastExtremes != nil
  }

  /// The last date's indices and their outcome, read again.
  func lastExtremes() throws -> LastExtremes? {
    hasLastExtremes ? try UnitState.read(path)?.lastExtremes : nil
  }

  /// Maps of some scores, read again.
  func maps(_ scores: [MapScore], points: Int) throws -> ScoreMaps {
    try UnitState.read(path)?.maps(scores, points: points) ?? ScoreMaps(scores, points: points)
  }
}
