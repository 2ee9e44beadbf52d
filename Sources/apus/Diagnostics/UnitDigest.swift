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
    ///   - intervals: area, three of the Brier score, extremal dependence index, then frequencies.
    ///   - ofIndex: of the index' area.
    init(_ counts: EventCounts, _ index: IndexCounts, bins: Int, intervals: [Interval], ofIndex: Interval) {
      (indexArea, indexCurve) = (Estimate(index.area, ofIndex), index.curve)
      area = Estimate(counts.area, intervals[0])
      let parts = counts.brierDecomposition
      brier = (
        Estimate(parts.reliability, intervals[1]), Estimate(parts.resolution, intervals[2]),
        Estimate(parts.uncertainty, intervals[3])
      )
      extremalDependenceIndex = Estimate(counts.extremalDependenceIndex, intervals[4])
      reliability = zip(counts.reliability(bins: bins), intervals[5...]).map {
        ($0.probability, Estimate($0.frequency, $1), $0.count)
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

    init(_ sizes: EnsembleSizes, _ intervals: [Interval]) {
      group = sizes.group
      let all = zip(sizes.statistics, intervals).map { Estimate($0, $1) }
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
    unreliability = try regions.map { region in
      let ranks = state.ranks[region]
      let interval = try bootstrap.interval(
        of: ranks, rows: rows, columns: layout.ranks(region: region), threads: threads)
      return Estimate(ranks.unreliability, interval)
    }
    crpsParts = try state.decomposition.indices.map { region in
      let parts = state.decomposition[region]
      let intervals = try bootstrap.intervals(
        of: parts, rows: rows, columns: layout.decomposition(region: region), threads: threads)
      return (Estimate(parts.parts.reliability, intervals[0]), Estimate(parts.parts.potential, intervals[1]))
    }
    let spreadByDate = state.rows.spreadBins(regions: regions.count)
    spread = try regions.map { region in
      let curve = state.spreadBins[region].curve(members: state.members)
      let intervals = try bootstrap.intervals(
        of: state.spreadBins[region], members: state.members, byDate: spreadByDate[region], threads: threads)
      return curve.indices.map {
        (
          Estimate(curve[$0].spread, intervals[$0]),
          Estimate(curve[$0].error, intervals[curve.count + $0]), curve[$0].share
        )
      }
    }
    events = try regions.map { region in
      try state.events[region].indices.map { event in
        let (counts, index) = (state.events[region][event], state.indices[region][event])
        return Event(
          counts, index, bins: bins,
          intervals: try bootstrap.intervals(
            of: counts, bins: bins, rows: rows, columns: layout.event(event, region: region), threads: threads
          ),
          ofIndex: try bootstrap.interval(
            of: index, rows: rows, columns: layout.index(event, region: region), threads: threads))
      }
    }
    let means = state.spectra?.divided(by: max(1, state.spectraDates))
    spectra = means
    spectraEstimates =
      try means.map {
        zip(
          $0.statistics(members: state.members),
          try bootstrap.intervals(
            of: $0, members: state.members, rows: state.rows.spectraRows, threads: threads)
        ).map { Estimate($0, $1) }
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
        kind, try bootstrap.intervals(of: kind, rows: sizeRows, columns: columns, threads: threads))
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
