import Basics
import FieldIO
import Fields
import Verification

/// Writes the quantiles of a climate by season, hour and lead time: what `apus verify` takes as `climate: {file: ...}`.
struct QuantileClimate {
  let states: any ClimateStates
  let memoryMegabytes: Int
  let threads: Int

  /// - Returns: for every variable the number of parts and the fewest and most states in one.
  func write(_ path: String) throws -> [ClimateSummary] {
    let list = states.parts
    let file = try NetCDFWriter(path)
    let header = ClimateHeader(states, title: "Quantiles of a climate")
    try header.define(file, list)
    try file.dimension("level", ClimateQuantiles.levels.count)
    try file.variable(
      "level", .double, ["level"], ["long_name": .text("probability of the quantile"), "units": .text("1")])
    for (name, units) in states.variables {
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
    try header.put(file, list)
    try file.put("level", ClimateQuantiles.levels)
    var result: [ClimateSummary] = []
    for (number, variable) in states.variables.enumerated() {
      let origins = states.origins(number)
      let counts = list.map { origins[$0]?.count ?? 0 }
      try file.put("\(variable.name)_count", counts.map { Int32($0) })
      for (place, record) in list.enumerated() where counts[place] > 0 {
        try StopFlag.check(StopFlag.nothingWritten)
        try states.forEachRows(
          number, record, states: counts[place], memory: memoryMegabytes * 1_000_000
        ) { rows, values in
          try put(values, variable.name, place, rows, file)
        }
      }
      result.append(ClimateSummary(variable.name, counts))
    }
    try file.finish()
    return result
  }

  private func put(
    _ values: EnsembleValues, _ name: String, _ place: Int, _ rows: Range<Int>, _ file: NetCDFWriter
  ) throws {
    let columns = states.grid.longitudes.count
    let climate = try ClimateQuantiles.levels(ClimateQuantiles.levels, of: values, threads: threads)
    try file.put(
      name, climate.quantiles.map { Float($0) }, start: [place, 0, rows.lowerBound, 0],
      count: [1, ClimateQuantiles.levels.count, rows.count, columns])
    for (suffix, numbers) in [("mean", climate.mean), ("standard_deviation", climate.standardDeviation)] {
      try file.put(
        "\(name)_\(suffix)", numbers, start: [place, rows.lowerBound, 0], count: [1, rows.count, columns])
    }
  }
}
