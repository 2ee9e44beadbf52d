import Basics
import FieldIO
import Foundation
import Testing

@Suite struct SpectrumTests {
  /// cos(colatitude) x amplitude + sin cos(lambda) x another: degree 1, orders 0 and 1.
  static func write(_ file: URL, rows: Int = 13, zonal: Double, wave: Double, poles: Bool = true) throws {
    let north: Double = poles ? 90 : 85
    let latitudes = (0..<rows).map { north - 2 * north * Double($0) / Double(rows - 1) }
    let longitudes = (0..<24).map { 15 * Double($0) }
    let writer = try NetCDFWriter(file.path)
    try writer.dimension("time", 2)
    try writer.dimension("number", 2)
    try writer.dimension("latitude", rows)
    try writer.dimension("longitude", 24)
    try writer.variable("time", .double, ["time"], ["units": .text("hours since 2001-01-01 00:00:00")])
    try writer.put("time", [0.0, 6])
    try writer.variable("latitude", .double, ["latitude"], ["units": .text("degrees_north")])
    try writer.put("latitude", latitudes)
    try writer.variable("longitude", .double, ["longitude"], ["units": .text("degrees_east")])
    try writer.put("longitude", longitudes)
    try writer.variable("u", .double, ["time", "number", "latitude", "longitude"], ["units": .text("m s-1")])
    // Twice the amplitude at the second time, turned round for the second member.
    var values: [Double] = []
    for time in 1...2 {
      for member in 0..<2 {
        for latitude in latitudes {
          for longitude in longitudes {
            let phi = latitude * .pi / 180
            let angle = longitude * .pi / 180 + Double(member) * .pi
            values.append(Double(time) * (zonal * sin(phi) + wave * cos(phi) * cos(angle)))
          }
        }
      }
    }
    try writer.put("u", values)
    try writer.finish()
  }

  @Test func powerOfTheFirstDegree() throws {
    let scratch = try Scratch()
    try SpectrumTests.write(scratch.file("f.nc"), zonal: 3, wave: 2)
    // Mean squares are 1/3 of the amplitudes' squares; power is 4 pi / 3 times that.
    let scale = 4 * Double.pi / 9
    for (convention, first, mean) in [("standard", 9.0 + 4, 9.0), ("hens", 2 * 9.0 + 4, 2 * 9.0)] {
      let outcome = try Binary.run(
        ["spectrum", "f.nc", "--variable", "u", "--output", "p.nc", "--convention", convention, "--json"],
        in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let reader = try NetCDFReader(scratch.file("p.nc").path)
      let variable = try reader.variable("power")
      #expect(variable.dimensions.map(\.name) == ["time", "realization", "degree"])
      #expect(variable.dimensions.map(\.length) == [2, 2, 7])
      #expect(variable.text("units") == "m2 s-2")
      let power = try reader.values(variable)
      for (place, value) in power.enumerated() {
        let amplitude = place < 14 ? 1.0 : 4
        let expected = place % 7 == 1 ? amplitude * first * scale : 0
        #expect(abs(value - expected) < 1e-10)
      }
      // The members' waves cancel in the mean.
      let ofMean = try reader.values(try reader.variable("power_of_mean"))
      #expect(abs(ofMean[1] - mean * scale) < 1e-10)
      let json = try outcome.json()
      let shown = try #require(json["power"] as? [Double])
      #expect(abs(shown[1] - 2.5 * first * scale) < 1e-10)
    }
  }

  @Test func badInput() throws {
    let scratch = try Scratch()
    try SpectrumTests.write(scratch.file("f.nc"), zonal: 3, wave: 2)
    try SpectrumTests.write(scratch.file("cut.nc"), zonal: .nan, wave: 2)
    try SpectrumTests.write(scratch.file("regional.nc"), zonal: 1, wave: 2, poles: false)
    let before = scratch.files
    for (arguments, code, words) in [
      (["regional.nc", "--variable", "u"], Int32(65), "unknown grid"),
      (["f.nc", "--variable", "v"], 66, "no such variable"),
      (["nowhere.nc", "--variable", "v"], 66, "no such file"),
      (["cut.nc", "--variable", "u"], 65, "every field has missing values"),
      (["f.nc", "--variable", "u", "--degrees", "40"], 64, "expected 1...13"),
      (["f.nc", "--variable", "u", "--convention", "mine"], 64, "convention"),
    ] {
      let outcome = try Binary.run(["spectrum"] + arguments + ["--output", "p.nc"], in: scratch.directory)
      #expect(outcome.code == code, "\(outcome.errors)")
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
      #expect(scratch.files == before)
    }
  }
}
