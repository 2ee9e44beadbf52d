import Basics
import FieldIO
import Fields
import Foundation
import Testing

@Suite struct TimeCoordinateTests {
  let first = Instant(year: 2026, month: 2, day: 1)

  func instant(_ value: Double, _ units: String, _ calendar: String?) throws -> Instant? {
    try TimeCoordinate.instants([value], units: units, calendar: calendar, file: "a.nc", variable: "time")
      .first
  }

  /// Days from old origins to 1 February 2026 as cftime 1.6 counts them, in CF's mixed calendar and in the Gregorian one
  /// carried back.
  @Test(arguments: [
    ("0001-01-01", 739649.0, 739647.0), ("1200-02-28", 301657, 301664), ("1500-03-01", 192080, 192090),
    ("1582-10-04", 161913, 161923), ("1582-10-15", 161912, 161912), ("1800-01-01", 82576, 82576),
  ])
  func oldOriginsAreJulianDates(origin: String, mixed: Double, proleptic: Double) throws {
    for calendar in ["standard", "gregorian", nil] {
      #expect(try instant(mixed, "days since \(origin)", calendar) == first)
    }
    #expect(try instant(proleptic * 24, "hours since \(origin) 00:00:00", "proleptic_gregorian") == first)
  }

  @Test func leadTimesInWhateverUnit() throws {
    func hours(_ value: Double, _ units: String) throws -> Double? {
      try TimeCoordinate.hours([value], units: units, file: "a.nc", variable: "step").first
    }
    for (value, units) in [
      (6, "hours"), (0.25, "days"), (360, "minutes"), (21_600, "seconds"), (21.6e6, "milliseconds"),
      (21.6e12, "nanoseconds"),
    ] {
      let found = try #require(try hours(value, units))
      #expect(abs(found - 6) < 1e-12)
    }
    for (value, units) in [(6, "furlongs"), (.nan, "hours"), (-9.2e18, "milliseconds"), (1e300, "days")] {
      let error = #expect(throws: ApusError.self) { try hours(value, units) }
      #expect(error?.kind == .badData && error?.variable == "step")
    }
  }

  @Test func datesAsNumbers() throws {
    #expect(try instant(20260201.25, "day as %Y%m%d.%f", nil) == first.adding(hours: 6))
    for value in [Double.nan, -1, 1e300] {
      #expect(throws: ApusError.self) { try instant(value, "day as %Y%m%d.%f", nil) }
    }
  }

  @Test func aPathIsThatFileWhateverItsName() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-[1]-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appendingPathComponent("x[1].nc").path
    try Data().write(to: URL(fileURLWithPath: file))
    #expect(try FileList.expand([file]) == [file])
    #expect(throws: ApusError.self) { try FileList.expand([file + "x"]) }
  }
}
