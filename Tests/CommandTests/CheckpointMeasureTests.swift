import FieldIO
import Foundation
import Operators
import Testing

/// `apus checkpoint skill` and `climate` through the real binary.
@Suite struct CheckpointMeasureTests {
  let world: SmallWorld
  let scratch: Scratch

  init() throws {
    world = try SmallWorld.shared.get()
    scratch = try Scratch()
  }

  /// Checkpoints on the small world's days after its training.
  func skill(_ checkpoints: [String], _ extra: [String] = [], data: String? = nil) throws -> Binary.Outcome {
    try Binary.run(
      ["checkpoint", "skill"] + checkpoints + [
        "--data", data ?? world.analyses, "--from", "2026-01-13", "--to", "2026-01-18", "--every-hours", "24",
        "--lead-hours", "6,24,48",
      ] + extra, in: scratch.directory)
  }

  func climate(_ checkpoints: [String], _ extra: [String] = [], data: String? = nil) throws -> Binary.Outcome
  {
    try Binary.run(
      ["checkpoint", "climate"] + checkpoints + ["--data", data ?? world.analyses] + extra,
      in: scratch.directory)
  }

  /// The world's checkpoint with tensors changed.
  func changed(_ name: String, _ change: (inout SafeTensors) throws -> Void) throws -> String {
    var content = try SafeTensors.read(world.checkpoint)
    try change(&content)
    let file = scratch.file(name).path
    try content.write(file)
    return file
  }

  /// One that forecasts no change: the decoder adds nothing to the big skip, which hands the state on.
  func still() throws -> String {
    try changed("still.safetensors") { content in
      let decoder = try #require(content.tensors["model.decoder.fwd.2.weight"])
      content.tensors["model.decoder.fwd.2.weight"] = .init(
        try #require(decoder.floats).map { _ in 0 }, shape: decoder.shape)
      let skip = try #require(content.tensors["model.residual_transform.weight"])
      let inputs = skip.shape[1]
      content.tensors["model.residual_transform.weight"] = .init(
        (0..<2 * inputs).map { $0 / inputs == $0 % inputs ? 1 : 0 }, shape: skip.shape)
    }
  }

  /// One whose first step is not finite.
  func broken() throws -> String {
    try changed("broken.safetensors") { content in
      let skip = try #require(content.tensors["model.residual_transform.weight"])
      content.tensors["model.residual_transform.weight"] = .init(
        try #require(skip.floats).map { _ in .nan }, shape: skip.shape)
    }
  }

  /// The first state of the small world again and again, `count` times from 1 January 2026, each `rise` above
  /// the one before.
  func constantData(_ count: Int, rise: Float = 0) throws -> String {
    let reader = try NetCDFReader(world.analyses)
    let file = scratch.file("constant.nc").path
    let writer = try NetCDFWriter(file)
    try writer.dimension("time", count)
    try writer.dimension("lat", 8)
    try writer.dimension("lon", 16)
    try writer.variable("time", .double, ["time"], ["units": .text("hours since 2026-01-01")])
    try writer.put("time", (0..<count).map { Double(6 * $0) })
    for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
      try writer.variable(name, .double, [name], ["units": .text(units)])
      try writer.put(name, try reader.values(try reader.variable(name)))
    }
    for (name, units) in [("msl", "Pa"), ("t2m", "K")] {
      try writer.variable(name, .float, ["time", "lat", "lon"], ["units": .text(units)])
      let first = try reader.values(try reader.variable(name)).prefix(128).map(Float.init)
      try writer.put(name, (0..<count).flatMap { time in first.map { $0 + rise * Float(time) } })
    }
    try writer.finish()
    return file
  }

  func scores(_ outcome: Binary.Outcome) throws -> [[String: Any]] {
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(try outcome.json()["scores"] as? [[String: Any]])
  }

  // MARK: - skill

  @Test func threadsAndTheFileHaveTheSameBytes() throws {
    let pair = [world.checkpoint, try still()]
    let extra = ["--climatology", world.analyses, "--json"]
    let one = try skill(pair, extra + ["--threads", "1", "--output", "one.json"])
    let two = try skill(pair, extra + ["--threads", "2"])
    #expect(one.code == 0, "\(one.errors)")
    #expect(one.output == two.output)
    let file = try String(contentsOf: scratch.file("one.json"), encoding: .utf8)
    #expect(file.trimmingCharacters(in: .newlines) == one.output.trimmingCharacters(in: .newlines))
    let json = try one.json()
    // The last initial time with 48 h after it in the data, which end on 20 January at 18 UTC.
    #expect((json["initial_times"] as? [String])?.count == 6)
    #expect(json["spectrum_degrees"] as? Int == 7)
    #expect((json["climatology"] as? [String: Any])?["window_days"] as? Int == 10)
    let scores = try scores(one)
    #expect(scores.map { $0["channel"] as? String } == ["msl", "msl", "msl", "t2m", "t2m", "t2m"])
    #expect(scores.map { $0["lead_hours"] as? Int } == [6, 24, 48, 6, 24, 48])
    for score in scores {
      let ratio = try #require(score["ratio"] as? [Double])
      let rmse = try #require(score["rmse"] as? [Double])
      let persistence = try #require(score["rmse_persistence"] as? Double)
      #expect(abs(ratio[0] - rmse[0] / persistence) < 1e-12)
      // No change is persistence, to the rounding of z-scores.
      #expect(abs(ratio[1] - 1) < 1e-4)
      #expect(try #require(score["rmse_climatology"] as? Double) > 0)
    }
    // The trained one is better than no change a step on.
    #expect(try #require(scores[0]["ratio"] as? [Double])[0] < 0.9)
  }

  @Test func aCheckpointAgainstItself() throws {
    for score in try scores(try skill([world.checkpoint, world.checkpoint], ["--json"])) {
      let pairs = try #require(score["pairs"] as? [String: Any])
      #expect(pairs["correlation"] as? [[Double]] == [[1, 1], [1, 1]])
      #expect(pairs["mean"] as? Double == 1)
      #expect(abs(try #require(pairs["gain"] as? Double) - 1) < 1e-12)
      let rmse = try #require(score["rmse"] as? [Double])
      #expect(rmse[0] == rmse[1])
      #expect(abs(try #require(score["rmse_mean"] as? Double) - rmse[0]) < 1e-9 * rmse[0])
      #expect(score["rmse_climatology"] == nil)
    }
    let alone = try scores(try skill([world.checkpoint], ["--json"]))
    #expect(alone.allSatisfy { $0["pairs"] == nil })
  }

  @Test func noChangeOfAConstantTruthHasItsSpectrum() throws {
    let data = try constantData(40)
    let outcome = try Binary.run(
      [
        "checkpoint", "skill", try still(), "--data", data, "--from", "2026-01-01", "--to", "2026-01-04",
        "--every-hours", "24", "--lead-hours", "24,96", "--spectrum-degrees", "2", "--channels", "t2m",
        "--json",
      ], in: scratch.directory)
    let scores = try scores(outcome)
    #expect(scores.count == 2)
    for score in scores {
      let spectra = try #require(score["spectra"] as? [[String: Any]])
      let ratio = try #require(spectra[0]["ratio"] as? [Double])
      #expect(ratio.count == 2)
      for value in ratio { #expect(abs(value - 1) < 1e-3) }
      #expect(score["rmse_persistence"] as? Double == 0)
      #expect(try #require(score["rmse"] as? [Double])[0] < 1e-2)
    }
  }

  /// A truth that rises by 1 K a step, 4 K a day: persistence errs by 4 K after a day; the mean of the days
  /// before and after is right on 9 January, and 2 K too low on 10 January, the last day there is.
  @Test func persistenceAndClimatologyByHand() throws {
    let data = try constantData(40, rise: 1)
    let outcome = try Binary.run(
      [
        "checkpoint", "skill", try still(), "--data", data, "--climatology", data,
        "--climatology-window-days", "1", "--from", "2026-01-08", "--to", "2026-01-09", "--every-hours", "24",
        "--lead-hours", "24", "--json",
      ], in: scratch.directory)
    for score in try scores(outcome) {
      let climatology = try #require(score["rmse_climatology"] as? Double)
      #expect(abs(try #require(score["rmse_persistence"] as? Double) - 4) < 1e-3)
      #expect(abs(climatology - 2.0.squareRoot()) < 1e-3)
      #expect(abs(try #require(score["ratio_climatology"] as? Double) - climatology / 4) < 1e-3)
    }
  }

  @Test func aForecastThatIsNotFiniteIsNamed() throws {
    let broken = try broken()
    let text = try skill([world.checkpoint, broken])
    #expect(text.code == 0)
    #expect(
      text.output.contains("NOT FINITE: \(broken) from 2026-01-13T00:00:00Z, at 6 h and later"),
      "\(text.output)")
    #expect(text.errors.contains("warning: a forecast is not finite"))
    let outcome = try skill([world.checkpoint, broken], ["--json"])
    #expect((try outcome.json()["not_finite"] as? [[String: Any]])?.count == 6)
    for score in try scores(outcome) {
      let rmse = try #require(score["rmse"] as? [Any])
      #expect(rmse[0] is Double)
      #expect(rmse[1] as? String == "inf")
      #expect(score["rmse_mean"] as? String == "inf")
      #expect((score["pairs"] as? [String: Any])?["mean"] == nil)
    }
  }

  @Test func badInput() throws {
    let other = try changed("renamed.safetensors") {
      $0.metadata["channels"] = #"["msl","z500"]"#
      $0.metadata["normalisation"] = $0.metadata["normalisation"]?.replacing("t2m", with: "z500")
      $0.metadata["units"] = #"["Pa","m"]"#
    }
    let gap = scratch.file("gap.nc").path
    try SmallWorld.write(to: gap, .init(missingHour: 14 * 24))
    for (outcome, code, words) in [
      (
        try skill([world.checkpoint], ["--channels", "t2m,z500"]), Int32(64),
        "'z500': the checkpoints have no"
      ),
      (try skill([world.checkpoint], ["--lead-hours", "6,8"]), 64, "found 8 h, expected a multiple of 6 h"),
      (try skill([world.checkpoint], ["--lead-hours", "6,x"]), 64, "lead-hours"),
      (try skill([world.checkpoint], ["--lead-hours", "600"]), 66, "no initial time has its whole forecast"),
      (try skill([world.checkpoint], ["--spectrum-degrees", "8"]), 64, "found 8, expected 1...7"),
      (try skill([world.checkpoint], ["--to", "2026-01-02"]), 64, "--from must not be after --to"),
      (try skill([world.checkpoint, other]), 65, "the checkpoints differ in what they forecast"),
      (try skill([world.checkpoint], data: gap), 66, "no state at 2026-01-15T00:00:00Z"),
      (try skill([world.checkpoint], data: "nowhere.nc"), 66, "nowhere.nc"),
      (try skill(["nowhere.safetensors"]), 66, "nowhere.safetensors"),
      (
        try skill(
          [world.checkpoint], ["--climatology", try constantData(8), "--climatology-window-days", "2"]), 66,
        "the climatology has no states near a valid time"
      ),
      (
        try climate([world.checkpoint], ["--from", "2026-01-13", "--steps", "80"]), 66,
        "no state at 2026-01-21T00:00:00Z"
      ),
      (try climate([world.checkpoint], ["--from", "2026-01-13", "--steps", "0"]), 64, "--steps"),
      (
        try climate([world.checkpoint], ["--from", "2026-01-13", "--steps", "4", "--channels", "q"]), 64,
        "'q': the checkpoints have no such channel"
      ),
    ] {
      #expect(outcome.code == code, "\(outcome.errors)")
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  // MARK: - climate

  @Test func noChangeOfAConstantTruthDoesNotDrift() throws {
    let data = try constantData(130)
    let arguments = ["--from", "2026-01-01", "--steps", "128", "--json"]
    let pair = [try still(), try broken()]
    let one = try climate(pair, arguments + ["--threads", "1"], data: data)
    #expect(one.code == 0, "\(one.errors)")
    #expect(one.output == (try climate(pair, arguments + ["--threads", "2"], data: data)).output)
    let runs = try #require(try one.json()["checkpoints"] as? [[String: Any]])
    #expect(runs[0]["last_finite_step"] as? Int == 128)
    #expect(runs[0]["blow_up"] == nil)
    let channels = try #require(runs[0]["channels"] as? [[String: Any]])
    #expect(channels.map { $0["channel"] as? String } == ["msl", "t2m"])
    for channel in channels {
      let mean = try #require(channel["mean"] as? Double)
      let truth = try #require(channel["truth_mean"] as? Double)
      #expect(abs(mean - truth) < 1e-4 * truth)
      #expect(
        abs(try #require(channel["highest"] as? Double) - (try #require(channel["truth_highest"] as? Double)))
          < 1e-3 * truth)
      let spectrum = try #require(channel["spectrum"] as? [String: Any])
      let ratio = try #require(spectrum["ratio"] as? [Double])
      #expect(ratio.count == 7)
      for value in ratio.prefix(2) { #expect(abs(value - 1) < 1e-2) }
    }
    // The other ends at its first step.
    #expect(runs[1]["last_finite_step"] as? Int == 0)
    let end = try #require(runs[1]["blow_up"] as? [String: Any])
    #expect(end["step"] as? Int == 1)
    #expect(end["time"] as? String == "2026-01-01T06:00:00Z")
    #expect((runs[1]["channels"] as? [Any])?.isEmpty == true)
    let text = try climate(pair, ["--from", "2026-01-01", "--steps", "8"], data: data)
    #expect(text.code == 0)
    #expect(text.output.contains("NOT FINITE at step 1, 2026-01-01T06:00:00Z"))
    #expect(text.output.contains("finite through all 8 steps"))
  }

  /// The truth rises by 1 K a step from 280 K, no change stays there.
  @Test func aTruthThatRisesLeavesNoChangeBehind() throws {
    let data = try constantData(130, rise: 1)
    let outcome = try climate(
      [try still()], ["--from", "2026-01-01", "--steps", "128", "--channels", "t2m", "--json"], data: data)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let runs = try #require(try outcome.json()["checkpoints"] as? [[String: Any]])
    let channel = try #require((runs[0]["channels"] as? [[String: Any]])?.first)
    func number(_ key: String) throws -> Double { try #require(channel[key] as? Double, "\(key)") }
    // Of 1...128: mean 64.5, variance (128^2 - 1) / 12.
    let deviation = (16383.0 / 12).squareRoot()
    #expect(abs(try number("mean") - 280) < 1e-2)
    #expect(abs(try number("truth_mean") - 344.5) < 1e-3)
    #expect(abs(try number("truth_standard_deviation") - deviation) < 1e-3)
    #expect(abs(try number("departure") + 64.5 / deviation) < 1e-3)
    #expect(abs(try number("truth_highest") - (try number("highest")) - 128) < 1e-1)
    // The last 120 steps, 9...128, have the mean 68.5.
    let largest = try #require(channel["largest_30_day_departure"] as? [String: Any])
    #expect(abs(try #require(largest["departure"] as? Double) + 68.5 / deviation) < 1e-3)
    #expect(largest["from"] as? String == "2026-01-03T06:00:00Z")
    let short = try climate([try still()], ["--from", "2026-01-01", "--steps", "60", "--json"], data: data)
    let shortRuns = try #require(try short.json()["checkpoints"] as? [[String: Any]])
    let first = try #require((shortRuns[0]["channels"] as? [[String: Any]])?.first)
    // 15 days are too short for both.
    #expect(first["largest_30_day_departure"] == nil)
    #expect(first["spectrum"] == nil)
  }

  /// A stop leaves nothing, and says so.
  @Test func aMeasurementStops() throws {
    let home = PrecisionTests.home.path
    let checkpoints = (1...4).map { "\(home)/models/era5_seed\($0).safetensors" }
    let data = ["--data", home + "/demo/era5_msl_vo850_t31_6h_20251201-20260228.nc"]
    for (command, words) in [
      (["climate"] + checkpoints + data + ["--from", "2025-12-01", "--steps", "359"], "running freely"),
      (
        ["skill"] + checkpoints + data
          + ["--from", "2025-12-01", "--to", "2026-02-20", "--every-hours", "6", "--lead-hours", "24,168"],
        "making control forecasts"
      ),
    ] {
      let outcome = try Binary.run(
        ["checkpoint"] + command + ["--output", "out.json"], in: scratch.directory, stopOn: words)
      #expect(outcome.code == 75, "\(outcome.errors)")
      #expect(outcome.errors.contains("stopped cleanly on SIGTERM"))
      #expect(!scratch.files.contains("out.json"))
    }
  }
}
