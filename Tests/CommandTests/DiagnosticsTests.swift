import Basics
import FieldIO
import Fields
import Foundation
import Testing

/// `apus verify DEFINITION.yml` as users run it.
@Suite struct DiagnosticsTests {
  static let full = """
    name: Test
    variables: [t2m, wind_speed10m, t2m_daily_maximum]
    lead_times: [24, 48]
    regions: [global, tropics, {name: box, south: 10, north: 60, west: 300, east: 30}]
    control: 0
    climate: {calendar: all}
    events:
      t2m: ["climate:p90", "280", "below climate:p10"]
      wind_speed10m: ["10"]
    energy_members: 8
    tiles: {degrees: 45, points: 12, members: 8}
    spectra: {}
    ensemble_sizes: [2, 5, 7]
    ensemble_groups: [{name: sevens, members: 1}]
    variogram: {points: 40, members: 8}
    extreme_forecast_index: hens
    maps: [crps_fair, bias, efi, sot90]
    bootstrap: {resamples: 200}
    """

  @Test func scoresAreThoseOfTheSingleCommand() throws {
    let world = try DiagnosticsWorld()
    let definition = try world.definition(
      "name: one\nvariables: [t2m]\nlead_times: [24]\nevents: {t2m: [\"282\"]}\nenergy_members: 8\n")
    let outcome = try world.verify(definition, output: "suite", ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    let single = try Binary.run(
      [
        "verify", "--forecast", world.scratch.file("forecast_1_2.nc").path, "--truth",
        world.scratch.file("truth.nc").path, "--variable", "t2m", "--threshold-from", "282", "--output",
        world.scratch.file("single.nc").path,
      ])
    #expect(single.code == 0, "\(single.errors)")
    // Date 2, +24 h, is the fourth time of its file.
    for (ours, theirs) in [
      ("crps_by_date", "crps_mean"), ("crps_fair_by_date", "crps_fair_mean"),
      ("rmse_mean_by_date", "rmse_mean"),
      ("spread_by_date", "spread"), ("brier_by_date", "brier_mean"), ("twcrps_by_date", "twcrps_mean"),
    ] {
      let found = try world.numbers("suite/scores_t2m.nc", ours)[2]
      let expected = try world.numbers("single.nc", theirs)[3]
      #expect(abs(found - expected) < 1e-12 * abs(expected), "\(ours)")
    }
    let lines = try #require(try outcome.json()["lines"] as? [[String: Any]])
    #expect(lines.count == 1 && lines[0]["dates"] as? Int == 6 && lines[0]["members"] as? Int == 8)
  }

  @Test func everythingIsThereAndConsistent() throws {
    let world = try DiagnosticsWorld()
    let definition = try world.definition(Self.full)
    let truth = world.scratch.file("truth.nc").path
    let outcome = try world.verify(definition, output: "all", ["--climate", truth])
    #expect(outcome.code == 0, "\(outcome.errors)")
    func numbers(_ name: String) throws -> [Double] { try world.numbers("all/scores_t2m.nc", name) }
    let (crps, reliability, potential) = try (
      numbers("crps"), numbers("crps_reliability"), numbers("crps_potential")
    )
    for i in crps.indices { #expect(abs(reliability[i] + potential[i] - crps[i]) < 1e-9 * crps[i]) }
    // Members and truth are exchangeable: near 1, though few independent numbers.
    for ratio in try numbers("spread_skill_ratio") { #expect(abs(ratio - 1) < 0.25) }
    let place = ["region", "lead_time"]
    for (name, dimensions) in [
      ("crps_fair", place), ("unreliability", place), ("crps_reliability", place), ("crps_potential", place),
      ("roc_area", ["event"] + place), ("brier_reliability", ["event"] + place),
      ("brier_resolution", ["event"] + place), ("efi_roc_area", ["event"] + place),
      ("reliability_frequency", ["event"] + place + ["probability_bin"]),
      ("binned_rmse", place + ["spread_bin"]), ("power_error", ["lead_time", "degree"]),
      ("spread_skill_ratio_by_degree", ["lead_time", "degree"]),
      ("outlier_by_size", ["lead_time", "ensemble_size"]),
      ("gain_by_size_of_sevens", ["lead_time", "ensemble_size"]),
    ] {
      let reader = try NetCDFReader(world.scratch.file("all/scores_t2m.nc").path)
      #expect(try reader.variable(name + "_lower").dimensions.map(\.name) == dimensions)
      let (values, lower, upper) = try (numbers(name), numbers(name + "_lower"), numbers(name + "_upper"))
      let known = values.indices.filter { lower[$0].isFinite }
      #expect(Double(known.count) > 0.3 * Double(values.count), "\(name)")
      // Resampled, not asserted: of percentiles of few dates not every one need hold the value.
      let holding = known.count { lower[$0] <= values[$0] && values[$0] <= upper[$0] }
      #expect(Double(holding) >= 0.9 * Double(known.count), "\(name): \(holding) of \(known.count)")
      #expect(known.contains { lower[$0] < upper[$0] }, "\(name)")
    }
    let ranks = try numbers("rank_histogram")
    let points = DiagnosticsWorld.rows * DiagnosticsWorld.columns
    #expect(ranks[0..<9].reduce(0, +) == Double(points * DiagnosticsWorld.dates))
    // The ensemble drawn in full with replacement has a few more outliers than the ensemble itself.
    let (bySize, own) = try (numbers("outlier_by_size"), numbers("outlier"))
    #expect(bySize[0] > bySize[1] && bySize[1] > bySize[2] && bySize[2] > own[0])
    // Of seven members without the control.
    #expect(try numbers("outlier_by_size_of_sevens")[2] > bySize[2])
    #expect(try [0, 1].allSatisfy { try numbers("variogram_score")[$0] > 0 })
    let areas = try (numbers("roc_area"), numbers("efi_roc_area"))
    // The index knows the climate's tenths, of which the first and third event are; 280 K is none.
    for place in [0, 2] { #expect(abs(areas.0[place * 6] - areas.1[place * 6]) < 0.15) }
    #expect(try world.numbers("all/extremes_t2m.nc", "lead_time") == [24, 48])
    let (index, places) = try (
      world.numbers("all/extremes_t2m.nc", "efi"), world.numbers("all/extremes_t2m.nc", "outcome")
    )
    #expect(index.count == 2 * points && places.allSatisfy { (0...1).contains($0) })
    // The climate is made of the truth itself: its places are spread evenly.
    let meanPlace: Double = places.reduce(0, +) / Double(2 * points)
    #expect(abs(meanPlace - 0.5) < 0.1)
    // The mean map of dates is not the last date's.
    #expect(try world.numbers("all/maps_t2m.nc", "efi") != index)
    // Maps average to the area means.
    let map = try world.numbers("all/maps_t2m.nc", "crps_fair")
    let cosines = (0..<DiagnosticsWorld.rows).map {
      max(0, sin(Double.pi * Double($0) / Double(DiagnosticsWorld.rows - 1)))
    }
    var (sum, weight) = (0.0, 0.0)
    for point in 0..<points {
      sum += cosines[point / DiagnosticsWorld.columns] * map[point]
      weight += cosines[point / DiagnosticsWorld.columns]
    }
    let fair = try numbers("crps_fair")
    #expect(abs(sum / weight - fair[0]) < 1e-6 * fair[0])
    let power = try (numbers("power_members"), numbers("power_truth"))
    #expect(zip(power.0, power.1).prefix(7).allSatisfy { $0 > 0 && $1 > 0 })
    // Derived variables have their own units.
    let reader = try NetCDFReader(world.scratch.file("all/scores_wind_speed10m.nc").path)
    #expect(try reader.variable("crps").text("units") == "m s-1")
    let report = try String(contentsOf: world.scratch.file("all/report.html"), encoding: .utf8)
    #expect(report.contains("t2m_daily_maximum") && report.contains("<img"))
    // The maximum of four times is warmer than the last one.
    let daily = try world.numbers("all/scores_t2m_daily_maximum.nc", "crps")
    #expect(daily.allSatisfy { $0 > 0 })
  }

  @Test func threadsMemoryAndStopsDoNotMatter() throws {
    let world = try DiagnosticsWorld()
    let truth = ["--climate", world.scratch.file("truth.nc").path]
    let first = try world.verify(try world.definition(Self.full), output: "a", truth + ["--threads", "1"])
    #expect(first.code == 0, "\(first.errors)")
    // Stopped again and again, after whatever it had done by then.
    let stopped = try world.definition(
      Self.full + "\nsave_minutes: 0\nmemory_megabytes: 16\n", name: "stopped.yml")
    var stops = 0
    for delay in stride(from: 0.05, through: 2, by: 0.1) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Binary.path)
      process.arguments =
        [
          "verify", stopped, "--forecast", world.scratch.file("forecast_1_*.nc").path, "--truth",
          world.scratch.file("truth.nc").path, "--output", world.scratch.file("b").path,
        ] + truth
      process.currentDirectoryURL = world.scratch.directory
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      Thread.sleep(forTimeInterval: delay)
      // Every third stop is a kill.
      kill(process.processIdentifier, stops % 3 == 2 ? SIGKILL : SIGTERM)
      process.waitUntilExit()
      if process.terminationReason == .exit && process.terminationStatus == 0 { break }
      if process.terminationReason == .exit { #expect(process.terminationStatus == 75) }
      stops += 1
    }
    let last = try world.verify(stopped, output: "b", truth)
    #expect(last.code == 0, "\(last.errors)")
    for name in ["scores_t2m.nc", "maps_t2m.nc", "scores_wind_speed10m.nc", "scores_t2m_daily_maximum.nc"] {
      let (a, b) = (
        try Data(contentsOf: world.scratch.file("a/\(name)")),
        try Data(contentsOf: world.scratch.file("b/\(name)"))
      )
      #expect(a == b, "\(name) after \(stops) stops")
    }
  }

  @Test func aBaselineGivesAScorecard() throws {
    let world = try DiagnosticsWorld(seeds: [1, 2])
    let definition = try world.definition(
      "name: card\nvariables: [t2m]\nlead_times: [24]\nevents: {t2m: [\"282\"]}\n")
    let same = try world.verify(
      definition, output: "same", ["--baseline", world.scratch.file("forecast_1_*.nc").path])
    #expect(same.code == 0, "\(same.errors)")
    #expect(try world.numbers("same/scorecard.nc", "difference").allSatisfy { $0 == 0 })
    #expect(try world.numbers("same/scorecard.nc", "stands").allSatisfy { $0 == 0 })
    let other = try world.verify(
      definition, output: "other", ["--baseline", world.scratch.file("forecast_2_*.nc").path])
    #expect(other.code == 0, "\(other.errors)")
    #expect(try world.numbers("other/scorecard.nc", "difference").contains { $0 != 0 })
    let second = try Binary.run([
      "verify", definition, "--forecast", world.scratch.file("forecast_2_*.nc").path, "--truth",
      world.scratch.file("truth.nc").path, "--output", world.scratch.file("second").path,
    ])
    #expect(second.code == 0, "\(second.errors)")
    let areas = try ["other", "second"].map { try world.numbers("\($0)/scores_t2m.nc", "roc_area")[0] }
    #expect(areas[0] != areas[1])
    #expect(
      try world.numbers("other/scorecard.nc", "difference").contains {
        abs($0 - (areas[1] - areas[0])) < 1e-12
      })
    let report = try String(contentsOf: world.scratch.file("other/report.html"), encoding: .utf8)
    #expect(report.contains("Scorecard") && report.contains("area above roc"))
  }

  /// What is asked for and cannot be had is said: lead times and sizes that are not there, maps without their climate, an
  /// event twice.
  @Test func whatIsNotThereIsSaid() throws {
    let world = try DiagnosticsWorld()
    let base = "name: asked\nvariables: [t2m]\n"
    let leads = try world.verify(
      world.definition(base + "lead_times: [24, 30, 33]\nensemble_sizes: [2, 50]\n"), output: "leads")
    #expect(leads.code == 0)
    #expect(leads.errors.contains("33.0") && !leads.errors.contains("30.0"), "\(leads.errors)")
    #expect(leads.errors.contains("ensemble sizes") && leads.errors.contains("50"), "\(leads.errors)")
    let maps = try world.verify(
      world.definition(base + "lead_times: [24]\nmaps: [crps_fair, efi]\n"), output: "maps")
    #expect(maps.code == 78 && maps.errors.contains("needs a climate"), "\(maps.errors)")
    let events = try world.verify(
      world.definition(base + "events: {t2m: [\"282\", \"290\", \"282\"]}\n"), output: "events")
    #expect(events.code == 78 && events.errors.contains("named twice"), "\(events.errors)")
  }

  /// What is compared has the same points: the same ensemble without its far north differs by nothing in the south, and is
  /// not compared over the globe. Two dates prove nothing; forecasts without a lead time are compared by their times.
  @Test func aScorecardComparesTheSamePoints() throws {
    typealias World = DiagnosticsWorld
    let world = try World()
    func baseline(_ name: String, dates: Range<Int>, lead: Bool = true, _ change: (Int, Float) -> Float)
      throws
    {
      for date in dates {
        let initial = World.start.adding(hours: 24 * date)
        try world.write(
          "\(name)_\(date).nc", times: (lead ? World.leads : [24]).map { initial.adding(hours: $0) },
          initial: lead ? initial : nil, members: World.members
        ) { variable, time, member in
          World.field(variable, time, seed: 1000 + UInt64(date * 100 + member), noise: 1).enumerated().map(
            change)
        }
      }
    }
    func run(_ forecast: String, _ name: String, _ output: String) throws -> Binary.Outcome {
      try Binary.run([
        "verify",
        world.definition(
          "name: card\nvariables: [t2m]\n\(forecast == "plain" ? "" : "lead_times: [24]\n")regions: [global, southern_extratropics]\nevents: {t2m: [\"282\"]}\n"
        ),
        "--forecast", world.scratch.file("\(forecast)_*.nc").path, "--truth",
        world.scratch.file("truth.nc").path, "--baseline", world.scratch.file("\(name)_*.nc").path,
        "--output", world.scratch.file(output).path,
      ])
    }
    try baseline("north", dates: 0..<World.dates) { $0 < 2 * World.columns ? .nan : $1 + 1 }
    let north = try run("forecast_1", "north", "north")
    #expect(north.code == 0 && north.errors.contains("values at different points"), "\(north.errors)")
    let regions = try world.numbers("north/scorecard.nc", "dates")
    // RMSE, CRPS, Brier, twCRPS and ROC area of the one region that is left.
    #expect(regions.count == 5)
    #expect(try world.numbers("north/scorecard.nc", "difference").allSatisfy { $0 < 0 })
    try baseline("two", dates: 0..<2) { $1 + 1 }
    #expect(try run("forecast_1", "two", "two").code == 0)
    #expect(try world.numbers("two/scorecard.nc", "stands").allSatisfy { $0 == 0 })
    #expect(try world.numbers("two/scorecard.nc", "p_value").allSatisfy { $0 >= 0.5 })
    try baseline("plain", dates: 0..<World.dates, lead: false) { $1 }
    try baseline("warm", dates: 0..<World.dates, lead: false) { $1 + 1 }
    let plain = try run("plain", "warm", "plain")
    #expect(plain.code == 0, "\(plain.errors)")
    #expect(try world.numbers("plain/scorecard.nc", "dates").allSatisfy { $0 == Double(World.dates) })
    #expect(
      try String(contentsOf: world.scratch.file("plain/report.html"), encoding: .utf8).contains("all times"))
  }

  /// As the Climate Data Store gives them: wind speed is made of two files.
  @Test func theTruthMayComeWithAFileAVariable() throws {
    let world = try DiagnosticsWorld()
    let times = (0...(DiagnosticsWorld.dates * 24 + 48) / 6).map {
      DiagnosticsWorld.start.adding(hours: 6 * $0)
    }
    for variable in DiagnosticsWorld.variables {
      try world.write(
        "part_\(variable).nc", times: times, initial: nil, members: nil, variables: [variable]
      ) { variable, time, _ in DiagnosticsWorld.field(variable, time, seed: 100, noise: 1) }
    }
    let definition = try world.definition("name: parts\nvariables: [t2m, wind_speed10m]\nlead_times: [24]\n")
    #expect(try world.verify(definition, output: "whole").code == 0)
    let parts = try Binary.run([
      "verify", definition, "--forecast", world.scratch.file("forecast_1_*.nc").path, "--truth",
      world.scratch.file("part_*.nc").path, "--output", world.scratch.file("parts").path,
    ])
    #expect(parts.code == 0, "\(parts.errors)")
    for variable in ["t2m", "wind_speed10m"] {
      let scores = try ["whole", "parts"].map {
        try world.numbers("\($0)/scores_\(variable).nc", "crps_by_date")
      }
      #expect(scores[0] == scores[1])
    }
  }

  @Test func badDefinitionsAreRefused() throws {
    let world = try DiagnosticsWorld()
    for (text, code, words) in [
      ("name: x\nvariabels: [t2m]\n", 78, ["variabels", "Did you mean 'variables'?", "definition.yml:2:1"]),
      (
        "name: x\nvariables: [t2m]\nregions: [global, tropcis]\n", 78, ["tropcis", "Did you mean 'tropics'?"]
      ),
      ("name: x\nvariables: [t2m]\nevents: {t2n: [\"1\"]}\n", 78, ["t2n", "Did you mean 't2m'?"]),
      ("name: x\nvariables: [t2m]\nevents: {t2m: [\"climat:p9\"]}\n", 78, ["climat:p9", "climate:p95"]),
      ("name: x\nvariables: [t2m]\nevents: {t2m: [\"climate:p9\"]}\n", 78, ["climate:p9", "--climate"]),
      ("name: x\nvariables: [t2m]\nmaps: [crsp]\n", 78, ["crsp", "Did you mean 'crps'?"]),
      ("name: x\nvariables: [t2m]\nregions: [land]\n", 78, ["land", "land_sea_mask"]),
      ("name: x\nvariables: [z500]\n", 66, ["z500", "no such variable"]),
      ("name: x\nvariables: [heat_index]\n", 66, ["d2m"]),
      ("name: x\nvariables: [t2m]\nlead_times: [25]\n", 66, ["25 h"]),
      ("name: x\nvariables: [t2m]\ncontrol: 99\n", 65, ["99"]),
      (
        "name: x\nvariables: [t2m]\nevents: {t2m: [\"climate:p99.5\"]}\n", 78, ["climate:p99.5", "99.99"]
      ),
      (
        "name: x\nvariables: [t2m]\nensemble_groups: [{name: pairs, members: 2}]\n", 78,
        ["pairs", "ensemble_sizes"]
      ),
      (
        "name: x\nvariables: [t2m]\nensemble_sizes: [4]\nensemble_groups: [{name: a b, members: 2}]\n", 78,
        ["a b", "letters"]
      ),
      (
        "name: x\nvariables: [t2m]\ncontrol: 0\nensemble_sizes: [4]\nensemble_groups: [{name: pairs, members: 2}]\n",
        65, ["8 members, one of them the control", "groups 'pairs' of 2"]
      ),
      ("name: x\nvariables: [t2m]\nextreme_forecast_index: henns\n", 78, ["henns", "Did you mean 'hens'?"]),
    ] {
      let outcome = try world.verify(try world.definition(text), output: "bad")
      #expect(outcome.code == code, "\(text): \(outcome.errors)")
      for word in words + (code == 78 ? ["definition.yml"] : []) {
        #expect(outcome.errors.contains(word), "\(text): \(outcome.errors)")
      }
      #expect(!world.scratch.files.contains { $0.hasPrefix("bad/") && $0.hasSuffix(".nc") })
    }
    // Another definition in the same directory.
    let definition = try world.definition("name: x\nvariables: [t2m]\nlead_times: [24]\n")
    #expect(try world.verify(definition, output: "kept").code == 0)
    let other = try world.definition("name: x\nvariables: [t2m]\nlead_times: [24]\nalmost_fair_alpha: 0.5\n")
    let refused = try world.verify(other, output: "kept")
    #expect(refused.code == 73 && refused.errors.contains("another verification"), "\(refused.errors)")
    // Without a truth for some times they are left out and said so.
    let options = try Binary.run(["verify", definition, "--variable", "t2m", "--output", "x"])
    #expect(options.code == 64)
  }

  @Test func laggedEnsemblesJoinTheStartsOfOneValidTime() throws {
    let world = try DiagnosticsWorld()
    func run(_ lags: String, _ output: String) throws -> [String: Any] {
      let outcome = try world.verify(
        try world.definition("name: lags\nvariables: [t2m]\nlead_times: [24]\nlagged_hours: \(lags)\n"),
        output: output,
        ["--json"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let lines = try #require(try outcome.json()["lines"] as? [[String: Any]])
      return try #require(lines.first)
    }
    // Two starts; the first date has no earlier one.
    let two = try run("[0, 24]", "two")
    #expect(two["members"] as? Int == 16 && two["dates"] as? Int == 5)
    let one = try run("[0]", "one")
    #expect(one["members"] as? Int == 8 && one["dates"] as? Int == 6)
    // The control stays that of the nominal lead time, whatever starts are joined to it.
    for (lags, output) in [("[0]", "alone"), ("[24, 0]", "joined")] {
      let outcome = try world.verify(
        try world.definition(
          "name: lags\nvariables: [t2m]\nlead_times: [24]\ncontrol: 0\nlagged_hours: \(lags)\n"),
        output: output)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let (alone, joined) = try (
      world.numbers("alone/scores_t2m.nc", "rmse_control_by_date"),
      world.numbers("joined/scores_t2m.nc", "rmse_control_by_date")
    )
    #expect(joined.count == 5 && joined.allSatisfy(alone.contains), "\(joined) of \(alone)")
    // Of 16 members drawn alike the fair score is the same up to chance, the other one is lower.
    let (fair, own) = try (
      world.numbers("two/scores_t2m.nc", "crps_fair")[0], world.numbers("one/scores_t2m.nc", "crps_fair")[0]
    )
    #expect(abs(fair - own) < 0.05 * own)
    #expect(try world.numbers("two/scores_t2m.nc", "crps")[0] < world.numbers("one/scores_t2m.nc", "crps")[0])
    let none = try world.verify(
      try world.definition("name: lags\nvariables: [t2m]\nlead_times: [24]\nlagged_hours: [0, 7]\n"),
      output: "none")
    #expect(none.code == 66 && none.errors.contains("7 h"), "\(none.errors)")
  }

  /// A control is chosen by its number, in lagged ensembles too; by a number that comes twice none is.
  @Test func theControlIsTheMemberOfItsNumber() throws {
    let world = try DiagnosticsWorld()
    for date in 0..<3 {
      let initial = DiagnosticsWorld.start.adding(hours: 24 * date)
      for (name, members, first) in [("numbered", 3, 1), ("twin", 1, 2)] {
        try world.write(
          "\(name)_\(date).nc", times: DiagnosticsWorld.leads.map { initial.adding(hours: $0) },
          initial: initial, members: members, firstNumber: first
        ) { DiagnosticsWorld.field($0, $1, seed: UInt64(7000 + 10 * date + $2), noise: 1) }
      }
    }
    func verify(_ lags: String, _ files: [String], control: Int, _ output: String) throws -> Binary.Outcome {
      try Binary.run(
        [
          "verify",
          try world.definition(
            "name: c\nvariables: [t2m]\nlead_times: [24]\ncontrol: \(control)\nlagged_hours: \(lags)\n"),
          "--truth", world.scratch.file("truth.nc").path, "--output", world.scratch.file(output).path,
          "--forecast",
        ] + files.map { world.scratch.file($0).path }, in: world.scratch.directory)
    }
    for (lags, output) in [("[0]", "own"), ("[0, 24]", "lagged")] {
      let outcome = try verify(lags, ["numbered_*.nc"], control: 2, output)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let own = try world.numbers("own/scores_t2m.nc", "rmse_control_by_date")
    let lagged = try world.numbers("lagged/scores_t2m.nc", "rmse_control_by_date")
    #expect(own.count == 3 && lagged.count == 2 && lagged.allSatisfy(own.contains), "\(lagged) of \(own)")
    let other = try verify("[0]", ["numbered_*.nc"], control: 3, "other")
    #expect(other.code == 0, "\(other.errors)")
    #expect(try world.numbers("other/scores_t2m.nc", "rmse_control_by_date") != own)
    let twice = try verify("[0]", ["numbered_*.nc", "twin_*.nc"], control: 3, "twice")
    #expect(twice.code == 65 && twice.errors.contains("a member number comes twice"), "\(twice.errors)")
  }

  /// A variable that is not there is found out before the first is scored, and the directory stays free.
  @Test func aMissingVariableIsFoundOutFirst() throws {
    let world = try DiagnosticsWorld()
    let wrong = try world.verify(
      try world.definition("name: d\nvariables: [t2m, u10, t2mm]\nlead_times: [24]\n"), output: "out")
    #expect(wrong.code == 66 && wrong.errors.contains("t2mm"), "\(wrong.errors)")
    #expect(!world.scratch.files.contains { $0.hasPrefix("out/partials/") })
    let right = try world.verify(
      try world.definition("name: d\nvariables: [t2m, u10]\nlead_times: [24]\n"), output: "out")
    #expect(right.code == 0, "\(right.errors)")
  }

  /// More files than stay open are read several lead times at once: the same bytes as of bundles.
  @Test func manyFilesGiveWhatBundlesGive() throws {
    let world = try DiagnosticsWorld()
    var files = 0
    for date in 0..<DiagnosticsWorld.dates {
      for member in 0..<DiagnosticsWorld.members {
        for part in 0..<3 {
          let leads = DiagnosticsWorld.leads.enumerated().filter { $0.offset % 3 == part }.map(\.element)
          let initial = DiagnosticsWorld.start.adding(hours: 24 * date)
          let name = "single_\(date)_\(member)_\(part).nc"
          try world.write(
            name, times: leads.map { initial.adding(hours: $0) }, initial: initial, members: 1
          ) { variable, time, _ in
            DiagnosticsWorld.field(variable, time, seed: 1000 + UInt64(date * 100 + member), noise: 1)
          }
          files += 1
        }
      }
    }
    #expect(files > OpenFileLimit.most)
    let definition = try world.definition(
      "name: x\nvariables: [t2m, wind_speed10m]\nlead_times: [12, 24, 48]\n")
    #expect(try world.verify(definition, output: "bundles").code == 0)
    func verify(_ memory: Int, _ output: String) throws -> Binary.Outcome {
      let text =
        "name: x\nvariables: [t2m, wind_speed10m]\nlead_times: [12, 24, 48]\nmemory_megabytes: \(memory)\n"
      return try Binary.run(
        [
          "verify", world.definition(text, name: "many.yml"), "--forecast",
          world.scratch.file("single_*.nc").path, "--truth", world.scratch.file("truth.nc").path, "--output",
          world.scratch.file(output).path,
        ], in: world.scratch.directory)
    }
    for memory in [16, 768] {
      let outcome = try verify(memory, "many\(memory)")
      #expect(outcome.code == 0, "\(outcome.errors)")
      for file in ["scores_t2m.nc", "scores_wind_speed10m.nc"] {
        #expect(
          try Data(contentsOf: world.scratch.file("many\(memory)/\(file)"))
            == Data(contentsOf: world.scratch.file("bundles/\(file)")))
      }
    }
  }

  @Test func missingMembersAndDoubleTimesAreSaid() throws {
    let world = try DiagnosticsWorld()
    let definition = try world.definition("name: x\nvariables: [t2m]\n")
    // A member fewer in one file of the same ensemble.
    let initial = DiagnosticsWorld.start.adding(hours: 24 * 9)
    try world.write(
      "forecast_1_9.nc", times: [DiagnosticsWorld.start.adding(hours: 48)], initial: DiagnosticsWorld.start,
      members: 7
    ) {
      DiagnosticsWorld.field($0, $1, seed: UInt64($2), noise: 1)
    }
    let fewer = try world.verify(definition, output: "fewer")
    #expect(fewer.code == 65 && fewer.errors.contains("number of members"), "\(fewer.errors)")
    let time = initial.adding(hours: 24)
    try world.write("forecast_1_9.nc", times: [time, time], initial: initial, members: 8) {
      DiagnosticsWorld.field($0, $1, seed: UInt64($2), noise: 1)
    }
    let twice = try world.verify(definition, output: "twice")
    #expect(twice.code == 65 && twice.errors.contains("a time comes twice"), "\(twice.errors)")
    // A forecast beyond the truth is left out, and said so.
    try world.write("forecast_1_9.nc", times: [time], initial: initial, members: 8) {
      DiagnosticsWorld.field($0, $1, seed: UInt64($2), noise: 1)
    }
    let beyond = try world.verify(definition, output: "beyond")
    #expect(beyond.code == 0 && beyond.errors.contains("left out times without a truth"), "\(beyond.errors)")
    // Points without a value are left out and counted.
    try world.write(
      "forecast_1_9.nc", times: [DiagnosticsWorld.start.adding(hours: 6)],
      initial: DiagnosticsWorld.start.adding(hours: -18), members: 8
    ) {
      variable, time, member in
      var field = DiagnosticsWorld.field(variable, time, seed: UInt64(member), noise: 1)
      if member == 3 { field[40] = .nan }
      return field
    }
    let missing = try world.verify(definition, output: "missing")
    #expect(missing.code == 0 && missing.errors.contains("points=1"), "\(missing.errors)")
  }

  @Test func quantilesOfAClimateFileAreThoseOfTheArchive() throws {
    let world = try DiagnosticsWorld()
    func climate(_ name: String, _ more: [String]) throws -> Binary.Outcome {
      try Binary.run(
        ["climate", "quantiles", "--variables", "t2m", "--output", world.scratch.file(name).path] + more,
        in: world.scratch.directory)
    }
    let truth = world.scratch.file("truth.nc").path
    let made = try climate("month.nc", ["--files", truth])
    #expect(made.code == 0, "\(made.errors)")
    // Eight days and a time of January at four hours.
    #expect(made.output.contains("4 parts of 8 to 9 states"), "\(made.output)")
    let small = try climate("small.nc", ["--files", truth, "--memory-megabytes", "1", "--threads", "1"])
    #expect(small.code == 0)
    #expect(
      try Data(contentsOf: world.scratch.file("month.nc")) == Data(contentsOf: world.scratch.file("small.nc"))
    )
    let events = "events: {t2m: [\"climate:p90\", \"climate:mean+1std\"]}\n"
    let archive = try world.verify(
      try world.definition(
        "name: a\nvariables: [t2m]\nlead_times: [24]\nclimate: {calendar: month}\n" + events),
      output: "archive", ["--climate", truth])
    #expect(archive.code == 0, "\(archive.errors)")
    let file = try world.verify(
      try world.definition(
        "name: a\nvariables: [t2m]\nlead_times: [24]\nclimate: {file: month.nc}\n" + events),
      output: "file")
    #expect(file.code == 0, "\(file.errors)")
    // Quantiles are kept in single precision, mean and deviation in double.
    for (name, tolerance) in [
      ("rmse_climatology", 1e-12), ("anomaly_correlation", 1e-12), ("twcrps", 1e-5), ("efi", 0.02),
    ] {
      let (a, b) = try (
        world.numbers("archive/scores_t2m.nc", name), world.numbers("file/scores_t2m.nc", name)
      )
      for (x, y) in zip(a, b) {
        #expect(abs(x - y) <= tolerance * max(abs(x), abs(y), 1), "\(name): \(x), \(y)")
      }
    }
    // A model's own climate, for each lead time: all members of all dates.
    let model = try climate(
      "model.nc",
      ["--files", world.scratch.file("forecast_1_*.nc").path, "--by-lead-time", "--calendar", "window"])
    #expect(model.code == 0, "\(model.errors)")
    let counts = try world.numbers("model.nc", "t2m_count")
    #expect(counts.contains(Double(DiagnosticsWorld.dates * DiagnosticsWorld.members)))
    let own = try world.verify(
      try world.definition("name: a\nvariables: [t2m]\nlead_times: [24]\nclimate: {file: model.nc}\n"),
      output: "own")
    #expect(own.code == 0, "\(own.errors)")
    // The forecasts are their own climate: the index is near 0.
    #expect(try abs(world.numbers("own/scores_t2m.nc", "efi")[0]) < 0.05)
    for (text, code, words) in [
      ("climate: {file: truth.nc}", 65, "apus climate quantiles"),
      ("climate: {file: month.nc, calendar: month}", 78, "given beside calendar"),
    ] {
      let bad = try world.verify(
        try world.definition("name: a\nvariables: [t2m]\n\(text)\n"), output: "bad")
      #expect(bad.code == code && bad.errors.contains(words), "\(bad.errors)")
    }
  }
}
