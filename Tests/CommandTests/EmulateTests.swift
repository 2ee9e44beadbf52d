import Emulators
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing

/// `apus train` of emulators and `apus emulate`, through the real binary.
@Suite struct EmulateTests {
  let world: EmulationWorld
  init() throws { world = try EmulationWorld.shared.get() }

  func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  static func draw(
    _ kind: String, _ world: EmulationWorld, _ more: [String], to output: String, threads: Int = 2
  )
    throws -> Binary.Outcome
  {
    try Binary.run(
      ["emulate", world.emulator(kind), "--seeds", world.hindcasts, "--output", output] + more,
      environment: ["APUS_THREADS": "\(threads)"])
  }

  @Test(arguments: EmulationWorld.kinds) func membersAreReproducibleAlone(_ kind: String) throws {
    let scratch = try Scratch()
    let (all, one) = (scratch.file("all").path, scratch.file("one").path)
    let outcome = try EmulateTests.draw(
      kind, world, ["--seed-members", "1", "3", "--members", "4", "--from", "2026-01-10", "--json"], to: all)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let report = try outcome.json()
    #expect(report["distinct_seeds"] as? [Int] == [1, 3])
    #expect(report["lead_hours"] as? [Int] == [24, 48])
    #expect(try FileManager.default.contentsOfDirectory(atPath: all) == ["members"])
    let alone = try EmulateTests.draw(
      kind, world,
      ["--seed-members", "1", "3", "--members", "1", "--first-member", "3", "--from", "2026-01-10"], to: one,
      threads: 1)
    #expect(alone.code == 0, "\(alone.errors)")
    let name = "/members/20260110T00/member_0003.nc"
    #expect(try bytes(all + name) == bytes(one + name))
    #expect(try bytes(all + name) != bytes(all + "/members/20260110T00/member_0002.nc"))
    // However the same seeds are named.
    let few = scratch.file("few").path
    let directory = world.hindcasts.replacing("*/*.nc", with: "20260110T00")
    let narrow = try Binary.run([
      "emulate", world.emulator(kind), "--seeds", directory + "/../20260110T00/member_0001.nc",
      directory + "/member_0003.nc", "--seed-members", "1", "3", "--members", "1", "--first-member", "3",
      "--output", few,
    ])
    #expect(narrow.code == 0, "\(narrow.errors)")
    #expect(try bytes(few + name) == bytes(one + name))
    // The member format, with what made it.
    let reader = try NetCDFReader(all + name)
    let variable = try GriddedVariable(reader, "msl")
    #expect(variable.units == "Pa")
    #expect(variable.leadHours == [24, 48])
    #expect(variable.members == [3])
    let values = try variable.fields(.time, 0..<2)
    #expect(values.allSatisfy { $0 > 90_000 && $0 < 112_000 })
    #expect(reader.attributes["emulator_seeds"]?.text == "members 1, 3")
    #expect(reader.attributes["emulator_seed_files"]?.text == "member_0001.nc, member_0003.nc")
    #expect(reader.attributes["member_seed"]?.text?.hasPrefix("seed 1, initial time 2026-01-10") == true)
  }

  @Test func whatIsThereIsNotMadeAgain() throws {
    let scratch = try Scratch()
    let output = scratch.file("out").path
    let options = ["--random-seeds", "2", "--members", "6", "--from", "2026-01-10"]
    #expect(try EmulateTests.draw("one_step", world, options, to: output).code == 0)
    let name = output + "/members/20260110T00/member_0005.nc"
    let before = try bytes(name)
    try FileManager.default.removeItem(atPath: name)
    let again = try EmulateTests.draw("one_step", world, options + ["--json"], to: output).json()
    #expect(try bytes(name) == before)
    #expect(again["draws"] as? Int == 2)
    #expect(
      (try EmulateTests.draw("one_step", world, options + ["--json"], to: output).json())["draws"] as? Int
        == 0)
  }

  /// A directory holds members of one draw; more of them renew the products, and a damaged one is made again.
  @Test func anotherDrawIsRefused() throws {
    let scratch = try Scratch()
    let output = scratch.file("out").path
    let base = ["--from", "2026-01-10", "--products", "--seed-members", "1", "3"]
    func draw(_ more: [String]) throws -> Binary.Outcome {
      try EmulateTests.draw("diffusion", world, base + more, to: output)
    }
    #expect(try draw(["--members", "2", "--levels", "3"]).code == 0)
    let (member, mean) = ("/members/20260110T00/member_0002.nc", "/products/mean_20260110T00.nc")
    let before = try bytes(output + member)
    for (change, what) in [
      (["--seed", "2"], "member_seed"), (["--levels", "4"], "sampler"),
      (["--quantise-bits", "9"], "quantization"),
      (["--lead-times", "24"], "lead times"),
    ] {
      let outcome = try draw(
        ["--members", "3"] + (change[0] == "--levels" ? [] : ["--levels", "3"]) + change)
      #expect(outcome.code == 73, "\(outcome.errors)")
      #expect(outcome.errors.contains("'\(what)': the directory holds another draw"), "\(outcome.errors)")
    }
    let other = try EmulateTests.draw(
      "diffusion", world,
      ["--from", "2026-01-10", "--seed-members", "2", "3", "--members", "3", "--levels", "3"],
      to: output)
    #expect(other.code == 73 && other.errors.contains("'emulator_seeds'"), "\(other.errors)")
    #expect(try bytes(output + member) == before)
    #expect(try NetCDFReader(output + mean).attributes["member_numbers"]?.text == "1 to 2")

    try Data("trunc".utf8).write(to: URL(fileURLWithPath: output + member))
    #expect(try draw(["--members", "4", "--levels", "3"]).code == 0)
    #expect(try bytes(output + member) == before)
    #expect(try NetCDFReader(output + mean).attributes["member_numbers"]?.text == "1 to 4")
    let fresh = scratch.file("fresh").path
    #expect(
      try EmulateTests.draw("diffusion", world, base + ["--members", "4", "--levels", "3"], to: fresh).code
        == 0)
    #expect(try bytes(output + mean) == bytes(fresh + mean))
    // Products of some of the members that are there are refused; members beyond them make them stale, which is said.
    let part = try draw(["--members", "2", "--first-member", "3", "--levels", "3"])
    #expect(part.code == 73 && part.errors.contains("products would leave out"), "\(part.errors)")
    let further = try EmulateTests.draw(
      "diffusion", world,
      ["--from", "2026-01-10", "--seed-members", "1", "3", "--members", "6", "--levels", "3"], to: output)
    #expect(further.code == 0 && further.errors.contains("of fewer members"), "\(further.errors)")
    #expect(try NetCDFReader(output + mean).attributes["member_numbers"]?.text == "1 to 4")
  }

  /// Two seeds of one number: a number chooses neither.
  @Test func seedsOfOneNumberAreRefused() throws {
    let scratch = try Scratch()
    let (own, twins) = (try seeds(scratch, "own"), try seeds(scratch, "twins"))
    let outcome = try Binary.run(
      [
        "emulate", world.emulator("one_step"), "--seed-members", "1", "3", "--members", "2", "--output",
        scratch.file("out").path, "--seeds",
      ] + own + [twins[0]])
    #expect(outcome.code == 65 && outcome.errors.contains("a member number comes twice"), "\(outcome.errors)")
    #expect(!scratch.files.contains { $0.hasPrefix("out/") })
  }

  /// What says something of a forecaster's loss is refused, not passed over.
  @Test(arguments: ["loss: hens-absolute", "channel_weights: {t2m: 7}", "rollout_steps: 2"])
  func aForecastersLossIsRefused(_ key: String) throws {
    let scratch = try Scratch()
    let file = scratch.file("train.yml")
    try world.training("one_step").replacing("optimisation: {", with: "optimisation: {\(key), ").write(
      to: file, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["train", file.path, "--output", scratch.file("m.safetensors").path])
    #expect(outcome.code == 78 && outcome.errors.contains("a loss of their own"), "\(outcome.errors)")
    #expect(outcome.errors.contains(String(key.prefix { $0 != ":" })), "\(outcome.errors)")
  }

  /// Products are those of the members, streamed or read back, on one thread or two.
  @Test func products() throws {
    let scratch = try Scratch()
    let options = ["--seed-members", "1", "3", "--members", "5", "--from", "2026-01-10", "--products"]
    let (all, alone, resumed) = (scratch.file("a").path, scratch.file("b").path, scratch.file("c").path)
    #expect(try EmulateTests.draw("one_step", world, options, to: all).code == 0)
    let bare = try EmulateTests.draw(
      "one_step", world, options + ["--no-write-members"], to: alone, threads: 1)
    #expect(bare.code == 0, "\(bare.errors)")
    // Members first, their products later.
    #expect(try EmulateTests.draw("one_step", world, options.dropLast(), to: resumed).code == 0)
    #expect(try EmulateTests.draw("one_step", world, options, to: resumed).code == 0)
    for product in ["mean", "spread", "minimum", "maximum"] {
      let name = "/products/\(product)_20260110T00.nc"
      #expect(try bytes(all + name) == bytes(alone + name))
      #expect(try bytes(all + name) == bytes(resumed + name))
    }
    #expect(!FileManager.default.fileExists(atPath: alone + "/members/20260110T00/member_0001.nc"))
    let members = try (1...5).map {
      try GriddedVariable(NetCDFReader(all + "/members/20260110T00/member_000\($0).nc"), "t2m").fields(
        .time, 0..<2)
    }
    let mean = try GriddedVariable(NetCDFReader(all + "/products/mean_20260110T00.nc"), "t2m").fields(
      .time, 0..<2)
    let spread = try GriddedVariable(NetCDFReader(all + "/products/spread_20260110T00.nc"), "t2m").fields(
      .time, 0..<2)
    for i in mean.indices {
      let values = members.map { Double($0[i]) }
      let expected = values.reduce(0, +) / 5
      let variance = values.reduce(0) { $0 + ($1 - expected) * ($1 - expected) } / 4
      #expect(abs(Double(mean[i]) - expected) < 1e-3)
      #expect(abs(Double(spread[i]) - variance.squareRoot()) < 2e-3)
    }
  }

  /// As a stage of a run file; the members are those of the command.
  @Test func runFileStage() throws {
    let scratch = try Scratch()
    let file = scratch.file("run.yml")
    let text = world.small.ensemble(
      output: scratch.file("run").path,
      extra: "emulation: {emulator: \(world.emulator("one_step")), members: 3, seed_members: [1, 3]}")
    try text.write(to: file, atomically: true, encoding: .utf8)
    let plan = try Binary.run(["plan", file.path, "--json"]).json()
    #expect(plan["emulated"] as? Int == 6)
    let outcome = try Binary.run(["run", file.path])
    #expect(outcome.code == 0, "\(outcome.errors)")
    // Every field file that the plan counts: members and products of the run and of the emulation.
    let made = scratch.files.filter {
      $0.hasSuffix(".nc") && ($0.contains("/members/") || $0.contains("/products/"))
    }
    #expect(plan["files"] as? Int == made.count, "\(made)")
    let drawn = scratch.file("run/emulated/members/20260114T00/member_0003.nc")
    let status = { try Binary.run(["status", scratch.file("run").path, "--json"]).json() }
    #expect(try status()["emulated_done"] as? Int == 6 && status()["emulated_planned"] as? Int == 6)
    try FileManager.default.removeItem(at: drawn)
    #expect(try status()["emulated_done"] as? Int == 5)
    #expect(outcome.output.contains("emulated: members of 2 initial times, 3 each"), "\(outcome.output)")
    let own = scratch.file("run/emulated")
    #expect(FileManager.default.fileExists(atPath: own.path + "/products/spread_20260115T00.nc"))
    let command = try Binary.run([
      "emulate", world.emulator("one_step"), "--seeds", scratch.file("run/members/*/*.nc").path,
      "--seed-members",
      "1", "3", "--members", "1", "--first-member", "2", "--seed", "11", "--quantise-bits", "14", "--output",
      scratch.file("alone").path,
    ])
    #expect(command.code == 0, "\(command.errors)")
    func fields(_ directory: String) throws -> [Float] {
      try GriddedVariable(
        NetCDFReader(scratch.file(directory).path + "/members/20260114T00/member_0002.nc"), "msl"
      ).fields(.time, 0..<2)
    }
    #expect(try fields("run/emulated") == fields("alone"))
    try text.replacing("quantise_bits: 14", with: "members: none").write(
      to: file, atomically: true, encoding: .utf8)
    let refused = try Binary.run(["run", file.path])
    #expect(refused.code == 78)
    #expect(refused.errors.contains("members that are not kept"), "\(refused.errors)")
  }

  @Test func samplersAreChosen() throws {
    let scratch = try Scratch()
    func member(_ options: [String], _ name: String) throws -> Data {
      let output = scratch.file(name).path
      let outcome = try EmulateTests.draw(
        "diffusion", world,
        ["--seed-members", "2", "4", "--members", "1", "--from", "2026-01-10"] + options, to: output)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try bytes(output + "/members/20260110T00/member_0001.nc")
    }
    let heun = try member([], "a")
    #expect(try heun == member(["--sampler", "heun", "--levels", "8"], "b"))
    #expect(try heun != member(["--sampler", "dpm_solver_2s"], "c"))
    #expect(try heun != member(["--noise-factor", "1.05"], "d"))
  }

  @Test(
    arguments: [
      (["--seed-members", "1", "77"], 65, "member 77"),
      (["--seed-members", "1"], 65, "number of seeds does not fit"),
      (["--seed-members", "1", "3", "--lead-times", "36"], 65, "24 h, 48 h"),
      (["--seed-members", "1", "3", "--from", "2030-01-01"], 66, "no initial time in the period"),
      (["--seed-members", "1", "3", "--levels", "5"], 64, "diffusion"),
      (["--seed-members", "1", "1"], 64, "twice"),
      ([], 64, "--seed-members or --random-seeds"),
    ] as [([String], Int32, String)])
  func badInput(_ options: [String], _ code: Int32, _ message: String) throws {
    let scratch = try Scratch()
    let outcome = try EmulateTests.draw(
      "one_step", world, options + ["--members", "2"], to: scratch.file("out").path)
    #expect(outcome.code == code, "\(outcome.errors)")
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(scratch.files.isEmpty)
  }

  /// Members 1 and 3 of the hindcast of 10 January, altered.
  func seeds(
    _ scratch: Scratch, _ name: String, hours: [Int] = [24, 48], grid kind: SphereGrid.Kind? = nil,
    _ change: (_ channel: String, _ value: Float) -> Float = { $1 }
  ) throws -> [String] {
    try [1, 3].map { member in
      let source = world.directory.appendingPathComponent(
        "run/members/20260110T00/member_000\(member).nc")
      let reader = try NetCDFReader(source.path)
      let channels = ["msl", "t2m"]
      let variables = try channels.map { try GriddedVariable(reader, $0) }
      var values: [Float] = []
      for hours in hours {
        for (channel, variable) in zip(channels, variables) {
          let place = try #require(variable.leadHours.firstIndex(of: Double(hours)))
          values += try variable.fields(.time, place..<place + 1).map { change(channel, $0) }
        }
      }
      let own = variables[0].grid
      let grid = try kind.map {
        try SphereGrid($0, latitudes: own.latitudeCount, longitudes: own.longitudeCount)
      }
      let path = scratch.file("\(name)_\(member).nc").path
      try ForecastFile(
        initialTime: Instant(year: 2026, month: 1, day: 10), leadHours: hours, channels: channels,
        units: ["Pa", "K"], grid: grid ?? own, values: values, realization: member, attributes: []
      ).write(path)
      return path
    }
  }

  /// Seeds are told apart by what they say: of the same numbers and dates, but of another ensemble, they do not
  /// continue what is there.
  @Test func otherSeedsAreRefused() throws {
    let scratch = try Scratch()
    let output = scratch.file("out").path
    func draw(_ seeds: [String], _ more: [String] = ["--members", "2"], to output: String) throws
      -> Binary.Outcome
    {
      try Binary.run(
        ["emulate", world.emulator("gaussian_shrinkage"), "--seeds"] + seeds
          + ["--seed-members", "1", "3", "--output", output] + more)
    }
    let own = try seeds(scratch, "own")
    #expect(try draw(own, ["--members", "2", "--products"], to: output).code == 0)
    let warm = try draw(
      seeds(scratch, "warm") { $0 == "t2m" ? $1 + 20 : $1 }, ["--members", "4", "--products"], to: output)
    #expect(warm.code == 73 && warm.errors.contains("'emulator_seeds_sha256'"), "\(warm.errors)")
    // The same values in other files are the same seeds.
    let copies = try seeds(scratch, "copies")
    let again = try draw(copies, ["--members", "4", "--products", "--json"], to: output)
    #expect(again.code == 0, "\(again.errors)")
    #expect(try again.json()["draws"] as? Int == 4)

    for (other, code, message): ([String], Int32, String) in [
      (try seeds(scratch, "regular", grid: .equiangular), 65, "another grid"),
      (try seeds(scratch, "huge") { $1 * ($0 == "t2m" ? 1e36 : 1) }, 65, "not finite"),
    ] {
      let outcome = try draw(other, to: scratch.file("bad").path)
      #expect(outcome.code == code && outcome.errors.contains(message), "\(outcome.errors)")
    }
    #expect(!scratch.files.contains { $0.hasPrefix("bad/members/20260110T00/m") })
    let late = try draw(
      seeds(scratch, "late", hours: [48]), ["--members", "2", "--lead-times", "24", "48"],
      to: scratch.file("late").path)
    #expect(late.code == 66 && late.errors.contains("lack a lead time"), "\(late.errors)")
    let run = try draw(own, to: world.directory.appendingPathComponent("run").path)
    #expect(run.code == 73 && run.errors.contains("holds an ensemble run"), "\(run.errors)")
  }

  /// What the emulation of a run file cannot have is refused before any member is made.
  @Test(
    arguments: [
      ("members: 3, seed_members: [1, 99]", 78, "'emulation.seed_members': is no member of the run"),
      ("members: 3, seed_members: [1, 2, 3]", 78, "number of seeds does not fit"),
      ("members: 3, seed_members: [1, 3], lead_hours: [24, 72]", 78, "is not both forecast and drawn"),
    ] as [(String, Int32, String)])
  func stagesAreCheckedFirst(_ section: String, _ code: Int32, _ message: String) throws {
    let scratch = try Scratch()
    let file = scratch.file("run.yml")
    try world.small.ensemble(
      output: scratch.file("run").path,
      extra: "emulation: {emulator: \(world.emulator("one_step")), \(section)}"
    ).write(to: file, atomically: true, encoding: .utf8)
    for command in ["plan", "run"] {
      let outcome = try Binary.run([command, file.path])
      #expect(outcome.code == code && outcome.errors.contains(message), "\(command): \(outcome.errors)")
    }
    #expect(!scratch.files.contains { $0.hasSuffix(".nc") })
  }

  /// Nothing is learnt, or drawn, for a lead time that no hindcast has.
  @Test(arguments: ["gaussian_shrinkage", "one_step"]) func leadTimesWithoutHindcasts(_ kind: String) throws {
    let scratch = try Scratch()
    let file = scratch.file("train.yml")
    try world.training(kind).replacing("lead_hours: [24, 48]", with: "lead_hours: [24, 96]").write(
      to: file, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["train", file.path, "--output", scratch.file("m.safetensors").path])
    #expect(outcome.code == 66 && outcome.errors.contains("96 h too"), "\(outcome.errors)")
    #expect(!scratch.files.contains("m.safetensors"))
  }

  @Test func inspected() throws {
    let emulator = try Binary.run(["inspect", world.emulator("one_step")])
    #expect(
      emulator.output.contains("emulator    one_step, from 2 seeds, lead times 24, 48 h"),
      "\(emulator.output)")
    let variational = try Binary.run(["inspect", world.emulator("variational")])
    #expect(variational.output.contains("variational: perturbs itself"), "\(variational.output)")
  }

  /// Emulators too: a second training of the same file is kept out.
  @Test func twoTrainingsOfOneEmulator() throws {
    let scratch = try Scratch()
    let file = scratch.file("train.yml")
    try world.training("gaussian_shrinkage").write(to: file, atomically: true, encoding: .utf8)
    let lock = try RunLock(scratch.file("m.safetensors.lock").path, isTemporary: true)
    let second = try Binary.run(["train", file.path, "--output", scratch.file("m.safetensors").path])
    #expect(second.code == 75 && second.errors.contains("held by pid"), "\(second.errors)")
    withExtendedLifetime(lock) {}
  }

  @Test func aCheckpointIsNoEmulator() throws {
    let scratch = try Scratch()
    let outcome = try Binary.run(
      [
        "emulate", world.small.checkpoint, "--seeds", world.hindcasts, "--seed-members", "1", "3",
        "--members",
        "1", "--output", scratch.file("out").path,
      ])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("is no emulator"))
  }

  @Test(
    arguments: [
      ("kind: one_step", "kind: one_stop", "Did you mean 'one_step'?"),
      ("seed_counts", "seed_count", "Did you mean 'seed_counts'?"),
      ("optimisation:", "optimization:", "Did you mean 'optimisation'?"),
      ("keep: best", "keep: last, snapshots_every: 3", "one set of weights"),
      ("keep: best", "keep: both", "one set of weights"),
      ("keep: best", "keep: last", ""),
    ])
  func runFiles(_ text: String, _ other: String, _ message: String) throws {
    let scratch = try Scratch()
    let file = scratch.file("train.yml")
    try world.training("one_step").replacing(text, with: other).write(
      to: file, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["train", file.path, "--output", scratch.file("m.safetensors").path])
    #expect(outcome.code == (message.isEmpty ? 0 : 78), "\(outcome.errors)")
    #expect(message.isEmpty || outcome.errors.contains(message), "\(outcome.errors)")
  }

  /// Training that was stopped and resumed gives the same file.
  @Test func trainingResumes() throws {
    let scratch = try Scratch()
    let file = scratch.file("train.yml")
    try world.training("one_step").write(to: file, atomically: true, encoding: .utf8)
    let output = scratch.file("m.safetensors").path
    #expect(try Binary.run(["train", file.path, "--output", output]).code == 0)
    #expect(try bytes(output) == bytes(world.emulator("one_step")))
    // The state is that of the end: nothing is left to do.
    let again = try Binary.run(["train", file.path, "--output", output])
    #expect(again.code == 0)
    #expect(again.errors.contains("resuming after step 12 of 12"))
    #expect(try bytes(output) == bytes(world.emulator("one_step")))
  }

  @Test func variationalForecasts() throws {
    let scratch = try Scratch()
    let model = world.emulator("variational")
    func draw(_ options: [String], _ name: String) throws -> Binary.Outcome {
      try Binary.run(
        [
          "emulate", model, "--analyses", world.small.analyses, "--from", "2026-01-14", "--lead-times", "6",
          "24",
          "--output", scratch.file(name).path,
        ] + options)
    }
    let outcome = try draw(["--members", "4", "--first-member", "0"], "all")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try draw(["--members", "1", "--first-member", "2"], "one").code == 0)
    let name = "/members/20260114T00/member_000"
    #expect(
      try bytes(scratch.file("all").path + name + "2.nc") == bytes(scratch.file("one").path + name + "2.nc"))
    func fields(_ member: Int) throws -> [Float] {
      try GriddedVariable(NetCDFReader(scratch.file("all").path + name + "\(member).nc"), "t2m")
        .fields(.time, 0..<2)
    }
    #expect(try fields(0) != fields(1))
    #expect(try fields(2) != fields(1))
    for (options, message) in [
      (["--every-hours", "9223372036854775807"], "--every-hours"), (["--to", "2026-01-13"], "before --from"),
      (["--seed-members", "1"], "go with --seeds"), (["--lead-times", "87606"], "87606"),
    ] {
      let refused = try draw(["--members", "1"] + options, "refused")
      #expect(refused.code == 64 && refused.errors.contains(message), "\(refused.errors)")
    }
    let bad = try draw(["--members", "1", "--lead-times", "7"], "bad")
    #expect(bad.code == 64)
    #expect(bad.errors.contains("multiples of 6 h"))
    // Calibrated, with another memory of the noise: the same weights, other members.
    let tuned = scratch.file("tuned.safetensors").path
    let calibration = try Binary.run([
      "checkpoint", "calibrate", model, "--data", world.small.analyses, "--lead-hours", "6,24", "--starts",
      "4", "--first-degree", "2", "--iterations", "2", "--noise-memory", "0.5", "--output", tuned,
    ])
    #expect(calibration.code == 0, "\(calibration.errors)")
    let (before, after) = try (SafeTensors.read(model), SafeTensors.read(tuned))
    #expect(before.tensors.keys.sorted() == after.tensors.keys.sorted())
    for (name, tensor) in before.tensors { #expect(after.tensors[name]?.bytes == tensor.bytes, "\(name)") }
    #expect(after.metadata["variational"]?.contains("0.5") == true)
    #expect(
      try String(contentsOfFile: scratch.file("tuned.md").path, encoding: .utf8).contains("constant prior"))
    // Calibrated again: the card shows what holds, not what was before.
    let again = scratch.file("again.safetensors").path
    let second = try Binary.run([
      "checkpoint", "calibrate", tuned, "--data", world.small.analyses, "--lead-hours", "6", "--starts", "2",
      "--first-degree", "3", "--iterations", "1", "--output", again,
    ])
    #expect(second.code == 0, "\(second.errors)")
    let secondCard = try String(contentsOfFile: scratch.file("again.md").path, encoding: .utf8)
    #expect(secondCard.components(separatedBy: "The card of the weights follows.").count == 2)
    #expect(secondCard.contains("relaxed from 3 on") && !secondCard.contains("relaxed from 2 on"))
    #expect(secondCard.contains("constant prior"))
    let drawn = try Binary.run([
      "emulate", tuned, "--analyses", world.small.analyses, "--from", "2026-01-14", "--lead-times", "6", "24",
      "--members", "2", "--output", scratch.file("drawn").path,
    ])
    #expect(drawn.code == 0, "\(drawn.errors)")
    #expect(
      try bytes(scratch.file("drawn").path + name + "1.nc") != bytes(scratch.file("all").path + name + "1.nc")
    )
    // The same with a finish: the same forecast, its degrees multiplied where it is written.
    let finished = scratch.file("finished.safetensors").path
    let finish = try Binary.run([
      "checkpoint", "calibrate", model, "--data", world.small.analyses, "--lead-hours", "6,24", "--starts",
      "4", "--first-degree", "2", "--iterations", "2", "--noise-memory", "0.5", "--finish-hours", "24,6",
      "--finish-starts", "5", "--output", finished,
    ])
    #expect(finish.code == 0, "\(finish.errors)")
    #expect(finish.output.contains("at 6, 24 h from 5 starts"), "\(finish.output)")
    let plan = try VariationalFile.read(finished)
    let gains = try #require(plan.finish)
    let unfinished = try VariationalFile.read(tuned)
    #expect(gains.leadHours == [6, 24] && plan.tuning == unfinished.tuning && unfinished.finish == nil)
    #expect(
      try String(contentsOfFile: scratch.file("finished.md").path, encoding: .utf8).contains("finish of"))
    #expect(try Binary.run(["inspect", finished]).output.contains("finish      written members"))
    func spectra(_ directory: String) throws -> [[Float]] {
      let file = try NetCDFReader(scratch.file(directory).path + name + "1.nc")
      let transform = SphericalTransform<Float>(grid: plan.grid, degrees: plan.degrees)
      let fields = try plan.base.channels.map { try GriddedVariable(file, $0).fields(.time, 0..<2) }
      let points = plan.grid.pointCount
      return (0..<2).map { lead in
        var state = fields.flatMap { Array($0[lead * points..<(lead + 1) * points]) }
        state.withUnsafeMutableBufferPointer {
          if let base = $0.baseAddress { plan.normalisation.normalise(base, into: base, points: points) }
        }
        return transform.forward(state, count: fields.count)
      }
    }
    let more = try Binary.run([
      "emulate", finished, "--analyses", world.small.analyses, "--from", "2026-01-14", "--lead-times", "6",
      "24", "--members", "1", "--output", scratch.file("more").path,
    ])
    #expect(more.code == 0, "\(more.errors)")
    let (raw, ended) = (try spectra("drawn"), try spectra("more"))
    let (degrees, channels) = (plan.degrees, plan.base.channels.count)
    let orders = raw[0].count / (channels * degrees * 2)
    for lead in 0..<2 {
      for c in 0..<channels {
        for l in 0..<degrees {
          for i in 0..<2 * orders {
            let place = (c * degrees + l) * 2 * orders + i
            let expected = raw[lead][place] * Float(gains.gains[lead][c][l])
            #expect(abs(ended[lead][place] - expected) < 2e-4, "\(lead), \(c), \(l)")
          }
        }
      }
    }
    #expect(gains.gains.joined().joined().contains { abs($0 - 1) > 0.01 })
    // It was measured with this memory of the noise, and is left out with another.
    let other = try Binary.run([
      "emulate", finished, "--analyses", world.small.analyses, "--from", "2026-01-14", "--lead-times", "6",
      "--members", "1", "--noise-memory", "0.25", "--output", scratch.file("other").path,
    ])
    #expect(other.code == 0 && other.errors.contains("a noise memory of 0.5"), "\(other.errors)")
    #expect(!more.errors.contains("a noise memory"))
    func mark(_ directory: String) throws -> String? {
      try NetCDFReader(scratch.file(directory).path + name + "1.nc").attributes["spectral_finish"]?.text
    }
    for directory in ["other", "drawn"] { #expect(try mark(directory) == "none") }
    #expect(try mark("more")?.contains("at 6, 24 h") == true)
    let misplaced = try Binary.run([
      "checkpoint", "calibrate", finished, "--data", world.small.analyses, "--finish-hours", "7", "--output",
      scratch.file("no.safetensors").path,
    ])
    #expect(misplaced.code == 64 && misplaced.errors.contains("multiples of 6 h"), "\(misplaced.errors)")
    // The test for prior collapse is in the log and on the card.
    #expect(world.variationalLog.contains("KL "))
    let card = try String(
      contentsOfFile: model.replacing(".safetensors", with: ".md"), encoding: .utf8)
    #expect(card.contains("constant prior"))
  }
}

/// Hindcasts of the small world, and emulators that the binary trains on them once.
final class EmulationWorld: Sendable {
  static let shared: Result<EmulationWorld, any Error> = Result { try EmulationWorld() }
  static let kinds = ["one_step", "diffusion", "gaussian_shrinkage", "residual_bootstrap", "emos"]

  let small: SmallWorld
  let directory: URL
  let variationalLog: String

  func emulator(_ kind: String) -> String { directory.appendingPathComponent("\(kind).safetensors").path }
  /// All member files.
  var hindcasts: String { directory.appendingPathComponent("run/members/*/*.nc").path }

  private init() throws {
    let small = try SmallWorld.shared.get()
    self.small = small
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-emulation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    self.directory = directory
    func run(_ name: String, _ text: String, _ arguments: [String]) throws -> Binary.Outcome {
      let file = directory.appendingPathComponent(name)
      try text.write(to: file, atomically: true, encoding: .utf8)
      let outcome = try Binary.run(arguments.map { $0 == "FILE" ? file.path : $0 }, in: directory)
      guard outcome.code == 0 else { throw SmallWorld.Trouble(text: outcome.errors) }
      return outcome
    }
    let hindcasts = small.ensemble().replacing(
      "initial_times: {from: 2026-01-14, to: 2026-01-15, every_hours: 24}",
      with: "initial_times: {from: 2026-01-04, to: 2026-01-17, every_hours: 24}"
    )
    .replacing("verification: {variables: [msl, t2m], threshold: \"climate:mean+1std\"}", with: "")
    .replacing("report: {title: \"Small & simple\"}", with: "")
    _ = try run("ensemble.yml", hindcasts, ["run", "FILE"])
    for kind in EmulationWorld.kinds {
      _ = try run("\(kind).yml", EmulationWorld.training(kind, small, directory), ["train", "FILE"])
    }
    let log = try run(
      "variational.yml",
      small.training(checkpoint: directory.appendingPathComponent("variational.safetensors").path, steps: 12)
        .replacing("warmup_steps: 5", with: "warmup_steps: 2")
          + """

          initial_checkpoint: \(small.checkpoint)
          variational: {latent_channels: 2, latent_degrees: 3, width: 16, blocks: 1}
          """, ["train", "FILE"])
    variationalLog = log.errors
  }

  /// A training run file.
  func training(_ kind: String) -> String { EmulationWorld.training(kind, small, directory) }

  private static func training(_ kind: String, _ small: SmallWorld, _ directory: URL) -> String {
    let learns = kind == "one_step" || kind == "diffusion"
    return """
      name: small \(kind)
      seed: 3
      emulator: {kind: \(kind), seed_counts: [2], keep_pairs_apart: true}
      data:
        grid: \(small.gridFile)
        degrees: 6
        channels: [msl, t2m]
        lead_hours: [24, 48]
        hindcasts: {files: "run/members/*/*.nc", to: 2026-01-12}
        validation: {files: "run/members/*/*.nc", from: 2026-01-15}
        truth: {files: \(small.analyses)}
        climate: {files: \(small.analyses)}
        climate_every_hours: 6
      \(learns ? "network: {embed_dim: 16, num_layers: 2}" : "")
      \(learns ? "optimisation: {steps: 12, batch_size: 4, learning_rate: 1e-3, warmup_steps: 2}" : "")
      output: {checkpoint: \(directory.path)/\(kind).safetensors, every_steps: 4\(learns ? ", keep: best" : "")}
      """.replacing("run/members", with: directory.path + "/run/members")
  }
}
