import FieldIO
import Foundation
import Operators
import Testing

/// The main job through the real binary, on a small atmosphere.
@Suite struct PipelineTests {
  let world: SmallWorld
  init() throws { world = try SmallWorld.shared.get() }

  func write(_ text: String, to file: URL) throws -> String {
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func bytes(_ directory: URL, _ names: [String]) throws -> [Data] {
    try names.map { try Data(contentsOf: directory.appendingPathComponent($0)) }
  }

  /// Files of a run that must not depend on how it was made.
  func results(_ scratch: Scratch, _ run: String) -> [String] {
    scratch.files.filter { $0.hasPrefix(run + "/") && $0.hasSuffix(".nc") }
  }

  @Test func aRunMakesMembersProductsScoresAndAReport() throws {
    let scratch = try Scratch()
    let runFile = try write(world.ensemble(), to: scratch.file("run.yml"))
    let plan = try Binary.run(["plan", runFile, "--json"], in: scratch.directory).json()
    #expect(plan["forecasts"] as? Int == 18)
    let outcome = try Binary.run(["run", runFile], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("18 members made"))
    let files = scratch.files
    #expect(files.count { $0.hasPrefix("run/members/") } == 18)
    for product in ["mean", "spread", "minimum", "maximum"] {
      #expect(files.contains("run/products/\(product)_20260114T00.nc"))
    }
    #expect(files.contains("run/scores/msl.nc"))
    let report = try String(contentsOf: scratch.file("run/report/report.html"), encoding: .utf8)
    #expect(report.contains("Small &amp; simple"))
    #expect(!files.contains { $0.contains(".tmp-") })
    let status = try Binary.run(["status", "run", "--json"], in: scratch.directory).json()
    #expect(status["members_done"] as? Int == 18)
    #expect(status["has_report"] as? Bool == true)

    // The products are the statistics of the member files.
    let members = try (0..<9).map { number in
      let reader = try NetCDFReader(scratch.file("run/members/20260114T00/member_000\(number).nc").path)
      return try GriddedVariable(reader, "msl").fields(.time, 0..<9)
    }
    let reader = try NetCDFReader(scratch.file("run/products/mean_20260114T00.nc").path)
    let mean = try GriddedVariable(reader, "msl").fields(.time, 0..<9)
    for i in mean.indices {
      let expected = members.reduce(0.0) { $0 + Double($1[i]) } / 9
      #expect(abs(Double(mean[i]) - expected) < 0.02)
    }
    // + and - members stand around the control at the start, as far as 14 mantissa bits say.
    for i in 0..<128 {
      #expect(abs(Double(members[1][i]) + Double(members[2][i]) - 2 * Double(members[0][i])) < 16)
    }

    // `apus verify` on the member files finds the spread and error that the run scored.
    let one = try Binary.run(
      ["verify", "--forecast"] + (0..<9).map { "run/members/20260114T00/member_000\($0).nc" }
        + ["--truth", world.analyses, "--variable", "msl", "--output", "scores.nc", "--json"],
      in: scratch.directory)
    #expect(one.code == 0, "\(one.errors)")
  }

  @Test func threadsRepetitionAndLonelyMembersGiveTheSameBytes() throws {
    let scratch = try Scratch()
    let runFile = try write(world.ensemble(), to: scratch.file("run.yml"))
    for (run, threads) in [("one", "1"), ("two", "2"), ("again", "2")] {
      let outcome = try Binary.run(
        ["forecast", runFile, "--output", run, "--threads", threads], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let names = results(scratch, "one").map { String($0.dropFirst(4)) }
    #expect(names.count == 18 + 8)
    let first = try bytes(scratch.file("one"), names)
    #expect(try bytes(scratch.file("two"), names) == first)
    #expect(try bytes(scratch.file("again"), names) == first)
    // Resuming after some files are lost brings back the same bytes.
    for name in names where name.contains("member_0004") || name.contains("spread") {
      try FileManager.default.removeItem(at: scratch.file("one/\(name)"))
    }
    let resumed = try Binary.run(["forecast", runFile, "--output", "one"], in: scratch.directory)
    #expect(resumed.code == 0)
    #expect(resumed.output.contains("2 members made"))
    #expect(try bytes(scratch.file("one"), names) == first)
    // A member alone.
    let alone = try Binary.run(
      ["member", runFile, "--date", "2026-01-14", "--member", "6", "--output", "alone.nc"],
      in: scratch.directory)
    #expect(alone.code == 0, "\(alone.errors)")
    let pair = try bytes(scratch.directory, ["one/members/20260114T00/member_0006.nc", "alone.nc"])
    #expect(pair[0] == pair[1])
  }

  /// One more date and one more pair join what is there; the first members keep their bytes.
  @Test func runsGrow() throws {
    let scratch = try Scratch()
    let runFile = try write(world.ensemble(), to: scratch.file("run.yml"))
    #expect(try Binary.run(["forecast", runFile], in: scratch.directory).code == 0)
    let names = (0..<9).map { "run/members/20260114T00/member_000\($0).nc" }
    let before = try bytes(scratch.directory, names)
    let date = try Binary.run(["forecast", runFile, "--date", "2026-01-16"], in: scratch.directory)
    #expect(date.output.contains("9 members made"), "\(date.errors)")
    let grown = try write(
      world.ensemble().replacing("pairs: 2", with: "pairs: 3"), to: scratch.file("more.yml"))
    let more = try Binary.run(["forecast", grown], in: scratch.directory)
    #expect(more.output.contains("8 members made, 18 kept"), "\(more.errors) \(more.output)")
    #expect(try bytes(scratch.directory, names) == before)
    let status = try Binary.run(["inspect", "run", "--json"], in: scratch.directory).json()
    #expect(status["members_planned"] as? Int == 39)
    #expect(status["members_done"] as? Int == 35)
    // Products of the nine beside thirteen files would look whole.
    let fewer = try Binary.run(["forecast", runFile], in: scratch.directory)
    #expect(fewer.code == 73 && fewer.errors.contains("a run of more members"), "\(fewer.errors)")
    let file = try Binary.run(["inspect", names[3]], in: scratch.directory)
    #expect(file.output.contains("msl [Pa], gaussian 8 x 16, 9 times"))
    #expect(file.output.contains("member 3"))
  }

  /// All kinds of products of a run that grew are those of a run that was as large from the start, and so are its
  /// checksums; another climate is another run.
  @Test func grownProductsAreThoseOfAFreshRun() throws {
    let scratch = try Scratch()
    let extra = "products: {thresholds: {msl: [\"climate:p90\"]}, quantiles: true, spectra: true}"
    func forecast(_ text: String, to output: String) throws -> Binary.Outcome {
      let file = try write(text, to: scratch.file("\(output).yml"))
      return try Binary.run(["forecast", file, "--output", output], in: scratch.directory)
    }
    let small = world.ensemble(extra: extra)
    let large = small.replacing("pairs: 2", with: "pairs: 3")
    for text in [small, large] { #expect(try forecast(text, to: "grown").code == 0) }
    #expect(try forecast(large, to: "fresh").code == 0)
    let names = results(scratch, "fresh").map { String($0.dropFirst("fresh".count)) }
    #expect(names.count == 26 + 2 * 9)
    #expect(try bytes(scratch.file("grown"), names) == bytes(scratch.file("fresh"), names))
    let status = try Binary.run(["status", "grown", "--check"], in: scratch.directory)
    #expect(status.code == 0, "\(status.errors)")

    let other = try forecast(large.replacing("to: 2026-01-12", with: "to: 2026-01-11"), to: "grown")
    #expect(other.code == 73 && other.errors.contains("another run"), "\(other.errors)")
    #expect(other.errors.contains("2026-01-11"), "\(other.errors)")
    // That of the verification goes before it.
    let scored = try forecast(
      large.replacing("verification: {", with: "verification: {climate: {files: [\(world.analyses)]}, "),
      to: "grown")
    #expect(scored.code == 73 && scored.errors.contains("another run"), "\(scored.errors)")
  }

  @Test(arguments: [("bred_vector", Int32(0)), ("correlated_noise", 0), ("lagged", 78), ("none", 78)])
  func perturbationsAlone(_ method: String, _ code: Int32) throws {
    let scratch = try Scratch()
    var text = world.ensemble().replacing("method: bred_vector", with: "method: \(method)")
    if method == "none" { text = text.replacing("pairs: 2", with: "pairs: 0") }
    let runFile = try write(text, to: scratch.file("run.yml"))
    let outcome = try Binary.run(["breed", runFile, "--json"], in: scratch.directory)
    #expect(outcome.code == code, "\(outcome.errors)")
    if code == 0 {
      #expect(try outcome.json()["perturbations"] as? Int == 8)
      #expect(scratch.files.count { $0.hasPrefix("run/perturbations/") } == 8)
    } else {
      #expect(outcome.errors.contains("perturbation"), "\(outcome.errors)")
    }
  }

  /// A forecast whose truth is not there yet has its report; the start's truth is needed for persistence alone.
  @Test func aTruthThatIsLate() throws {
    let scratch = try Scratch()
    let hours = (0..<80).map { $0 * 6 }
    for (name, known) in [
      ("early.nc", hours.filter { $0 <= 300 }), ("gap.nc", hours.filter { $0 != 13 * 24 }),
    ] {
      try SmallWorld.write(to: scratch.file(name).path, hours: known)
      let text = world.ensemble(output: name + "-run").replacing(
        "verification: {", with: "verification: {truth: {files: [\(scratch.file(name).path)]}, ")
      let outcome = try Binary.run(
        ["run", try write(text, to: scratch.file("run.yml"))], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(scratch.files.contains("\(name)-run/report/report.html"))
      #expect(outcome.errors.contains("no initial time has a truth yet") == (name == "early.nc"))
    }
    // Of two starts one has a persistence, both all other scores.
    let reader = try NetCDFReader(scratch.file("gap.nc-run/scores/msl.nc").path)
    func count(_ name: String) throws -> Int {
      try reader.values(reader.variable(name + "_by_date"), start: [0, 0], count: [1, 2]).count(
        where: \.isFinite)
    }
    #expect(try count("rmse_persistence") == 1 && count("crps_fair") == 2)
  }

  /// What is scored is looked at before the first forecast, by `plan` too; only a truth may still be on its way.
  @Test(
    arguments: [
      ("verification: {", "verification: {climate: {files: [nowhere.nc]}, ", Int32(66), "nowhere.nc"),
      ("to: 2026-01-12}\ninitial", "to: 2026-01-04, window_days: 1}\ninitial", 66, "no states near"),
      ("variables: [msl, t2m]", "variables: [msl, z500]", 78, "run.yml: 'verification.variables'"),
      ("quantise_bits: 14", "every_hours: 4", 78, "run.yml: 'output.every_hours'"),
    ])
  func whatCannotBeScoredIsFoundOutFirst(old: String, new: String, code: Int32, message: String) throws {
    let scratch = try Scratch()
    let text = world.ensemble().replacing(old, with: new)
    #expect(text != world.ensemble())
    let file = try write(text, to: scratch.file("run.yml"))
    for command in ["plan", "run"] {
      let outcome = try Binary.run([command, file], in: scratch.directory)
      #expect(outcome.code == code && outcome.errors.contains(message), "\(command): \(outcome.errors)")
    }
    #expect(!scratch.files.contains { $0.hasPrefix("run/members/") })
    let late = try write(
      world.ensemble().replacing("verification: {", with: "verification: {truth: {files: [later.nc]}, "),
      to: scratch.file("late.yml"))
    let outcome = try Binary.run(["run", late], in: scratch.directory)
    #expect(outcome.code == 66 && outcome.errors.contains("the truth is not there yet"), "\(outcome.errors)")
    #expect(scratch.files.contains { $0.hasPrefix("run/members/") })
  }

  @Test func finishedFilesAreCheckedAndMadeAgain() throws {
    let scratch = try Scratch()
    let runFile = try write(world.ensemble(), to: scratch.file("run.yml"))
    #expect(try Binary.run(["forecast", runFile], in: scratch.directory).code == 0)
    let status = try Binary.run(["status", "run", "--check", "--json"], in: scratch.directory)
    #expect(try status.code == 0 && status.json()["checksums_done"] as? Int == 2)
    // As any other program reads it.
    let sums = Process()
    sums.executableURL = URL(fileURLWithPath: "/bin/sh")
    sums.arguments = ["-c", "cat checksums/*.sha256 | sha256sum --check --strict --status"]
    sums.currentDirectoryURL = scratch.file("run")
    try sums.run()
    sums.waitUntilExit()
    #expect(sums.terminationStatus == 0)

    let names = ["members/20260114T00/member_0004.nc", "products/mean_20260115T00.nc"].map { "run/" + $0 }
    let before = try bytes(scratch.directory, names)
    for (name, data) in zip(names, before) {
      var data = data
      data[data.count / 2] ^= 16
      try data.write(to: scratch.file(name))
    }
    #expect(try Binary.run(["status", "run"], in: scratch.directory).code == 0)
    let damaged = try Binary.run(["status", "run", "--check"], in: scratch.directory)
    #expect(damaged.code == 65 && damaged.output.isEmpty)
    #expect(damaged.errors.contains("2 finished files are not what was written"), "\(damaged.errors)")
    #expect(damaged.errors.contains(names[0]) && damaged.errors.contains("mean_20260115T00.nc"))
    let again = try Binary.run(["forecast", runFile], in: scratch.directory)
    #expect(again.code == 0 && again.output.contains("1 members made, 17 kept"), "\(again.output)")
    for name in names { #expect(again.errors.contains("set aside") && again.errors.contains(name)) }
    #expect(try bytes(scratch.directory, names) == before)
    #expect(try Binary.run(["status", "run", "--check"], in: scratch.directory).code == 0)
    // One that was cut before its date was finished is made again as well.
    try FileManager.default.removeItem(at: scratch.file("run/products/mean_20260114T00.nc"))
    try FileManager.default.removeItem(at: scratch.file("run/checksums/20260114T00.sha256"))
    try before[0].prefix(before[0].count / 2).write(to: scratch.file(names[0]))
    let cut = try Binary.run(["forecast", runFile], in: scratch.directory)
    #expect(cut.code == 0 && cut.errors.contains("set aside"), "\(cut.errors)")
    #expect(try bytes(scratch.directory, names) == before)
  }

  @Test func shardsTogetherMakeTheWholeRun() throws {
    let scratch = try Scratch()
    let runFile = try write(world.ensemble(), to: scratch.file("run.yml"))
    for shard in ["0/2", "1/2"] {
      let outcome = try Binary.run(["forecast", runFile, "--shard", shard], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("9 members made"))
    }
    let whole = try Binary.run(["run", runFile], in: scratch.directory)
    #expect(whole.output.contains("0 members made"))
  }

  @Test func trainingTwiceGivesTheSameBytesAndResumes() throws {
    let scratch = try Scratch()
    let runFile = try write(world.training(checkpoint: "again.safetensors"), to: scratch.file("train.yml"))
    let outcome = try Binary.run(["train", runFile, "--threads", "1"], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(
      try Data(contentsOf: scratch.file("again.safetensors"))
        == Data(contentsOf: URL(fileURLWithPath: world.checkpoint)))
    let curve = try String(contentsOf: scratch.file("again.safetensors.loss.csv"), encoding: .utf8)
    #expect(
      curve.hasPrefix("step,loss,learning_rate,gradient_norm,validation_loss,rmse_msl_24h,ratio_msl_24h,"))
    // A finished training has nothing left to do.
    let second = try Binary.run(["train", runFile], in: scratch.directory)
    #expect(second.code == 0)
  }

  @Test func climateAndGridFiles() throws {
    let scratch = try Scratch()
    let outcome = try Binary.run(
      [
        "climate", "--files", world.analyses, "--channels", "msl", "--grid", world.gridFile, "--output",
        "climate.nc",
      ], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let reader = try NetCDFReader(scratch.file("climate.nc").path)
    #expect(try GriddedVariable(reader, "msl").length(.time) == 20)
    #expect(try reader.variable("msl_mean").dimensions.count == 2)
    let grid = try Binary.run(["grid", "gaussian", "8", "16"])
    #expect(try grid.output == String(contentsOfFile: world.gridFile, encoding: .utf8))
  }
}
