import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// Writes the quantiles of an archive, or of a model's own forecasts, by season, hour and lead time: what `apus verify`
/// takes as `climate: {file: ...}`.
struct QuantileClimate {
  let files: [String]
  let variables: [String]
  let records: ClimateRecords
  /// Whether files are forecasts, whose climate depends on the lead time.
  let byLeadTime: Bool
  let from: Instant?
  let to: Instant?
  let memoryMegabytes: Int
  let threads: Int

  /// 0, 0.01 ... 1, and 0.0001, 0.001, 0.999 and 0.9999, which with the odd hundredths are the 54 of HENS.
  static let levels: [Double] = ((0...100).map { Double($0) / 100 } + [0.0001, 0.001, 0.999, 0.9999]).sorted()

  private struct Part {
    let archive: EnsembleArchive
    let record: ClimateRecords.Record
    let cases: [EnsembleArchive.Case]
  }

  /// - Returns: for every variable the number of records and the fewest and most states in one.
  func write(_ path: String) throws -> [(variable: String, records: Int, fewest: Int, most: Int)] {
    let archives = try variables.map { try EnsembleArchive(files, variable: $0) }
    guard let first = archives.first else { return [] }
    var all: [[ClimateRecords.Record: [EnsembleArchive.Case]]] = []
    for archive in archives {
      guard archive.grid.matches(first.grid) else {
        throw ApusError(
          .badData, "grid differs from the other variables'", file: archive.file, variable: archive.variable,
          found: "\(archive.grid)", expected: "\(first.grid)")
      }
      all.append(try parts(archive))
    }
    let list = Set(all.flatMap(\.keys)).sorted()
    let file = try NetCDFWriter(path)
    try define(file, first.grid, list, archives)
    var result: [(variable: String, records: Int, fewest: Int, most: Int)] = []
    for (archive, parts) in zip(archives, all) {
      var counts: [Int] = []
      for (place, record) in list.enumerated() {
        try StopFlag.check("Nothing was written; run the same command again.")
        let cases = parts[record] ?? []
        counts.append(cases.count * archive.members.count)
        try file.put(
          archive.variable + "_count", [Int32(cases.count * archive.members.count)], start: [place],
          count: [1])
        if !cases.isEmpty { try write(archive, cases, place, file) }
      }
      let present = counts.filter { $0 > 0 }
      result.append((archive.variable, present.count, present.min() ?? 0, present.max() ?? 0))
    }
    try file.finish()
    return result
  }

  private func parts(_ archive: EnsembleArchive) throws -> [ClimateRecords.Record: [EnsembleArchive.Case]] {
    var parts: [ClimateRecords.Record: [EnsembleArchive.Case]] = [:]
    for item in archive.cases {
      guard let valid = item.valid, from.map({ $0 <= valid }) ?? true, to.map({ valid <= $0 }) ?? true else {
        continue
      }
      if byLeadTime && item.leadHours == nil {
        throw ApusError(
          .badData, "has no lead times", file: archive.file, variable: archive.variable, found: "\(item)",
          expected: "forecasts with forecast_reference_time or step",
          advice: "Leave out --by-lead-time for analyses.")
      }
      for season in records.seasons(of: valid) {
        let record = ClimateRecords.Record(
          season: season, hour: valid.hour, leadHours: byLeadTime ? item.leadHours : nil)
        parts[record, default: []].append(item)
      }
    }
    guard !parts.isEmpty else {
      throw ApusError(
        .inputMissing, "no state in the period", file: archive.file, variable: archive.variable,
        found: "\(archive.cases.count) times")
    }
    return parts
  }

  /// One record, as many rows at a time as fit in memory.
  private func write(
    _ archive: EnsembleArchive, _ cases: [EnsembleArchive.Case], _ place: Int, _ file: NetCDFWriter
  ) throws {
    let (rows, columns) = (archive.grid.latitudes.count, archive.grid.longitudes.count)
    let states = cases.count * archive.members.count
    // Read, sorted, and as doubles while quantiles are taken.
    let perRow = states * columns * 12
    let step = max(1, min(rows, memoryMegabytes * 1_000_000 / max(1, perRow)))
    for start in stride(from: 0, to: rows, by: step) {
      let range = start..<min(rows, start + step)
      let points = range.count * columns
      let values = AlignedBuffer<Float>(states * points)
      for (number, item) in cases.enumerated() {
        let members = EnsembleValues(try archive.values(item, rows: range), members: archive.members.count)
        for member in 0..<members.memberCount {
          for point in 0..<points {
            values.pointer[(number * members.memberCount + member) * points + point] = Float(
              members[member, point])
          }
        }
      }
      let climate = try ClimateQuantiles.levels(
        Self.levels, of: EnsembleValues(values, members: states), threads: threads)
      let name = archive.variable
      try file.put(
        name, climate.quantiles.map { Float($0) }, start: [place, 0, start, 0],
        count: [1, Self.levels.count, range.count, columns])
      for (suffix, numbers) in [("mean", climate.mean), ("standard_deviation", climate.standardDeviation)] {
        try file.put(
          "\(name)_\(suffix)", numbers, start: [place, start, 0], count: [1, range.count, columns])
      }
    }
  }

  private func define(
    _ file: NetCDFWriter, _ grid: LatitudeLongitude, _ list: [ClimateRecords.Record],
    _ archives: [EnsembleArchive]
  ) throws {
    for (name, text) in [
      ("Conventions", "CF-1.8"), ("title", "Quantiles of a climate"), ("institution", "made with Apus"),
      ("source", "Apus \(apusVersion)"), ("history", "apus climate quantiles"),
      ("references", "docs/verification.md of Apus"), ("calendar_parts", records.calendar.rawValue),
      (
        "comment",
        records.calendar == .month
          ? "Every record holds the states of one calendar month and hour, and lead time where there is one."
          : "Every record holds the states within \(records.windowDays) days of a day of the year, at one hour, and lead time where there is one."
      ),
    ] {
      try file.attribute(name, .text(text))
    }
    try file.dimension("record", list.count)
    try file.dimension("level", Self.levels.count)
    try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
    try file.variable(
      "season", .int32, ["record"],
      [
        "long_name": .text(
          records.calendar == .month ? "calendar month" : "day of the year in the middle of the window"),
        "units": .text("1"),
      ])
    try file.variable(
      "hour", .int32, ["record"],
      ["long_name": .text("hour of the valid time, UTC"), "units": .text("hours")])
    if byLeadTime {
      try file.variable(
        "lead_time", .double, ["record"],
        ["standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours")])
    }
    try file.variable(
      "level", .double, ["level"], ["long_name": .text("probability of the quantile"), "units": .text("1")])
    for archive in archives {
      let (name, units) = (archive.variable, archive.units ?? "1")
      try file.variable(
        name, .float, ["record", "level", "lat", "lon"],
        ["long_name": .text("\(name), quantiles"), "units": .text(units)])
      for (suffix, words) in [("mean", "mean"), ("standard_deviation", "standard deviation")] {
        try file.variable(
          "\(name)_\(suffix)", .double, ["record", "lat", "lon"],
          ["long_name": .text("\(name), \(words) of the states"), "units": .text(units)])
      }
      try file.variable(
        "\(name)_count", .int32, ["record"], ["long_name": .text("states"), "units": .text("1")])
    }
    try file.put("season", list.map { Int32($0.season) })
    try file.put("hour", list.map { Int32($0.hour) })
    if byLeadTime { try file.put("lead_time", list.map { $0.leadHours ?? .nan }) }
    try file.put("level", Self.levels)
  }
}
