import Basics
import FieldIO
import Fields
import Foundation
import Sphere
import Testing

/// A directory that goes with its owner, and files of ERA5's layouts in it.
final class ArchiveFiles {
  let directory: URL
  let grid: SphereGrid

  init(_ kind: SphereGrid.Kind = .equiangular, rows: Int = 19, columns: Int = 36) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-archive-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  /// 1000 + 10 sin(latitude) + 5 cos(latitude) cos(longitude) + time: degree 1, so truncation keeps it.
  func field(_ time: Int) -> [Float] {
    grid.colatitudes.flatMap { colatitude in
      grid.longitudes.map { longitude in
        Float(1000 + 10 * cos(colatitude) + 5 * sin(colatitude) * cos(longitude * .pi / 180)) + Float(time)
      }
    }
  }

  /// How a test file departs from the plain layout.
  struct Layout {
    var isSouthToNorth = false
    var fromMinus180 = false
    var packs = false
    var levels: [Double] = []
    var hours: [Int] = [0, 6, 12]
    var units = "hPa"
    var variable = "msl"
    var withNaN = false
    var timeName = "time"
    var timeUnits = "hours since 2026-02-01 00:00:00"
  }

  /// Writes `field(0)`, `field(1)`... in some layout.
  func write(_ name: String, _ layout: Layout) throws -> String {
    let file = try NetCDFWriter(path(name))
    let (rows, columns) = (grid.latitudeCount, grid.longitudeCount)
    let rowOrder = layout.isSouthToNorth ? Array((0..<rows).reversed()) : Array(0..<rows)
    let columnOrder = (0..<columns).map { layout.fromMinus180 ? ($0 + columns / 2) % columns : $0 }
    try file.dimension(layout.timeName, layout.hours.count)
    if !layout.levels.isEmpty { try file.dimension("pressure_level", layout.levels.count) }
    try file.dimension("latitude", rows)
    try file.dimension("longitude", columns)
    try file.variable(
      layout.timeName, .double, [layout.timeName],
      ["units": .text(layout.timeUnits), "standard_name": .text("time")])
    try file.variable("latitude", .double, ["latitude"], ["units": .text("degrees_north")])
    try file.variable("longitude", .double, ["longitude"], ["units": .text("degrees_east")])
    if !layout.levels.isEmpty {
      try file.variable("pressure_level", .double, ["pressure_level"], ["units": .text("hPa")])
    }
    let dimensions =
      [layout.timeName] + (layout.levels.isEmpty ? [] : ["pressure_level"]) + ["latitude", "longitude"]
    try file.variable(
      layout.variable, layout.packs ? .int32 : .float, dimensions, ["units": .text(layout.units)])
    if layout.packs {
      try file.attribute("scale_factor", .doubles([0.001]), variable: layout.variable)
      try file.attribute("add_offset", .doubles([1000]), variable: layout.variable)
    }
    let perHour = layout.timeUnits.hasPrefix("seconds") ? 3600.0 : 1
    try file.put(layout.timeName, layout.hours.map { Double($0) * perHour })
    try file.put("latitude", rowOrder.map { grid.latitudes[$0] })
    try file.put(
      "longitude",
      columnOrder.map {
        layout.fromMinus180 && $0 >= columns / 2 ? grid.longitudes[$0] - 360 : grid.longitudes[$0]
      })
    if !layout.levels.isEmpty { try file.put("pressure_level", layout.levels) }
    var values: [Float] = []
    for time in layout.hours.indices {
      let field = field(time)
      for level in 0..<max(layout.levels.count, 1) {
        values += rowOrder.flatMap { row in columnOrder.map { field[row * columns + $0] + 100 * Float(level) }
        }
      }
    }
    if layout.withNaN { values[7] = .nan }
    if layout.packs {
      try file.put(layout.variable, values.map { Int32((($0 - 1000) / 0.001).rounded()) })
    } else {
      try file.put(layout.variable, values)
    }
    try file.finish()
    return path(name)
  }
}

@Suite struct ArchiveTests {
  @Test func everyLayoutGivesTheSameStates() throws {
    let files = try ArchiveFiles()
    var layouts: [ArchiveFiles.Layout] = [.init()]
    layouts.append(.init(isSouthToNorth: true))
    layouts.append(.init(fromMinus180: true))
    layouts.append(.init(isSouthToNorth: true, fromMinus180: true, packs: true))
    layouts.append(.init(timeName: "valid_time", timeUnits: "seconds since 2026-02-01"))
    layouts.append(.init(variable: "psl"))
    for (number, layout) in layouts.enumerated() {
      let path = try files.write("\(number).nc", layout)
      let archive = try Archive([path], channels: ["msl"], grid: files.grid, degrees: 10)
      #expect(archive.times == [0, 6, 12].map { Instant(year: 2026, month: 2, day: 1, hour: $0) })
      let state = try archive.state(at: archive.times[2])
      for (found, expected) in zip(state.values, files.field(2)) {
        // hPa become Pa; packing rounds to 0.001 hPa.
        #expect(abs(found - 100 * expected) < 0.1, "layout \(number)")
      }
    }
  }

  @Test func levelsAreFoundAndGeopotentialBecomesHeight() throws {
    let files = try ArchiveFiles()
    let path = try files.write(
      "z.nc", .init(levels: [850, 500], units: "m**2 s**-2", variable: "z"))
    let archive = try Archive([path], channels: ["z500"], grid: files.grid, degrees: 10)
    #expect(archive.units == ["m"])
    let state = try archive.state(at: archive.times[0])
    for (found, expected) in zip(state.values, files.field(0)) {
      #expect(abs(Double(found) - Double(expected + 100) / 9.80665) < 1e-3)
    }
  }

  /// A vertical coordinate is one of pressure unless it says otherwise.
  @Test(
    arguments: [
      ("hPa", "", 500.0, true), ("Pa", "air_pressure", 50_000, true), ("kPa", "", 50, true),
      ("", "", 500, true),
      ("", "air_pressure", 500, true), ("millibars", "atmosphere_ln_pressure", 500, true),
      ("m", "", 500, false),
      ("m", "height", 500, false), ("K", "air_potential_temperature", 500, false),
      ("1", "atmosphere_hybrid_sigma_pressure_coordinate", 500, false),
      ("", "model_level_number", 500, false),
    ])
  func levelsArePressure(units: String, standardName: String, level: Double, isPressure: Bool) throws {
    let files = try ArchiveFiles()
    let path = files.path("lev.nc")
    let file = try NetCDFWriter(path)
    try file.dimension("time", 1)
    try file.dimension("lev", 2)
    try file.grid(latitudes: files.grid.latitudes, longitudes: files.grid.longitudes)
    try file.variable("time", .double, ["time"], ["units": .text("hours since 2026-02-01")])
    try file.variable(
      "lev", .double, ["lev"], ["units": .text(units), "standard_name": .text(standardName)])
    try file.variable("t", .float, ["time", "lev", "lat", "lon"], ["units": .text("K")])
    try file.put("time", [0.0])
    try file.put("lev", [level, 2 * level])
    try file.put("t", files.field(0) + files.field(1))
    try file.finish()
    func open() throws -> Archive { try Archive([path], channels: ["t500"], grid: files.grid, degrees: 10) }
    guard isPressure else {
      #expect(throws: ApusError.self) { try open() }
      return
    }
    let archive = try open()
    let state = try archive.state(at: archive.times[0])
    #expect(zip(state.values, files.field(0)).allSatisfy { abs($0 - $1) < 1e-2 })
  }

  /// A field that is the same everywhere is none, whatever rounding makes of it.
  @Test(arguments: [Float(0), 5, 273.15, 1e5, -0.1]) func constantStaticFieldsAreRefused(value: Float) throws
  {
    let files = try ArchiveFiles()
    let path = files.path("static.nc")
    let file = try NetCDFWriter(path)
    try file.grid(latitudes: files.grid.latitudes, longitudes: files.grid.longitudes)
    try file.variable("orography", .float, ["lat", "lon"], ["units": .text("m")])
    try file.put("orography", [Float](repeating: value, count: files.grid.pointCount))
    try file.finish()
    for grid in [files.grid, try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)] {
      let error = #expect(throws: ApusError.self) {
        try StaticFields.read(path, variables: ["orography"], grid: grid)
      }
      #expect(error?.kind == .badData && error?.problem.contains("the same everywhere") == true)
    }
  }

  @Test func truncationRegridsBandLimitedFieldsExactly() throws {
    let files = try ArchiveFiles()
    let target = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let archive = try Archive(
      [try files.write("a.nc", .init())], channels: ["msl"], grid: target, degrees: 8)
    let state = try archive.state(at: archive.times[1])
    for row in 0..<12 {
      for column in 0..<24 {
        let (colatitude, longitude) = (target.colatitudes[row], target.longitudes[column] * .pi / 180)
        let expected = 100 * (1001 + 10 * cos(colatitude) + 5 * sin(colatitude) * cos(longitude))
        #expect(abs(Double(state.values[row * 24 + column]) - expected) < 0.05)
      }
    }
  }

  @Test func aBulkLoadHasTheBitsOfSingleStates() throws {
    let files = try ArchiveFiles(.gaussian, rows: 16, columns: 32)
    let archive = try Archive(
      [try files.write("a.nc", .init())], channels: ["msl"], grid: files.grid, degrees: 16)
    let all = try archive.load(archive.times, threads: 2)
    let single = try archive.times.flatMap { try archive.state(at: $0).values }
    #expect(all == single)
  }

  /// Solid-body rotation u = U cos(latitude) has vorticity 2 U sin(latitude) / a.
  @Test func vorticityComesFromTheWind() throws {
    let files = try ArchiveFiles(.gaussian, rows: 16, columns: 32)
    let file = try NetCDFWriter(files.path("wind.nc"))
    try file.dimension("time", 1)
    try file.dimension("lat", 16)
    try file.dimension("lon", 32)
    try file.variable("time", .double, ["time"], ["units": .text("hours since 2026-02-01")])
    for (name, unit) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
      try file.variable(name, .double, [name], ["units": .text(unit)])
    }
    for name in ["u850", "v850"] {
      try file.variable(name, .float, ["time", "lat", "lon"], ["units": .text("m s-1")])
    }
    try file.put("time", [0.0])
    try file.put("lat", files.grid.latitudes)
    try file.put("lon", files.grid.longitudes)
    let eastward = files.grid.colatitudes.flatMap { colatitude in
      (0..<32).map { _ in Float(30 * sin(colatitude)) }
    }
    try file.put("u850", eastward)
    try file.put("v850", [Float](repeating: 0, count: 512))
    try file.finish()
    let archive = try Archive([files.path("wind.nc")], channels: ["vo850"], grid: files.grid, degrees: 12)
    let values = try archive.state(at: archive.times[0]).values
    for row in 0..<16 {
      let expected = 2 * 30 * cos(files.grid.colatitudes[row]) / VectorTransform.earthRadius
      #expect(abs(Double(values[row * 32]) - expected) < 1e-10)
    }
  }

  @Test func gapsAreNamed() throws {
    let files = try ArchiveFiles()
    let path = try files.write("gap.nc", .init(hours: [0, 6, 18, 24]))
    let archive = try Archive([path], channels: ["msl"], grid: files.grid, degrees: 8)
    let gap = #expect(throws: ApusError.self) { try archive.regularTimes(stepHours: 6) }
    #expect(gap?.kind == .badData)
    #expect(gap?.description.contains("2026-02-01T06:00:00Z and 2026-02-01T18:00:00Z") == true)
    let missing = #expect(throws: ApusError.self) {
      try archive.state(at: Instant(year: 2026, month: 2, day: 1, hour: 12))
    }
    #expect(missing?.kind == .inputMissing)
  }

  @Test func missingValuesWrongUnitsAndVariablesAreNamed() throws {
    let files = try ArchiveFiles()
    let holes = try Archive(
      [try files.write("nan.nc", .init(withNaN: true))], channels: ["msl"], grid: files.grid, degrees: 8)
    let nan = #expect(throws: ApusError.self) { try holes.state(at: holes.times[0]) }
    #expect(nan?.kind == .badData)
    #expect(nan?.description.contains("NaN") == true)
    let kelvin = try files.write("units.nc", .init(units: "K"))
    let units = #expect(throws: ApusError.self) {
      try Archive([kelvin], channels: ["msl"], grid: files.grid, degrees: 8)
    }
    #expect(units?.description.contains("found 'K', expected 'Pa'") == true)
    let variable = #expect(throws: ApusError.self) {
      try Archive([kelvin], channels: ["t850"], grid: files.grid, degrees: 8)
    }
    #expect(variable?.kind == .inputMissing)
  }

  /// Of members, lead times or whatever else none could be preferred; one alone is no choice.
  @Test(arguments: ["ens", "record", "number", "step"]) func analysesAreOneStateATime(dimension: String)
    throws
  {
    let files = try ArchiveFiles()
    for count in [1, 2] {
      let path = files.path("\(dimension)\(count).nc")
      let file = try NetCDFWriter(path)
      let grid = files.grid
      try file.dimension("time", 2)
      try file.dimension(dimension, count)
      try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
      try file.variable("time", .double, ["time"], ["units": .text("hours since 2026-02-01")])
      try file.variable("msl", .float, ["time", dimension, "lat", "lon"], ["units": .text("Pa")])
      try file.put("time", [0.0, 6])
      let fields = (0..<2).flatMap { time in (0..<count).flatMap { _ in files.field(time) } }
      try file.put("msl", fields)
      try file.finish()
      func open() throws -> Archive { try Archive([path], channels: ["msl"], grid: grid, degrees: 10) }
      if count == 1 {
        let state = try open().state(at: Instant(year: 2026, month: 2, day: 1, hour: 6))
        #expect(zip(state.values, files.field(1)).allSatisfy { abs($0 - $1) < 1e-2 })
      } else {
        let error = #expect(throws: ApusError.self) { try open() }
        #expect(error?.kind == .badData && error?.found == "\(dimension) = 2", "\(String(describing: error))")
      }
    }
  }

  @Test func truncatedFilesAreRefused() throws {
    let files = try ArchiveFiles()
    let path = try files.write("whole.nc", .init())
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let short = files.path("short.nc")
    try whole.prefix(whole.count * 2 / 3).write(to: URL(fileURLWithPath: short))
    let error = #expect(throws: ApusError.self) { try NetCDFReader(short) }
    #expect(error?.kind == .badData)
  }
}

@Suite struct ForecastFileTests {
  func sample(_ files: ArchiveFiles, bits: Int? = nil) -> ForecastFile {
    ForecastFile(
      initialTime: Instant(year: 2026, month: 2, day: 1), leadHours: [0, 6], channels: ["msl", "z500"],
      units: ["Pa", "m"], grid: files.grid, values: (0..<4).flatMap { files.field($0) }, realization: 3,
      quantiseBits: bits, attributes: [("title", .text("test"))])
  }

  @Test func membersComeBackWithTheirCoordinates() throws {
    let files = try ArchiveFiles()
    try sample(files).write(files.path("member.nc"))
    let reader = try NetCDFReader(files.path("member.nc"))
    let variable = try GriddedVariable(reader, "z500")
    #expect(variable.members == [3])
    #expect(variable.leadHours == [0, 6])
    #expect(variable.levels == [500])
    #expect(variable.referenceTime == Instant(year: 2026, month: 2, day: 1))
    #expect(try variable.fields(.time, 0..<2) == files.field(1) + files.field(3))
  }

  @Test func theSameForecastHasTheSameBytes() throws {
    let files = try ArchiveFiles()
    for name in ["one.nc", "two.nc"] { try sample(files).write(files.path(name)) }
    let bytes = try ["one.nc", "two.nc"].map { try Data(contentsOf: URL(fileURLWithPath: files.path($0))) }
    #expect(bytes[0] == bytes[1])
  }

  @Test func roundingKeepsItsBound() {
    let values = Philox(seed: 1, purpose: .test).normals(1000).map { Float($0 * 1e5) }
    for bits in [1, 7, 12, 22] {
      var rounded = values
      BitRound.apply(&rounded, bits: bits)
      for (new, old) in zip(rounded, values) {
        #expect(abs(new - old) <= abs(old) * Float(sign: .plus, exponent: -(bits + 1), significand: 1))
        #expect(new.bitPattern & (1 << UInt32(23 - bits) - 1) == 0)
      }
    }
    var same = values
    BitRound.apply(&same, bits: 23)
    #expect(same == values)
  }

  @Test func anUnwritableDirectoryLeavesNothing() throws {
    let files = try ArchiveFiles()
    let error = #expect(throws: ApusError.self) { try sample(files).write(files.path("no/such/place.nc")) }
    #expect(error?.kind == .cannotCreateOutput)
  }
}
