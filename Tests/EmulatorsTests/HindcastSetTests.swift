import Basics
import Emulators
import FieldIO
import Fields
import Foundation
import Sphere
import Testing

/// Hindcasts read from files.
@Suite struct HindcastSetTests {
  static let initial = Instant(year: 2001, month: 1, day: 1)
  let directory = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
  let grid: SphereGrid

  init() throws {
    grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  /// Winds [m s-1] of rotations about the earth's axis, `speed` at the equator: u = speed cos(latitude), v = 0.
  func write(_ name: String, member: Int?, speeds: [Double], units: String = "m s-1") throws -> String {
    let path = directory.appending(path: name).path
    let file = try NetCDFWriter(path)
    try file.dimension("time", speeds.count)
    for (name, standard) in [("time", "time"), ("forecast_reference_time", "forecast_reference_time")] {
      if name != "time" && member == nil { continue }
      try file.variable(
        name, .double, name == "time" ? ["time"] : [],
        ["standard_name": .text(standard), "units": .text("hours since 2001-01-01 00:00:00")])
    }
    try file.put("time", speeds.indices.map { Double(24 * ($0 + 1)) })
    if let member {
      try file.put("forecast_reference_time", [0.0])
      try file.variable(
        "realization", .int32, [], ["standard_name": .text("realization"), "units": .text("1")])
      try file.put("realization", [Int32(member)])
      try file.variable(
        "forecast_period", .double, ["time"],
        ["standard_name": .text("forecast_period"), "units": .text("hours")])
      try file.put("forecast_period", speeds.indices.map { Double(24 * ($0 + 1)) })
    }
    try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
    for wind in ["u850", "v850"] {
      try file.variable(
        wind, .float, ["time", "lat", "lon"],
        [
          "units": .text(units), "coordinates": .text("forecast_period forecast_reference_time realization"),
        ])
      try file.put(
        wind,
        speeds.flatMap { speed in
          grid.latitudes.flatMap { latitude in
            [Float](
              repeating: wind == "u850" ? Float(speed * cos(latitude * .pi / 180)) : 0,
              count: grid.longitudeCount)
          }
        })
    }
    try file.finish()
    return path
  }

  @Test func variablesOfOtherLeadTimesAreRefused() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let truth = try write("truth.nc", member: nil, speeds: [30, 40])
    var domain = try domain()
    domain = EmulatorDomain(
      channels: ["u850", "v850"], units: ["m s-1", "m s-1"], grid: grid, degrees: 8, leadHours: [24, 48],
      climate: try SeasonalClimate.fit(
        channels: 2, points: grid.pointCount, times: (0..<40).map { Instant(seconds: $0 * 86_400 * 9) }
      ) { some in
        some.flatMap { time in
          [Float](repeating: (time.seconds / (86_400 * 9)) % 2 == 0 ? 1 : -1, count: 2 * grid.pointCount)
        }
      })
    for leads in [[24.0], [48, 24]] {
      let path = directory.appending(path: "uneven.nc").path
      let file = try NetCDFWriter(path)
      try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
      try file.variable(
        "forecast_reference_time", .double, [],
        [
          "standard_name": .text("forecast_reference_time"),
          "units": .text("hours since 2001-01-01 00:00:00"),
        ])
      try file.put("forecast_reference_time", [0.0])
      try file.variable(
        "realization", .int32, [], ["standard_name": .text("realization"), "units": .text("1")])
      try file.put("realization", [Int32(1)])
      // Each variable has lead times of its own.
      for (wind, own) in [("u850", [24.0, 48]), ("v850", leads)] {
        let axis = "lead_\(wind)"
        try file.dimension(axis, own.count)
        try file.variable(
          axis, .double, [axis], ["standard_name": .text("forecast_period"), "units": .text("hours")])
        try file.put(axis, own)
        try file.variable(
          wind, .float, [axis, "lat", "lon"],
          ["units": .text("m s-1"), "coordinates": .text("forecast_reference_time realization")])
        try file.put(wind, [Float](repeating: 3, count: own.count * grid.pointCount))
      }
      try file.finish()
      let truth = try Archive([truth], channels: domain.channels, grid: grid, degrees: 8)
      let error = #expect(throws: ApusError.self) { try HindcastSet([path], truth: truth, domain: domain) }
      #expect(error?.kind == .badData && error?.variable == "v850", "\(error.map { "\($0)" } ?? "")")
    }
  }

  /// The domain of vorticity with a climate of about mean 0 and deviation 1e-5.
  func domain() throws -> EmulatorDomain {
    let times = (0..<40).map { Instant(seconds: $0 * 86_400 * 9) }
    let climate = try SeasonalClimate.fit(channels: 1, points: grid.pointCount, times: times) { some in
      some.flatMap { time in
        [Float](repeating: (time.seconds / (86_400 * 9)) % 2 == 0 ? 1e-5 : -1e-5, count: grid.pointCount)
      }
    }
    return EmulatorDomain(
      channels: ["vo850"], units: ["s-1"], grid: grid, degrees: 8, leadHours: [24, 48], climate: climate)
  }

  @Test func vorticityOfMembersIsMadeOfTheirWinds() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let files = try [10.0, 20].enumerated().map { number, speed in
      try write("member\(number).nc", member: number + 1, speeds: [speed, 2 * speed])
    }
    let truth = try write("truth.nc", member: nil, speeds: [30, 40])
    let domain = try domain()
    let set = try HindcastSet(
      files, truth: Archive([truth], channels: ["vo850"], grid: grid, degrees: 8), domain: domain)
    #expect(set.members == [1, 2] && set.cases.map(\.lead) == [0, 1])
    /// 2 U sin(latitude) / a
    func check(_ values: UnsafePointer<Float>, _ lead: Int, _ speed: Double) {
      let field = AlignedBuffer<Float>(grid.pointCount)
      field.pointer.update(from: values, count: grid.pointCount)
      Standardisation(domain.climate, at: set.cases[lead].valid).restore(field.pointer)
      let scale = 2 * speed / 6_371_220
      for (row, latitude) in grid.latitudes.enumerated() {
        let value = Double(field.pointer[row * grid.longitudeCount + 5])
        #expect(abs(value - scale * sin(latitude * .pi / 180)) < 1e-3 * scale)
      }
    }
    check(set.member(0, 0), 0, 10)
    check(set.member(0, 1), 0, 20)
    check(set.member(1, 1), 1, 40)
    check(set.truth(0), 0, 30)
  }

  @Test func windsInOtherUnitsAreRefused() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = try write("member.nc", member: 1, speeds: [10, 20], units: "knot")
    let truth = try write("truth.nc", member: nil, speeds: [10, 20])
    let archive = try Archive([truth], channels: ["vo850"], grid: grid, degrees: 8)
    let error = #expect(throws: ApusError.self) {
      try HindcastSet([file], truth: archive, domain: try domain())
    }
    #expect(error?.kind == .badData && error?.problem.contains("winds for 'vo850'") == true)
  }
}
