import Basics
import FieldIO
import Foundation
import RunFiles
import Verification

/// The ensemble against a baseline, score by score, where both have the same dates: relative differences, paired block
/// bootstraps, and which of them stand when at most a set share may be false.
struct Scorecard {
  /// One comparison.
  struct Entry: Encodable {
    let variable: String
    let region: String
    let leadHours: Double
    let score: String
    let event: String?
    /// (score - baseline)/baseline in percent: negative is better.
    let percent: Double
    let difference: Double
    let lower: Double
    let upper: Double
    let pValue: Double
    let dates: Int
    var stands = false
  }

  static let scores = [
    "crps_fair", "rmse_mean", "energy_score_fair", "energy_score_tiles", "variogram_score_tiles",
  ]
  static let eventScores = ["brier_fair", "twcrps"]

  private(set) var entries: [Entry] = []

  init(
    _ definition: DiagnosticsFile, _ forecast: [UnitSummary], _ baseline: [UnitSummary], threads: Int
  ) throws {
    for own in forecast {
      guard
        let other = baseline.first(where: {
          $0.state.variable == own.state.variable && $0.state.leadHours == own.state.leadHours
        })
      else { continue }
      let events = definition.events[own.state.variable] ?? []
      var chosen: [(String, Int?)] = Self.scores.map { ($0, nil) }
      chosen += events.indices.flatMap { event in Self.eventScores.map { ($0, event) } }
      for (region, name) in definition.regions.map(\.name).enumerated() {
        for (score, event) in chosen {
          guard let mine = own.columns.place(score, event: event),
            let theirs = other.columns.place(score, event: event)
          else { continue }
          func values(_ summary: UnitSummary, _ column: Int) -> [Int: Double] {
            Dictionary(
              zip(summary.state.dates.map { $0.initial ?? $0.index }, summary.series(column, region: region)),
              uniquingKeysWith: { $1 })
          }
          let (a, b) = (values(own, mine), values(other, theirs))
          let dates = a.keys.filter { b[$0] != nil && !(a[$0] ?? .nan).isNaN && !(b[$0] ?? .nan).isNaN }
            .sorted()
          guard dates.count > 1 else { continue }
          let isRoot = own.columns.columns[mine].isRootOfMean
          let (x, y) = (dates.map { a[$0] ?? .nan }, dates.map { b[$0] ?? .nan })
          let test = try PairedBlockBootstrap(
            x, minus: y, rootsOfMeans: isRoot, blockLength: definition.bootstrap.blockDates,
            confidence: definition.bootstrap.confidence, resamples: definition.bootstrap.resamples,
            threads: threads)
          let mean = y.reduce(0, +) / Double(y.count)
          entries.append(
            Entry(
              variable: own.state.variable, region: name, leadHours: own.state.leadHours ?? .nan,
              score: score,
              event: event.map { events[$0] },
              percent: 100 * test.difference / (isRoot ? mean.squareRoot() : mean),
              difference: test.difference, lower: test.lower, upper: test.upper, pValue: test.pValue,
              dates: dates.count))
        }
      }
    }
    let stand = FalseDiscovery.stands(entries.map(\.pValue), rate: definition.bootstrap.falseDiscoveryRate)
    for place in entries.indices { entries[place].stands = stand[place] }
  }

  /// Writes one comparison an entry of the dimension `comparison`.
  func write(_ path: String, _ definition: DiagnosticsFile) throws {
    let file = try NetCDFWriter(path)
    for (name, text) in [
      ("Conventions", "CF-1.8"), ("title", "\(definition.name): scorecard against the baseline"),
      ("institution", "made with Apus"), ("source", "Apus \(apusVersion)"), ("history", "apus verify"),
      ("references", "Politis and Romano 1992 (circular blocks), Benjamini and Hochberg 1995"),
      (
        "comment",
        "difference = score - baseline over the same dates, negative is better; stands = 1 where it holds at a false discovery rate of \(definition.bootstrap.falseDiscoveryRate) among all comparisons."
      ),
    ] {
      try file.attribute(name, .text(text))
    }
    try file.dimension("comparison", entries.count)
    for name in ["variable", "region", "score", "event"] {
      try file.variable(name, .text, ["comparison"], ["long_name": .text(name)])
    }
    let numbers: [(String, String, String, (Entry) -> Double)] = [
      ("lead_time", "lead time", "hours", { $0.leadHours }),
      ("percent", "relative difference", "percent", { $0.percent }),
      ("difference", "difference, in the score's unit", "", { $0.difference }),
      ("difference_lower", "lower end of its interval", "", { $0.lower }),
      ("difference_upper", "upper end of its interval", "", { $0.upper }),
      ("p_value", "two-sided p of no difference", "1", { $0.pValue }),
      ("dates", "dates compared", "1", { Double($0.dates) }),
      ("stands", "whether it stands", "1", { $0.stands ? 1 : 0 }),
    ]
    for (name, long, unit, _) in numbers {
      try file.variable(name, .double, ["comparison"], ["long_name": .text(long)])
      if !unit.isEmpty { try file.attribute("units", .text(unit), variable: name) }
    }
    try file.put("variable", entries.map(\.variable))
    try file.put("region", entries.map(\.region))
    try file.put("score", entries.map(\.score))
    try file.put("event", entries.map { $0.event ?? "" })
    for (name, _, _, value) in numbers { try file.put(name, entries.map(value)) }
    try file.finish()
  }
}
