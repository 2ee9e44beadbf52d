import Basics
import FieldIO
import Fields
import Verification

/// The states of an archive, or of a model's own forecasts.
struct ArchiveStates: ClimateStates {
  let records: ClimateRecords
  let byLeadTime: Bool
  private let archives: [EnsembleArchive]
  private let cases: [[ClimateRecords.Record: [EnsembleArchive.Case]]]

  /// - Throws: `ApusError`: `inputMissing` without a state in the period, `badData` where variables have other grids or
  ///   forecasts no lead time.
  init(
    files: [String], variables: [String], records: ClimateRecords, byLeadTime: Bool, from: Instant?,
    to: Instant?
  ) throws {
    self.records = records
    self.byLeadTime = byLeadTime
    archives = try variables.map { try EnsembleArchive(files, variable: $0, eachTimeOnce: !byLeadTime) }
    for archive in archives where !archive.grid.matches(archives[0].grid) {
      throw ApusError(
        .badData, "grid differs from the other variables'", file: archive.file, variable: archive.variable,
        found: "\(archive.grid)", expected: "\(archives[0].grid)")
    }
    cases = try archives.map { archive in
      var parts: [ClimateRecords.Record: [EnsembleArchive.Case]] = [:]
      for item in archive.cases {
        guard let valid = item.valid, from.map({ $0 <= valid }) ?? true, to.map({ valid <= $0 }) ?? true
        else { continue }
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
  }

  var grid: LatitudeLongitude { archives[0].grid }
  var variables: [(name: String, units: String)] { archives.map { ($0.variable, $0.units ?? "1") } }

  func origins(_ variable: Int) -> [ClimateRecords.Record: [StateOrigin]] {
    cases[variable].mapValues { cases in
      cases.flatMap { item in
        archives[variable].members.map {
          StateOrigin(initial: item.initial?.seconds, valid: item.valid?.seconds ?? 0, member: $0)
        }
      }
    }
  }

  func values(_ variable: Int, _ record: ClimateRecords.Record, rows: Range<Int>) throws -> AlignedBuffer<
    Float
  > {
    let (archive, cases) = (archives[variable], cases[variable][record] ?? [])
    let (count, points) = (archive.members.count, rows.count * grid.longitudes.count)
    let values = AlignedBuffer<Float>(cases.count * count * points)
    for (number, item) in cases.enumerated() {
      let members = EnsembleValues(try archive.values(item, rows: rows), members: count)
      for member in 0..<count {
        for point in 0..<points {
          values.pointer[(number * count + member) * points + point] = Float(members[member, point])
        }
      }
    }
    return values
  }
}
