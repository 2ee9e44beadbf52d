import Basics
import Fields
import Foundation
import Testing

/// Climates made in pieces, as users make them.
@Suite struct ClimateStatesTests {
  func climate(_ world: DiagnosticsWorld, _ command: String, _ name: String, _ more: [String]) throws
    -> Binary.Outcome
  {
    try Binary.run(
      ["climate", command, "--output", world.scratch.file(name).path] + more, in: world.scratch.directory)
  }

  @Test(arguments: [
    ["--calendar", "month"], ["--calendar", "window", "--window-days", "2", "--every-days", "3"],
  ]) func partsMergeToTheSameBytes(calendar: [String]) throws {
    let world = try DiagnosticsWorld()
    let archive = ["--files", world.scratch.file("truth.nc").path, "--variables", "t2m", "u10"] + calendar
    let whole = try climate(world, "quantiles", "whole.nc", archive)
    #expect(whole.code == 0, "\(whole.errors)")
    for (name, period) in [
      ("a.nc", ["--to", "2001-01-02T12"]), ("b.nc", ["--from", "2001-01-02T18", "--to", "2001-01-05T00"]),
      ("c.nc", ["--from", "2001-01-05T06"]),
    ] {
      let part = try climate(world, "states", name, archive + period)
      #expect(part.code == 0, "\(part.errors)")
    }
    // Two of them first, then the third; rows in bands.
    let pair = try climate(world, "states", "ba.nc", ["--states", "b.nc", "a.nc"])
    #expect(pair.code == 0, "\(pair.errors)")
    let merged = try climate(
      world, "quantiles", "merged.nc",
      ["--states", "c.nc", "ba.nc", "--memory-megabytes", "1", "--threads", "1"])
    #expect(merged.code == 0, "\(merged.errors)")
    #expect(merged.output.replacing("merged", with: "whole") == whole.output)
    #expect(
      try Data(contentsOf: world.scratch.file("merged.nc"))
        == Data(contentsOf: world.scratch.file("whole.nc")))
  }

  @Test func aModelsOwnClimateMergesByLeadTime() throws {
    let world = try DiagnosticsWorld()
    let model = ["--variables", "t2m", "--by-lead-time", "--files"]
    let all = try climate(world, "quantiles", "all.nc", model + [world.scratch.file("forecast_1_*.nc").path])
    #expect(all.code == 0, "\(all.errors)")
    for part in ["[0-2]", "[3-5]"] {
      let made = try climate(
        world, "states", "part\(part.dropFirst().first ?? "x").nc",
        model + [world.scratch.file("forecast_1_\(part).nc").path])
      #expect(made.code == 0, "\(made.errors)")
    }
    let merged = try climate(world, "quantiles", "merged.nc", ["--states", "part0.nc", "part3.nc"])
    #expect(merged.code == 0, "\(merged.errors)")
    #expect(
      try Data(contentsOf: world.scratch.file("merged.nc")) == Data(contentsOf: world.scratch.file("all.nc")))
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let world = try DiagnosticsWorld()
    let archive = ["--files", world.scratch.file("truth.nc").path, "--variables", "t2m"]
    for (name, more) in [
      ("a.nc", ["--to", "2001-01-03T00"]), ("b.nc", ["--from", "2001-01-03T00"]),
      ("window.nc", ["--from", "2001-01-03T06", "--calendar", "window"]),
    ] {
      #expect(try climate(world, "states", name, archive + more).code == 0)
    }
    for (more, code, words) in [
      // The third of January at 0 UTC is in both.
      (["--states", "a.nc", "b.nc"], Int32(65), "counts twice"),
      (["--states", "a.nc", "window.nc"], 65, "parted otherwise"),
      (["--states", "a.nc", "truth.nc"], 65, "apus climate states"),
      (["--states", "a.nc", "--variables", "u10"], 66, "u10"),
      (["--states", "a.nc", "--calendar", "month"], 64, "no effect"),
      (archive + ["--states", "a.nc"], 64, "either"),
      ([], 64, "either"),
      (["--files", "truth.nc"], 64, "--variables"),
    ] {
      let outcome = try climate(world, "quantiles", "bad.nc", more)
      #expect(outcome.code == code && outcome.errors.contains(words), "\(outcome.code) \(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: world.scratch.file("bad.nc").path))
    }
  }
}
