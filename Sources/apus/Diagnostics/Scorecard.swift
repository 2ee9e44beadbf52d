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
    /// nil where the files do not say.
    let leadHours: Double?
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

  private(set) var entries: [Entry] = []
  /// Dates of all variables and lead times that are not compared in some region, because the two have values at
  /// different points.
  private(set) var datesApart = 0

  init(
    _ definition: DiagnosticsFile, _ forecast: [UnitSummary], _ baseline: [UnitSummary], threads: Int
  ) throws {
    for own in forecast {
      guard
        let other = baseline.first(where: {
          $0.state.variable == own.state.variable && $0.state.leadHours == own.state.leadHours
        })
      else { continue }
      let pair = ScorecardPair(
        own: own, other: other, events: definition.events[own.state.variable] ?? [],
        regions: definition.regions.map(\.name), settings: definition.bootstrap, threads: threads)
      entries += try pair.entries()
      datesApart += pair.datesApart
    }
    let stand = FalseDiscovery.stands(entries.map(\.pValue), rate: definition.bootstrap.falseDiscoveryRate)
    for place in entries.indices { entries[place].stands = stand[place] }
  }

  /// Writes one comparison an entry of the dimension `comparison`.
  func write(_ path: String, _ definition: DiagnosticsFile) throws {
    let file = try NetCDFWriter(path)
    try file.identify(
      title: "\(definition.name): scorecard against the baseline", history: "apus verify",
      references: "Politis and Romano 1992 (circular blocks), Benjamini and Hochberg 1995",
      comment:
        "difference = score - baseline over the same dates, negative is better; stands = 1 where it holds at a false discovery rate of \(definition.bootstrap.falseDiscoveryRate) among all comparisons."
    )
    try file.dimension("comparison", entries.count)
    for name in ["variable", "region", "score", "event"] {
      try file.variable(name, .text, ["comparison"], ["long_name": .text(name)])
    }
    let numbers: [(String, String, String, (Entry) -> Double)] = [
      ("lead_time", "lead time", "hours", { $0.leadHours ?? .nan }),
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
