import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// States that `apus climate states` kept, of one or more files: the parts of a climate that was made in pieces, on
/// several machines or a year at a time.
struct StateFiles: ClimateStates {
  let records: ClimateRecords
  let byLeadTime: Bool
  let grid: LatitudeLongitude
  let variables: [(name: String, units: String)]
  private let found: [[ClimateRecords.Record: [StateOrigin]]]
  private let places: [[ClimateRecords.Record: [Place]]]

  /// Where some states of a part lie.
  private struct Place {
    let reader: NetCDFReader
    let first: Int
    let count: Int
  }

  /// - Parameter wanted: variables; empty: all of the first file.
  /// - Throws: `ApusError`: `badData` for other files, for files of other parts, grids or units, and for a state that
  ///   comes twice; `inputMissing` for a variable that a file lacks.
  init(_ paths: [String], variables wanted: [String]) throws {
    let first = try Header(paths[0])
    let names = wanted.isEmpty ? first.variables : wanted
    var variables: [(name: String, units: String)] = []
    var found = names.map { _ in [ClimateRecords.Record: [StateOrigin]]() }
    var places = names.map { _ in [ClimateRecords.Record: [Place]]() }
    for path in paths {
      let header = try path == paths[0] ? first : Header(path)
      try header.requireFitting(first)
      for (number, name) in names.enumerated() {
        let reader = header.reader
        let units = try reader.variable(name).text("units") ?? "1"
        if number == variables.count { variables.append((name, units)) }
        guard Units.canonical(units) == Units.canonical(variables[number].units) else {
          throw ApusError(
            .badData, "units differ", file: path, variable: name, found: "'\(units)'",
            expected: "'\(variables[number].units)' as in \(paths[0])")
        }
        func whole(_ suffix: String) throws -> [Int] {
          try reader.wholeNumbers("\(name)_\(suffix)")
        }
        let (counts, valid, member) = try (whole("count"), whole("valid_time"), whole("realization"))
        // Analyses have no initial times.
        let hasInitial = reader.variables.contains { $0.name == "\(name)_initial_time" }
        let initial = hasInitial ? try whole("initial_time") : []
        let states = counts.allSatisfy { $0 >= 0 && $0 <= valid.count } ? counts.reduce(0, +) : -1
        guard states == valid.count, member.count == states, !hasInitial || initial.count == states,
          counts.count == header.list.count
        else {
          throw ApusError(
            .badData, "counts of states do not fit", file: path, variable: "\(name)_count",
            found: "\(counts.count) parts, \(states) states",
            expected: "\(header.list.count) parts, \(valid.count) states")
        }
        var start = 0
        for (record, count) in zip(header.list, counts) where count > 0 {
          let own = (start..<start + count).map {
            StateOrigin(initial: hasInitial ? initial[$0] : nil, valid: valid[$0], member: member[$0])
          }
          if let twice = Set(found[number][record] ?? []).intersection(own).first {
            throw ApusError(
              .badData, "a state counts twice", file: path, variable: name,
              found: "member \(twice.member) valid at \(Instant(seconds: twice.valid)), also in "
                + (places[number][record]?.map(\.reader.path).joined(separator: ", ") ?? ""),
              expected: "every state in one file only",
              advice: "Leave out the file that holds the same period again.")
          }
          found[number][record, default: []] += own
          places[number][record, default: []].append(Place(reader: reader, first: start, count: count))
          start += count
        }
      }
    }
    (self.variables, self.found, self.places) = (variables, found, places)
    (records, byLeadTime, grid) = (first.records, first.byLeadTime, first.grid)
  }

  func origins(_ variable: Int) -> [ClimateRecords.Record: [StateOrigin]] { found[variable] }

  func values(_ variable: Int, _ record: ClimateRecords.Record, rows: Range<Int>) throws -> AlignedBuffer<
    Float
  > {
    let (parts, columns) = (places[variable][record] ?? [], grid.longitudes.count)
    let points = rows.count * columns
    let values = AlignedBuffer<Float>(parts.reduce(0) { $0 + $1.count } * points)
    var state = 0
    for part in parts {
      let own = try part.reader.singles(
        try part.reader.variable(variables[variable].name), start: [part.first, rows.lowerBound, 0],
        count: [part.count, rows.count, columns])
      own.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
          (values.pointer + state * points).update(from: base, count: source.count)
        }
      }
      state += part.count
    }
    return values
  }

  /// What a file says of itself.
  private struct Header {
    let path: String
    let reader: NetCDFReader
    let records: ClimateRecords
    let byLeadTime: Bool
    let grid: LatitudeLongitude
    let list: [ClimateRecords.Record]
    let variables: [String]

    init(_ path: String) throws {
      self.path = path
      reader = try NetCDFReader(path)
      let reader = self.reader
      guard reader.attributes["content"]?.text == StateClimate.content,
        let calendar = reader.attributes["calendar_parts"]?.text.flatMap(
          ClimateRecords.Calendar.init(rawValue:)),
        let window = reader.attributes["window_days"]?.numbers.first,
        let every = reader.attributes["every_days"]?.numbers.first
      else {
        throw ApusError(
          .badData, "holds no sorted states", file: path,
          advice: "Make it with: apus climate states; archives are read with --files.")
      }
      guard let window = Int(exactly: window), let every = Int(exactly: every) else {
        throw ApusError(.badData, "days of windows are no whole numbers", file: path)
      }
      records = ClimateRecords(calendar: calendar, windowDays: window, everyDays: every)
      func numbers(_ name: String) throws -> [Double] { try reader.values(try reader.variable(name)) }
      byLeadTime = reader.variables.contains { $0.name == "lead_time" }
      let leads: [Double?] = byLeadTime ? try numbers("lead_time") : []
      let (seasons, hours) = try (reader.wholeNumbers("season"), reader.wholeNumbers("hour"))
      guard hours.count == seasons.count, leads.isEmpty || leads.count == seasons.count else {
        throw ApusError(
          .badData, "seasons, hours and lead times differ in number", file: path,
          found: "\(seasons.count), \(hours.count), \(leads.count)")
      }
      list = seasons.indices.map {
        ClimateRecords.Record(
          season: seasons[$0], hour: hours[$0], leadHours: leads.isEmpty ? nil : leads[$0])
      }
      grid = try LatitudeLongitude(
        fileLatitudes: try numbers("lat"), fileLongitudes: try numbers("lon"), file: path)
      variables = reader.variables.map(\.name).filter { name in
        reader.variables.contains { $0.name == name + "_realization" }
      }
    }

    func requireFitting(_ first: Header) throws {
      func words(_ header: Header) -> String {
        "\(header.records.calendar.rawValue), windows of \(header.records.windowDays) days every "
          + "\(header.records.everyDays), \(header.byLeadTime ? "by lead time" : "analyses"), \(header.grid)"
      }
      guard words(self) == words(first), grid.matches(first.grid) else {
        throw ApusError(
          .badData, "states are parted otherwise, or on another grid", file: path, found: words(self),
          expected: "\(words(first)), as in \(first.path)")
      }
    }
  }
}
