import Basics
import Ensembles
import FieldIO
import Foundation
import Logging
import RunFiles
import Verification

/// `apus verify DEFINITION.yml`: scores, files and report.
struct SuiteVerification {
  /// What is printed.
  struct Result: Encodable, CustomStringConvertible {
    struct Line: Encodable {
      let variable: String
      let units: String
      let leadHours: Double?
      let dates: Int
      let members: Int
      /// Scores of the first region over all dates, by name.
      let scores: [String: Double]
    }
    let definition: String
    let region: String
    let lines: [Line]
    let files: [String]
    let report: String

    var description: String {
      let names = [
        "rmse_mean", "spread", "spread_skill_ratio", "crps_fair", "mae_control", "crps_climatology",
      ]
      let shown = names.filter { name in lines.contains { $0.scores[name] != nil } }
      var rows = [["variable", "lead [h]", "dates"] + shown.map { $0.replacing("_", with: " ") }]
      rows += lines.map { line in
        [line.variable, line.leadHours.map { VerificationReport.number($0) } ?? "-", "\(line.dates)"]
          + shown.map { line.scores[$0].map(VerificationReport.number) ?? "-" }
      }
      return "\(definition), \(region), \(lines.first?.members ?? 0) members\n"
        + TextTable.lines(rows).joined(separator: "\n") + "\nwrote "
        + (files + [report]).joined(separator: ", ")
    }
  }

  let definition: DiagnosticsFile
  let run: SuiteRun

  func callAsFunction() throws -> Result {
    FreedMemory.goesBack()
    try? FileManager.default.createDirectory(atPath: run.output, withIntermediateDirectories: true)
    let lock = try RunLock(run.output + "/lock")
    defer { withExtendedLifetime(lock) {} }
    let (outcome, other) = try run.run()
    func summary(_ unit: UnitDigest) -> UnitSummary {
      UnitSummary(unit, run.draws.of(dates: unit.dates.count))
    }
    let units = outcome.units.map(summary)
    let summaries = Dictionary(grouping: units, by: \.state.variable)
    var files: [String] = []
    for variable in definition.variables {
      guard let own = summaries[variable], let grid = outcome.grids[variable] else { continue }
      files += try SuiteProducts(
        definition: definition, variable: variable, units: own, grid: grid, directory: run.output
      ).write()
    }
    for variable in definition.variables {
      if let path = try outcome.showcases[variable]?.write(run.output) { files.append(path) }
    }
    var scorecard: Scorecard?
    if let other {
      let card = try Scorecard(
        definition, units, other.units.map(summary), threads: run.threads)
      if card.datesApart > 0 {
        run.logger.warning(
          "the scorecard leaves out dates on which forecast and baseline have values at different points",
          metadata: ["dates": "\(card.datesApart)", "advice": "take regions or a mask where both have them"])
      }
      if card.entries.isEmpty {
        run.logger.warning(
          "the scorecard is empty: forecast and baseline have fewer than two dates of a lead time in common")
      }
      try card.write(run.output + "/scorecard.nc", definition)
      files.append(run.output + "/scorecard.nc")
      scorecard = card
    }
    let report = run.output + "/report.html"
    try SuiteReport(
      definition: definition, summaries: summaries, grids: outcome.grids, showcases: outcome.showcases,
      scorecard: scorecard, files: files,
      command: CommandLine.arguments
    ).write(report)
    let lines = units.map { summary in
      let unit = summary.state
      var scores: [String: Double] = [:]
      for (place, column) in summary.columns.columns.enumerated()
      where column.event == nil && !column.isInternal {
        let value = summary.estimate(place, region: 0, withInterval: false).value
        if value.isFinite { scores[column.name] = value }
      }
      for combination in UnitSummary.combinations where !combination.isOfEvent {
        let value = summary.estimate(combination, region: 0, withInterval: false).value
        if value.isFinite { scores[combination.name] = value }
      }
      return Result.Line(
        variable: unit.variable, units: unit.units, leadHours: unit.leadHours, dates: unit.dates.count,
        members: unit.members, scores: scores)
    }
    return Result(
      definition: definition.name, region: definition.regions[0].name, lines: lines, files: files,
      report: report)
  }
}
