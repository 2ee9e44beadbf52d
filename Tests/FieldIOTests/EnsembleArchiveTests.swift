import Basics
import CNetCDF
import FieldIO
import Fields
import Foundation
import Sphere
import Testing

@Suite struct EnsembleArchiveTests {
  /// Two rows, four columns, any further dimensions: value = index in the file.
  static func write(
    _ name: String, dimensions: [(String, [Double], String)], variable: String = "t2m",
    scalars: [(String, Double, String)] = []
  ) throws -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-\(UUID().uuidString)-\(name)").path
    let writer = try NetCDFWriter(path)
    let all =
      dimensions + [("lat", [45, -45], "degrees_north"), ("lon", [0, 90, 180, 270], "degrees_east")]
    for (name, values, units) in all {
      try writer.dimension(name, values.count)
      try writer.variable(name, .double, [name], ["units": .text(units)])
      try writer.put(name, values)
    }
    for (name, value, units) in scalars {
      try writer.variable(name, .double, [], ["units": .text(units), "standard_name": .text(name)])
      try writer.put(name, [value])
    }
    try writer.variable(variable, .float, all.map(\.0), ["units": .text("K")])
    try writer.put(variable, (0..<all.reduce(1) { $0 * $1.1.count }).map { Float($0) })
    try writer.finish()
    return path
  }

  static let clock = "hours since 2001-01-01 00:00:00"

  @Test func startsTimesLeadTimesAreForecastsOfTheirOwn() throws {
    let path = try EnsembleArchiveTests.write(
      "f.nc",
      dimensions: [
        ("init_time", [0, 24], EnsembleArchiveTests.clock), ("step", [6, 12, 24], "hours"),
        ("number", [0, 1], "1"),
      ])
    defer { unlink(path) }
    let archive = try EnsembleArchive([path], variable: "t2m")
    let start = Instant(year: 2001, month: 1, day: 1)
    #expect(archive.members == [0, 1])
    #expect(archive.cases.map(\.initial) == [0, 0, 0, 24, 24, 24].map { start.adding(hours: $0) })
    #expect(archive.cases.map(\.valid) == [6, 12, 24, 30, 36, 48].map { start.adding(hours: $0) })
    #expect(archive.cases.map(\.leadHours) == [6, 12, 24, 6, 12, 24])
    let values = try archive.values(archive.cases[4]).doubles
    #expect(values == (4 * 16..<5 * 16).map(Double.init))

    let truth = try EnsembleArchiveTests.write(
      "t.nc", dimensions: [("time", (0..<9).map { 6 * Double($0) }, EnsembleArchiveTests.clock)])
    defer { unlink(truth) }
    let truths = try TruthArchive([truth], for: archive)
    #expect(try truths.values(archive.cases[4]) == (6 * 8..<7 * 8).map(Double.init))
    let climate = try ClimateArchive([truth, path], for: archive)
    #expect(climate.count == 9 + 12)
    #expect(Array(climate.values.doubles.suffix(96)) == (0..<96).map(Double.init))
  }

  @Test func memberFilesOfSeveralStartsAreJoined() throws {
    var paths: [String] = []
    for start in [24.0, 0] {
      for number in [7.0, 3] {
        paths.append(
          try EnsembleArchiveTests.write(
            "m.nc", dimensions: [("time", [start + 6, start + 12], EnsembleArchiveTests.clock)],
            scalars: [
              ("realization", number, "1"), ("forecast_reference_time", start, EnsembleArchiveTests.clock),
            ]))
      }
    }
    defer { for path in paths { unlink(path) } }
    let archive = try EnsembleArchive(paths, variable: "t2m")
    #expect(archive.members == [3, 7])
    #expect(archive.cases.map(\.leadHours) == [6, 12, 6, 12])
    #expect(archive.cases.map { $0.initial?.secondOfDay } == [0, 0, 0, 0])
    #expect(archive.cases.first?.valid == Instant(year: 2001, month: 1, day: 1, hour: 6))
  }

  @Test func levelsAreChosenByName() throws {
    let path = try EnsembleArchiveTests.write(
      "l.nc", dimensions: [("pressure_level", [850, 500], "hPa")], variable: "t")
    defer { unlink(path) }
    let archive = try EnsembleArchive([path], variable: "t500")
    #expect(archive.cases.count == 1 && archive.members == [0])
    #expect(try archive.values(archive.cases[0]).doubles == (8..<16).map(Double.init))
    #expect(throws: ApusError.self) { try EnsembleArchive([path], variable: "t") }
    #expect(throws: ApusError.self) { try EnsembleArchive([path], variable: "t700") }
    #expect(throws: ApusError.self) { try EnsembleArchive([path], variable: "t2m") }
  }

  /// CDF-5 has unsigned numbers of one, two and four bytes; files are as long as those, not as doubles.
  @Test(arguments: [NC_UBYTE, NC_USHORT, NC_UINT]) func wholeClassicFilesOfUnsignedNumbers(type: Int32) throws
  {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID()).nc").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var (file, latitude, longitude): (Int32, Int32, Int32) = (0, 0, 0)
    // Other tests are in the library at the same time.
    NetCDFLibrary.locked {
      #expect(nc_create(path, NC_64BIT_DATA, &file) == NC_NOERR)
      nc_def_dim(file, "lat", 90, &latitude)
      nc_def_dim(file, "lon", 180, &longitude)
      var (variable, axes): ([Int32], [Int32]) = ([0, 0, 0], [latitude, longitude])
      nc_def_var(file, "lat", NC_DOUBLE, 1, &axes[0], &variable[0])
      nc_def_var(file, "lon", NC_DOUBLE, 1, &axes[1], &variable[1])
      nc_def_var(file, "t2m", type, 2, axes, &variable[2])
      nc_enddef(file)
      nc_put_var_double(file, variable[0], (0..<90).map { 89 - 2 * Double($0) })
      nc_put_var_double(file, variable[1], (0..<180).map { 2 * Double($0) })
      nc_put_var_double(file, variable[2], (0..<16200).map { Double($0 % 200) })
      #expect(nc_close(file) == NC_NOERR)
    }
    let reader = try NetCDFReader(path)
    #expect(try reader.values(reader.variable("t2m"))[399] == 199)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try whole.prefix(whole.count - 500).write(to: URL(fileURLWithPath: path))
    #expect(throws: ApusError.self) { try NetCDFReader(path) }
  }

  @Test func aMemberWithoutANumberIsNamed() throws {
    let files = try ArchiveFiles()
    let path = files.path("members.nc")
    let file = try NetCDFWriter(path)
    try file.dimension("number", 2)
    try file.grid(latitudes: files.grid.latitudes, longitudes: files.grid.longitudes)
    try file.variable("number", .double, ["number"])
    try file.variable("msl", .float, ["number", "lat", "lon"], ["units": .text("Pa")])
    try file.put("number", [0.0, .nan])
    try file.put("msl", files.field(0) + files.field(1))
    try file.finish()
    let error = #expect(throws: ApusError.self) { try EnsembleArchive([path], variable: "msl") }
    #expect(error?.kind == .badData && error?.variable == "number")
  }

  @Test func unknownDimensionsAreNotGuessed() throws {
    let path = try EnsembleArchiveTests.write("u.nc", dimensions: [("wave_band", [1, 2, 3], "1")])
    defer { unlink(path) }
    let archive = try EnsembleArchive([path], variable: "t2m")
    #expect { try archive.values(archive.cases[0]) } throws: { error in
      (error as? ApusError)?.found == "wave_band of length 3"
    }
  }

  /// What is read of a variable on one row of points, stored as `type`.
  private func values(
    _ type: Int32, _ numbers: [Double], _ attributes: (_ file: Int32, _ variable: Int32) -> Void
  ) throws -> [Double] {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-\(UUID().uuidString).nc").path
    defer { unlink(path) }
    var (file, lat, lon, x): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    var (rows, columns): (Int32, Int32) = (0, 0)
    // Other tests are in the library at the same time.
    NetCDFLibrary.locked {
      #expect(nc_create(path, NC_NETCDF4, &file) == NC_NOERR)
      nc_def_dim(file, "lat", 1, &lat)
      nc_def_dim(file, "lon", numbers.count, &lon)
      nc_def_var(file, "lat", NC_DOUBLE, 1, [lat], &rows)
      nc_def_var(file, "lon", NC_DOUBLE, 1, [lon], &columns)
      nc_def_var(file, "t2m", type, 2, [lat, lon], &x)
      attributes(file, x)
      nc_put_var_double(file, rows, [10])
      nc_put_var_double(file, columns, numbers.indices.map { 360 * Double($0) / Double(numbers.count) })
      // The library calls an infinity out of range, and writes it.
      #expect([NC_NOERR, NC_ERANGE].contains(nc_put_var_double(file, x, numbers)))
      #expect(nc_close(file) == NC_NOERR)
    }
    let archive = try EnsembleArchive([path], variable: "t2m")
    switch try archive.values(archive.cases[0]) {
    case .single(let values): return values.map(Double.init)
    case .double(let values): return values
    }
  }

  /// `_Unsigned`, `valid_range`, `valid_min` and infinities, as netCDF4-python has them.
  @Test func storedNumbersThatAreNotWhatTheySeem() throws {
    for (type, full) in [(NC_BYTE, 256.0), (NC_SHORT, 65_536)] {
      let found = try values(type, [-1, -2, 3, 7]) { file, x in
        nc_put_att_text(file, x, "_Unsigned", 4, "true")
        var fill: (Int8, Int16) = (-1, -1)
        if type == NC_BYTE {
          nc_put_att_schar(file, x, "_FillValue", NC_BYTE, 1, &fill.0)
        } else {
          nc_put_att_short(file, x, "_FillValue", NC_SHORT, 1, &fill.1)
        }
        nc_put_att_float(file, x, "scale_factor", NC_FLOAT, 1, [0.5])
      }
      #expect(found[0].isNaN && found[1] == (full - 2) / 2 && found[2] == 1.5 && found[3] == 3.5)
    }
    for type in [NC_FLOAT, NC_DOUBLE] {
      let found = try values(type, [-5, .infinity, 3, 900, -.infinity, .nan]) { file, x in
        nc_put_att_double(file, x, "valid_range", type, 2, [-4, 899])
      }
      #expect(found.map(\.isNaN) == [true, true, false, true, true, true] && found[2] == 3)
      let bounded = try values(type, [-5, .infinity, 3, 900]) { file, x in
        nc_put_att_double(file, x, "valid_min", type, 1, [0])
      }
      #expect(bounded.map(\.isNaN) == [true, true, false, false])
    }
    // Of packed numbers the range is packed; one in other units is none.
    let packed = try values(NC_SHORT, [5, 50, 500]) { file, x in
      nc_put_att_float(file, x, "scale_factor", NC_FLOAT, 1, [0.5])
      nc_put_att_short(file, x, "valid_range", NC_SHORT, 2, [0, 100])
    }
    #expect(packed[0] == 2.5 && packed[1] == 25 && packed[2].isNaN)
    let physical = try values(NC_SHORT, [5, 50, 500]) { file, x in
      nc_put_att_float(file, x, "valid_min", NC_FLOAT, 1, [0.5])
    }
    #expect(physical == [5, 50, 500])
  }

  @Test func packedShortsRoundAsXarrayDoes() throws {
    let found = try values(NC_SHORT, [1234, -777, -32768, 31]) { file, x in
      nc_put_att_float(file, x, "scale_factor", NC_FLOAT, 1, [0.01])
      nc_put_att_float(file, x, "add_offset", NC_FLOAT, 1, [280])
      nc_put_att_short(file, x, "_FillValue", NC_SHORT, 1, [-32768])
    }
    #expect(found[0] == Double(Float(1234) * Float(0.01) + 280))
    #expect(found[1] == Double(Float(-777) * Float(0.01) + 280))
    #expect(found[2].isNaN)
    #expect(found[3] == Double(Float(31) * Float(0.01) + 280))
  }
}
