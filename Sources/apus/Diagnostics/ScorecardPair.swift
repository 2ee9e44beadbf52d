import RunFiles
import Verification

/// An ensemble and the baseline of one variable at one lead time, on the dates that both have.
struct ScorecardPair {
  let own: UnitSummary
  let other: UnitSummary
  let events: [String]
  let regions: [String]
  let settings: DiagnosticsFile.Bootstrap
  let threads: Int

  /// Of area means.
  private static let scores = [
    "crps_fair", "rmse_mean", "energy_score_fair", "energy_score_tiles", "variogram_score_tiles",
  ]
  private static let eventScores = ["brier_fair", "twcrps_fair"]

  /// All comparisons that can be made, region by region.
  func entries() throws -> [Scorecard.Entry] {
    let places = commonDates
    guard places.count > 1 else { return [] }
    let rows = try events.isEmpty ? ([], []) : (own.state.pooledRows(), other.state.pooledRows())
    return try regions.indices.flatMap { region in
      let alike = places.filter { sameValue($0, own.columns.place(.pointsScored), region) }
      return try alike.count < 2
        ? [] : means(alike, region) + areas(alike, region, rows.0, rows.1)
    }
  }

  /// Places of each common date in both, in order of date.
  private var commonDates: [(own: Int, other: Int)] {
    func places(_ unit: UnitDigest) -> [Int: Int] {
      Dictionary(
        unit.dates.enumerated().map { ($1.initial ?? $1.valid ?? $1.index, $0) }, uniquingKeysWith: { $1 })
    }
    let (mine, theirs) = (places(own.state), places(other.state))
    return mine.keys.sorted().compactMap { date in
      guard let a = mine[date], let b = theirs[date] else { return nil }
      return (a, b)
    }
  }

  /// Dates on which the two have values at different points of some region, and are not compared there.
  var datesApart: Int {
    let column = own.columns.place(.pointsScored)
    return commonDates.count { date in regions.indices.contains { !sameValue(date, column, $0) } }
  }

  private func sameValue(_ date: (own: Int, other: Int), _ column: Int, _ region: Int) -> Bool {
    let (mine, theirs) = (
      own.state.values[date.own][region][column], other.state.values[date.other][region][column]
    )
    return mine == theirs || mine.isNaN && theirs.isNaN
  }

  private func means(_ places: [(own: Int, other: Int)], _ region: Int) throws -> [Scorecard.Entry] {
    let chosen =
      Self.scores.map { ($0, Int?.none) }
      + events.indices.flatMap { event in Self.eventScores.map { ($0, event) } }
    return try chosen.compactMap { score, event in
      guard let mine = own.columns.place(score, event: event),
        let theirs = other.columns.place(score, event: event)
      else { return nil }
      let (a, b) = (own.series(mine, region: region), other.series(theirs, region: region))
      let known = places.filter { !a[$0.own].isNaN && !b[$0.other].isNaN }
      guard known.count > 1 else { return nil }
      let isRoot = own.columns.columns[mine].isRootOfMean
      let test = try PairedBlockBootstrap(
        known.map { a[$0.own] }, minus: known.map { b[$0.other] }, rootsOfMeans: isRoot,
        blockLength: settings.blockDates,
        confidence: settings.confidence, resamples: settings.resamples, threads: threads)
      return entry(score, event, region, test)
    }
  }

  /// Areas above the ROC curves of events, in at most 101 classes of probability.
  private func areas(
    _ places: [(own: Int, other: Int)], _ region: Int, _ rows: [[Float]], _ otherRows: [[Float]]
  ) throws -> [Scorecard.Entry] {
    // Areas grow with the number of members.
    guard own.state.members == other.state.members else { return [] }
    return try events.indices.compactMap { event in
      let columns = own.state.layout.event(event, region: region)
      let theirs = other.state.layout.event(event, region: region)
      guard
        let test = try PairedBlockBootstrap(
          areasAboveROC: places.map { Array(rows[$0.own][columns]) },
          minus: places.map { Array(otherRows[$0.other][theirs]) }, blockLength: settings.blockDates,
          confidence: settings.confidence, resamples: settings.resamples, threads: threads)
      else { return nil }
      return entry("area_above_roc", event, region, test)
    }
  }

  private func entry(
    _ score: String, _ event: Int?, _ region: Int, _ test: PairedBlockBootstrap
  ) -> Scorecard.Entry {
    Scorecard.Entry(
      variable: own.state.variable, region: regions[region], leadHours: own.state.leadHours,
      score: score, event: event.map { events[$0] }, percent: 100 * test.difference / test.reference,
      difference: test.difference, lower: test.lower, upper: test.upper, pValue: test.pValue,
      dates: test.dateCount)
  }
}
