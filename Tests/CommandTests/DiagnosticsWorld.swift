import Basics
import FieldIO
import Fields
import Foundation
import Testing

/// Forecasts of several dates and their truth, for `apus verify DEFINITION.yml`.
struct DiagnosticsWorld {
  let scratch: Scratch
  static let (dates, members, rows, columns) = (6, 8, 13, 24)
  static let leads = stride(from: 6, through: 48, by: 6).map { $0 }
  static let variables = ["t2m", "u10", "v10"]
  static let start = Instant(year: 2001, month: 1, day: 1)

  /// - Parameter seeds: of the ensembles that are written as `forecast_SEED_*.nc`; the same truth for all.
  init(seeds: [UInt64] = [1]) throws {
    scratch = try Scratch()
    let times = (0...(Self.dates * 24 + 48) / 6).map { Self.start.adding(hours: 6 * $0) }
    try write("truth.nc", times: times, initial: nil, members: nil) { variable, time, _ in
      Self.field(variable, time, seed: 100, noise: 1)
    }
    for seed in seeds {
      for date in 0..<Self.dates {
        let initial = Self.start.adding(hours: 24 * date)
        try write(
          "forecast_\(seed)_\(date).nc", times: Self.leads.map { initial.adding(hours: $0) },
          initial: initial,
          members: Self.members
        ) { variable, time, member in
          // Members and truth come from one distribution.
          Self.field(variable, time, seed: seed * 1000 + UInt64(date * 100 + member), noise: 1)
        }
      }
    }
  }

  static func field(_ variable: String, _ time: Instant, seed: UInt64, noise: Double) -> [Float] {
    let number = variables.firstIndex(of: variable) ?? 0
    let draws = Philox(seed: seed, purpose: .test, UInt64(bitPattern: Int64(time.seconds)), UInt64(number))
      .normals(rows * columns)
    let base = variable == "t2m" ? 280.0 : 3.0
    return (0..<rows * columns).map { point in
      let latitude = Double.pi * (0.5 - Double(point / columns) / Double(rows - 1))
      let longitude = 2 * Double.pi * Double(point % columns) / Double(columns)
      return Float(base + 5 * cos(latitude) + 2 * cos(latitude) * sin(longitude) + noise * draws[point])
    }
  }

  /// Writes a file of fields: of one forecast, or of analyses where there is no initial time.
  func write(
    _ name: String, times: [Instant], initial: Instant?, members: Int?, firstNumber: Int? = nil,
    variables: [String] = variables,
    _ field: (_ variable: String, _ time: Instant, _ member: Int) -> [Float]
  ) throws {
    let file = try NetCDFWriter(scratch.file(name).path)
    try file.dimension("time", times.count)
    if let members { try file.dimension("realization", members) }
    try file.dimension("lat", Self.rows)
    try file.dimension("lon", Self.columns)
    func clock(_ name: String, _ standard: String, _ dimensions: [String], _ values: [Instant]) throws {
      try file.variable(
        name, .double, dimensions,
        ["standard_name": .text(standard), "units": .text("hours since 2001-01-01 00:00:00")])
      try file.put(name, values.map { Double($0.seconds - Self.start.seconds) / 3600 })
    }
    try clock("time", "time", ["time"], times)
    if let initial { try clock("forecast_reference_time", "forecast_reference_time", [], [initial]) }
    if let members, let firstNumber {
      try file.variable("realization", .int32, ["realization"], ["standard_name": .text("realization")])
      try file.put("realization", (0..<members).map { Int32(firstNumber + $0) })
    }
    try file.variable("lat", .double, ["lat"], ["units": .text("degrees_north")])
    try file.variable("lon", .double, ["lon"], ["units": .text("degrees_east")])
    try file.put("lat", (0..<Self.rows).map { 90 - 180 * Double($0) / Double(Self.rows - 1) })
    try file.put("lon", (0..<Self.columns).map { 360 * Double($0) / Double(Self.columns) })
    for variable in variables {
      let dimensions = ["time"] + (members == nil ? [] : ["realization"]) + ["lat", "lon"]
      try file.variable(
        variable, .float, dimensions, ["units": .text(variable == "t2m" ? "K" : "m s-1")])
      try file.put(
        variable, times.flatMap { time in (0..<(members ?? 1)).flatMap { field(variable, time, $0) } })
    }
    try file.finish()
  }

  /// Writes a definition and gives its path.
  func definition(_ text: String, name: String = "definition.yml") throws -> String {
    try text.write(to: scratch.file(name), atomically: true, encoding: .utf8)
    return scratch.file(name).path
  }

  func verify(
    _ definition: String, output: String, _ more: [String] = [], environment: [String: String] = [:]
  ) throws
    -> Binary.Outcome
  {
    try Binary.run(
      [
        "verify", definition, "--forecast", scratch.file("forecast_1_*.nc").path, "--truth",
        scratch.file("truth.nc").path, "--output", scratch.file(output).path,
      ] + more, in: scratch.directory, environment: environment)
  }

  /// Numbers of a variable in a file of results.
  func numbers(_ file: String, _ variable: String) throws -> [Double] {
    let reader = try NetCDFReader(scratch.file(file).path)
    return try reader.values(try reader.variable(variable))
  }
}
