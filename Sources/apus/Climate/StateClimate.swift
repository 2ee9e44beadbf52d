import Basics
import FieldIO
import Fields
import Verification

/// Keeps the states of a climate, sorted at every point: parts of a climate that `apus climate quantiles --states`
/// merges to the very quantiles that one pass over everything gives.
///
/// States of all parts of a variable follow each other (CF's contiguous ragged arrays); where each came from is kept
/// apart, as a sorted "state" is no field of any one moment.
struct StateClimate {
  let states: any ClimateStates
  let memoryMegabytes: Int
  let threads: Int

  static let content = "sorted states of a climate"

  /// - Returns: for every variable the number of parts and the fewest and most states in one.
  func write(_ path: String) throws -> [ClimateSummary] {
    let list = states.parts
    let file = try NetCDFWriter(path)
    let header = ClimateHeader(states, title: "States of a climate, sorted at every point")
    try header.define(file, list)
    try file.attribute("content", .text(Self.content))
    try file.attribute("window_days", .integers([Int32(states.records.windowDays)]))
    try file.attribute("every_days", .integers([Int32(states.records.everyDays)]))
    let all = states.variables.indices.map { states.origins($0) }
    for (variable, own) in zip(states.variables, all) {
      let (name, sample) = (variable.name, "\(variable.name)_state")
      try file.dimension(sample, list.reduce(0) { $0 + (own[$1]?.count ?? 0) })
      try file.variable(
        name, .float, [sample, "lat", "lon"],
        [
          "long_name": .text("\(name), ascending at every point within a part"),
          "units": .text(variable.units),
        ])
      try file.variable(
        "\(name)_count", .int32, ["record"],
        ["long_name": .text("states"), "units": .text("1"), "sample_dimension": .text(sample)])
      for (suffix, words) in Self.times(own) {
        try file.variable(
          "\(name)_\(suffix)", .double, [sample],
          [
            "long_name": .text("\(words) of the part's states"),
            "units": .text("seconds since 1970-01-01"),
          ])
      }
      try file.variable(
        "\(name)_realization", .int32, [sample],
        ["long_name": .text("members of the part's states"), "units": .text("1")])
    }
    try header.put(file, list)
    var result: [ClimateSummary] = []
    for (number, (variable, own)) in zip(states.variables, all).enumerated() {
      let origins = list.flatMap { own[$0] ?? [] }
      try file.put("\(variable.name)_count", list.map { Int32(own[$0]?.count ?? 0) })
      for (suffix, _) in Self.times(own) {
        try file.put(
          "\(variable.name)_\(suffix)",
          origins.map { Double(suffix == "valid_time" ? $0.valid : $0.initial ?? $0.valid) })
      }
      try file.put("\(variable.name)_realization", origins.map { Int32($0.member) })
      var first = 0
      for record in list {
        try StopFlag.check(StopFlag.nothingWritten)
        guard let count = own[record]?.count, count > 0 else { continue }
        try states.forEachRows(number, record, states: count, memory: memoryMegabytes * 1_000_000) {
          rows, values in
          let sorted = try values.sorted(threads: threads)
          try file.put(
            variable.name, sorted.singles, start: [first, rows.lowerBound, 0],
            count: [count, rows.count, states.grid.longitudes.count])
        }
        first += count
      }
      result.append(ClimateSummary(variable.name, list.map { own[$0]?.count ?? 0 }))
    }
    try file.finish()
    return result
  }

  /// Times that are kept of a variable's states: analyses have no initial times.
  private static func times(_ own: [ClimateRecords.Record: [StateOrigin]]) -> [(String, String)] {
    let isForecast = own.values.joined().contains { $0.initial != nil }
    return (isForecast ? [("initial_time", "initial times")] : []) + [("valid_time", "valid times")]
  }
}
