import Foundation
import Verification

/// What products and report need of one variable at one lead time: small, however many members there are, so that
/// memory does not grow with lead times as counts of every member's rank would make it.
struct UnitDigest {
  /// What an event's counts say.
  struct Event {
    let area: Estimate
    let brier: (reliability: Estimate, resolution: Estimate, uncertainty: Estimate)
    let extremalDependenceIndex: Estimate
    let reliability: [(probability: Double, frequency: Estimate, count: Int)]
    let discrimination: [(whenCame: Double, whenNot: Double)]
    /// The ROC curve at evenly chosen probabilities, with its ends.
    let curve: [(falseAlarmRate: Double, hitRate: Double)]
    /// How the extreme forecast index tells the event; NaN without a climate.
    let indexArea: Estimate
    let indexCurve: [(falseAlarmRate: Double, hitRate: Double)]

    /// - Parameters:
    ///   - estimates: area, three of the Brier score, extremal dependence index, then frequencies.
    ///   - indexArea: of the extreme forecast index.
    init(
      _ counts: EventCounts, _ index: IndexCounts, bins: Int, estimates: [Estimate], indexArea: Estimate
    ) {
      (self.indexArea, indexCurve) = (indexArea, index.curve)
      area = estimates[0]
      brier = (estimates[1], estimates[2], estimates[3])
      extremalDependenceIndex = estimates[4]
      reliability = zip(counts.reliability(bins: bins), estimates[5...]).map {
        ($0.probability, $1, $0.count)
      }
      discrimination = counts.discrimination(bins: bins)
      let all = counts.curve
      curve = (0..<bins + 2).map { all[min(all.count - 1, $0 * (all.count - 1) / (bins + 1))] }
    }
  }

  /// What smaller ensembles show of one kind of draw.
  struct Sizes {
    let group: GroupDraw?
    /// Outlier probability, best member's error, gain, then every event's width, by size.
    let statistics: [[Int: Estimate]]

    init(_ sizes: EnsembleSizes, _ all: [Estimate]) {
      group = sizes.group
      let length = sizes.sizes.count
      statistics = (0..<3 + sizes.events).map { field in
        Dictionary(
          zip(sizes.sizes, all[field * length..<(field + 1) * length]),
          uniquingKeysWith: { first, _ in first })
      }
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
  let unreliability: [Estimate]
  let crpsParts: [(reliability: Estimate, potential: Estimate)]
  let spread: [[(spread: Estimate, error: Estimate, share: Double)]]
  /// [region][event]
  let events: [[Event]]
  /// Means over dates.
  let spectra: SpectralScores?
  /// Of truth, members, mean, error, spread, perturbation and CRPS, then of spread over skill, each by degree.
  let spectraEstimates: [Estimate]
  let spectraDates: Int
  let averageRanks: RankHistogram?
  let bandDepthRanks: RankHistogram?
  /// Sizes that are looked at, then of members drawn one by one and of each kind of group.
  let sizesDrawn: [Int]
  let sizes: [Sizes]
  /// Whether the last date's indices against the climate are kept.
  let hasLastExtremes: Bool
  /// How rows of what is pooled are laid out.
  let layout: PooledLayout
  /// Where everything is kept.
  private let path: String

  /// - Parameter bootstrap: of as many dates as `state` has.
  init(_ state: UnitState, bins: Int, keptAt path: String, bootstrap: BlockBootstrap, threads: Int) throws {
    self.path = path
    (variable, units, leadHours, members) = (state.variable, state.units, state.leadHours, state.members)
    (dates, values) = (state.dates, state.values)
    let rows = state.rows.pooledRows
    let layout = state.layout
    self.layout = layout
    let regions = state.ranks.indices
    ranks = state.ranks.map { $0.coarsened(classes: Self.rankClasses) }
    unreliability = try regions.map {
      try bootstrap.estimate(
        of: state.ranks[$0], rows: rows, columns: layout.ranks(region: $0), threads: threads)
    }
    crpsParts = try state.decomposition.indices.map {
      let parts = try bootstrap.estimates(
        of: state.decomposition[$0], rows: rows, columns: layout.decomposition(region: $0), threads: threads)
      return (parts[0], parts[1])
    }
    let spreadByDate = state.rows.spreadBins(regions: regions.count)
    spread = try regions.map { region in
      let bins = state.spreadBins[region]
      let estimates = try bootstrap.estimates(
        of: bins, members: state.members, byDate: spreadByDate[region], threads: threads)
      let shares = bins.curve(members: state.members).map(\.share)
      return shares.indices.map { (estimates[$0], estimates[shares.count + $0], shares[$0]) }
    }
    events = try regions.map { region in
      try state.events[region].indices.map { event in
        let (counts, index) = (state.events[region][event], state.indices[region][event])
        return Event(
          counts, index, bins: bins,
          estimates: try bootstrap.estimates(
            of: counts, bins: bins, rows: rows, columns: layout.event(event, region: region), threads: threads
          ),
          indexArea: try bootstrap.estimate(
            of: index, rows: rows, columns: layout.index(event, region: region), threads: threads))
      }
    }
    let means = state.spectra?.divided(by: max(1, state.spectraDates))
    spectra = means
    spectraEstimates =
      try means.map {
        try bootstrap.estimates(
          of: $0, members: state.members, rows: state.rows.spectraRows, threads: threads)
      } ?? []
    spectraDates = state.spectraDates
    (averageRanks, bandDepthRanks) = (state.averageRanks, state.bandDepthRanks)
    sizesDrawn = state.sizes.first?.sizes ?? []
    var start = 0
    let sizeRows = state.rows.sizeRows
    sizes = try state.sizes.map { kind in
      let columns = start..<start + kind.row.count
      start = columns.upperBound
      return Sizes(
        kind, try bootstrap.estimates(of: kind, rows: sizeRows, columns: columns, threads: threads))
    }
    hasLastExtremes = state.lastExtremes != nil
  }

  /// The last date's indices and their outcome, read again.
  func lastExtremes() throws -> LastExtremes? {
    hasLastExtremes ? try UnitState.read(path)?.lastExtremes : nil
  }

  /// What every date adds to all that is pooled, read again: [date][column of `layout`].
  func pooledRows() throws -> [[Float]] { try UnitState.read(path)?.rows.pooledRows ?? [] }

  /// Maps of some scores, read again.
  func maps(_ scores: [MapScore], points: Int) throws -> ScoreMaps {
    try UnitState.read(path)?.maps(scores, points: points) ?? ScoreMaps(scores, points: points)
  }
}
