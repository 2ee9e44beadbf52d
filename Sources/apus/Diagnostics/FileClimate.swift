import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// The climate of one variable from the quantiles of a file that `apus climate quantiles` wrote.
final class FileClimate: SuiteClimate {
  private let reader: NetCDFReader
  private let name: String
  private let calendar: ClimateRecords.Calendar
  private let seasons: [Int]
  private let hours: [Int]
  private let leads: [Double]
  /// Places of the levels of `ClimateQuantiles`.
  private let levels: [Int]
  private let rows: Int
  private let columns: Int
  private var kept: [(record: Int, season: ClimateSeason)] = []

  /// - Throws: `ApusError`: `badData` where the file is of another kind, grid or unit, `inputMissing` where it lacks the
  ///   variable.
  init(_ path: String, _ source: SuiteSource) throws {
    let reader = try NetCDFReader(path)
    self.reader = reader
    name = source.variable
    guard
      let calendar = reader.attributes["calendar_parts"]?.text.flatMap(
        ClimateRecords.Calendar.init(rawValue:)),
      let level = reader.variables.first(where: { $0.name == "level" })
    else {
      throw ApusError(
        .badData, "are no quantiles of a climate", file: path,
        advice: "Make them with: apus climate quantiles; or name an archive with files: in place of file:.")
    }
    self.calendar = calendar
    let variable = try reader.variable(source.variable)
    seasons = try reader.wholeNumbers("season")
    hours = try reader.wholeNumbers("hour")
    leads =
      try reader.variables.contains { $0.name == "lead_time" }
      ? reader.values(try reader.variable("lead_time")) : []
    guard hours.count == seasons.count, leads.isEmpty || leads.count == seasons.count else {
      throw ApusError(
        .badData, "seasons, hours and lead times differ in number", file: path,
        found: "\(seasons.count), \(hours.count), \(leads.count)")
    }
    let found = try reader.values(level)
    levels = ClimateQuantiles.levels.compactMap { wanted in found.firstIndex { abs($0 - wanted) < 1e-9 } }
    guard levels.count == ClimateQuantiles.levels.count else {
      throw ApusError(
        .badData, "lacks quantiles", file: path, variable: "level", found: "\(found.count) levels",
        expected: "0, 0.01 ... 1 and 0.0001, 0.001, 0.999, 0.9999 among them",
        advice: "Make it with: apus climate quantiles.")
    }
    let grid = try LatitudeLongitude(
      fileLatitudes: try reader.values(try reader.variable("lat")),
      fileLongitudes: try reader.values(try reader.variable("lon")), file: path)
    (rows, columns) = (grid.latitudes.count, grid.longitudes.count)
    guard grid.matches(source.grid) else {
      throw ApusError(
        .badData, "the climate is on another grid", file: path, variable: source.variable,
        found: "\(grid)", expected: "\(source.grid) as in \(source.file)",
        advice: "Make it of an archive on the forecasts' grid.")
    }
    let units = variable.text("units") ?? "1"
    guard Units.canonical(units) == Units.canonical(source.units) else {
      throw ApusError(
        .badData, "units differ", file: path, variable: source.variable, found: "'\(units)'",
        expected: "'\(source.units)' as in \(source.file)")
    }
  }

  func season(_ item: EnsembleArchive.Case) throws -> ClimateSeason? {
    guard let valid = item.valid else { return nil }
    let candidates = seasons.indices.filter { record in
      hours[record] == valid.hour && (leads.isEmpty || leads[record] == item.leadHours)
    }
    let own = ClimateRecords.season(of: valid, calendar: calendar, among: candidates.map { seasons[$0] })
    guard let record = candidates.first(where: { seasons[$0] == own }) else {
      throw ApusError(
        .inputMissing, "the climate has no part for a valid time", file: reader.path, variable: name,
        found: "none for \(valid)" + (leads.isEmpty ? "" : ", +\(item.leadHours ?? .nan) h"),
        expected: "its season, hour\(leads.isEmpty ? "" : " and lead time")",
        advice: "Make the climate of files that have them.")
    }
    if let found = kept.first(where: { $0.record == record }) { return found.season }
    let points = rows * columns
    let all = try reader.values(
      try reader.variable(name), start: [record, 0, 0, 0],
      count: [1, reader.variable(name).dimensions[1].length, rows, columns])
    func field(_ suffix: String) throws -> [Double] {
      try reader.values(
        try reader.variable("\(name)_\(suffix)"), start: [record, 0, 0], count: [1, rows, columns])
    }
    let count = try reader.values(try reader.variable("\(name)_count"), start: [record], count: [1])
    let season = ClimateSeason(
      quantiles: ClimateQuantiles(
        quantiles: levels.flatMap { all[$0 * points..<($0 + 1) * points] }, mean: try field("mean"),
        standardDeviation: try field("standard_deviation"),
        sampleCount: count.first.flatMap { Int(exactly: $0) } ?? 0), sample: nil)
    kept.append((record, season))
    if kept.count > 8 { kept.removeFirst() }
    return season
  }
}
