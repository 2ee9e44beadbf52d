import FieldIO
import Foundation
import Operators
import Sphere
import Testing

/// Each fault through the real binary: one clear message, the documented exit code, nothing half-written.
@Suite struct BadInputTests {
  let world: SmallWorld
  let scratch: Scratch

  init() throws {
    world = try SmallWorld.shared.get()
    scratch = try Scratch()
  }

  /// Runs `apus run` on a run file and returns what it said.
  func run(_ text: String, command: String = "run") throws -> Binary.Outcome {
    let file = scratch.file("run.yml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return try Binary.run([command, file.path], in: scratch.directory)
  }

  func expect(_ outcome: Binary.Outcome, _ code: Int32, _ parts: [String]) {
    #expect(outcome.code == code, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("apus: error: ") }
    #expect(lines.count == 1, "\(outcome.errors)")
    for part in parts { #expect(lines.first?.contains(part) == true, "\(part) is not in: \(outcome.errors)") }
    // No member and no product, whole or half.
    #expect(
      !scratch.files.contains { $0.contains("member_") || $0.contains("products/") || $0.contains(".tmp-") })
  }

  /// A time that comes twice in a file, in whatever role.
  @Test func aTimeThatComesTwice() throws {
    let twice = scratch.file("twice.nc").path
    try SmallWorld.write(to: twice, hours: (0..<80).map { $0 * 6 } + [312, 318])
    expect(try run(world.ensemble(analyses: twice)), 65, ["twice.nc", "a time comes twice", "2026-01-14"])
    let verify = ["verify", "--variable", "msl", "--output", "scores.nc"]
    expect(
      try Binary.run(verify + ["--forecast", world.analyses, "--truth", twice], in: scratch.directory), 65,
      ["twice.nc", "a time comes twice"])
    // The climate may come in files, but every state once.
    let climate = [
      "--threshold-from", "climate:p90", "--forecast", world.analyses, "--truth", world.analyses,
    ]
    expect(
      try Binary.run(verify + climate + ["--climate", world.analyses, twice], in: scratch.directory), 65,
      ["twice.nc", "a state of the climate comes twice"])
    let (early, late) = (scratch.file("early.nc").path, scratch.file("late.nc").path)
    try SmallWorld.write(to: early, hours: (0..<40).map { $0 * 6 })
    try SmallWorld.write(to: late, hours: (40..<80).map { $0 * 6 })
    var scores: [Data] = []
    for files in [[world.analyses], [early, late]] {
      let outcome = try Binary.run(
        verify + climate + ["--climate"] + files + ["--json"], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      scores.append(Data(outcome.output.utf8))
    }
    #expect(scores[0] == scores[1])
  }

  /// Checkpoints that do not go together are named by their files.
  @Test func checkpointsOfOneEnsembleThatDiffer() throws {
    let other = scratch.file("coarse.yml")
    let grid = scratch.file("coarse.txt").path
    try GridDescription.text(for: SphereGrid(.gaussian, latitudes: 6, longitudes: 12)).write(
      toFile: grid, atomically: true, encoding: .utf8)
    try world.training(checkpoint: "coarse.safetensors", steps: 2).replacing(world.gridFile, with: grid)
      .replacing("degrees: 8", with: "degrees: 6").write(to: other, atomically: true, encoding: .utf8)
    let trained = try Binary.run(["train", other.path], in: scratch.directory)
    #expect(trained.code == 0, "\(trained.errors)")
    let coarse = scratch.file("coarse.safetensors").path
    expect(
      try run(world.ensemble(checkpoints: [world.checkpoint, coarse])), 65,
      ["\(coarse): checkpoints of one ensemble differ", "6 x 12", "8 x 16"])
  }

  @Test func missingFile() throws {
    expect(try run(world.ensemble(analyses: "nowhere.nc")), 66, ["nowhere.nc", "no such file"])
    expect(
      try run(world.ensemble(checkpoints: ["nowhere.safetensors"])), 66, ["nowhere.safetensors"])
    expect(try Binary.run(["run", "nowhere.yml"]), 66, ["nowhere.yml"])
  }

  @Test func aDirectoryIsNoFile() throws {
    let directory = scratch.file("d.nc")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    expect(try run(world.ensemble(analyses: directory.path)), 66, [directory.path, "is a directory", "*.nc"])
  }

  @Test func missingVariable() throws {
    let file = scratch.file("a.nc").path
    try SmallWorld.write(to: file, .init(variables: ["msl"]))
    expect(try run(world.ensemble(analyses: file)), 66, [file, "'t2m'", "found msl"])
  }

  @Test func wrongUnits() throws {
    let file = scratch.file("a.nc").path
    try SmallWorld.write(to: file, .init(units: "K"))
    expect(
      try run(world.ensemble(analyses: file)), 65, [file, "'msl'", "units", "found 'K', expected 'Pa'"])
  }

  @Test func unknownGrid() throws {
    let file = scratch.file("a.nc").path
    try SmallWorld.write(to: file, .init(latitudes: [80, 60, 40, 20, -10, -40, -60, -80]))
    expect(
      try run(world.ensemble(analyses: file)), 65,
      [file, "unknown grid", "8 latitudes x 16 longitudes", "cdo"])
  }

  @Test func missingValuesInAnAnalysis() throws {
    let file = scratch.file("a.nc").path
    // The last cycle before the first initial time starts from this state.
    try SmallWorld.write(to: file, .init(nanHour: 13 * 24 - 6))
    expect(
      try run(world.ensemble(analyses: file)), 65, [file, "NaN", "2026-01-13T18:00:00Z", "1 of 128 points"])
  }

  @Test func gapInTime() throws {
    let file = scratch.file("a.nc").path
    try SmallWorld.write(to: file, .init(missingHour: 13 * 24 - 12))
    expect(
      try run(world.ensemble(analyses: file)), 66,
      [file, "no state at 2026-01-13T12:00:00Z", "2026-01-13T06"])
    try SmallWorld.write(to: file, .init(missingHour: 48))
    expect(
      try run(world.training(files: file), command: "train"), 65,
      [file, "gap in time", "between 2026-01-02T18:00:00Z and 2026-01-03T06:00:00Z"])
    #expect(!scratch.files.contains { $0.contains("safetensors") })
  }

  /// No command writes over what it reads.
  @Test func outputsThatAreInputs() throws {
    let file = scratch.file("a.nc").path
    try SmallWorld.write(to: file)
    let link = scratch.file("link.nc").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    let text = scratch.file("run.yml").path
    try world.ensemble(analyses: file).write(toFile: text, atomically: true, encoding: .utf8)
    let before = try Data(contentsOf: URL(fileURLWithPath: file))
    let model = scratch.file("model.safetensors").path
    try FileManager.default.copyItem(atPath: world.checkpoint, toPath: model)
    for command in [
      ["spectrum", file, "--variable", "msl", "--output", file],
      [
        "climate", "sample", "--files", file, "--channels", "msl", "--grid", world.gridFile, "--output", link,
      ],
      ["climate", "states", "--files", file, "--variables", "msl", "--output", file],
      ["climate", "quantiles", "--files", scratch.file("a.*").path, "--variables", "msl", "--output", file],
      ["verify", "--variable", "msl", "--forecast", world.analyses, "--truth", file, "--output", file],
      ["member", text, "--date", "2026-01-14", "--member", "0", "--output", file],
      ["checkpoint", "average", model, world.checkpoint, "--output", model],
    ] {
      expect(try Binary.run(command, in: scratch.directory), 73, ["the output is one of the inputs"])
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    expect(
      try Binary.run(["spectrum", file, "--variable", "msl", "--output", scratch.file("no/s.nc").path]), 73,
      ["no/s.nc", "its directory is not there"])
    expect(
      try Binary.run(["spectrum", file, "--variable", "msl", "--output", scratch.directory.path]), 73,
      ["there is a directory of that name"])
  }

  @Test func threadsOfTheEnvironment() throws {
    for text in ["abc", "0", "-2"] {
      let outcome = try Binary.run(
        ["verify", "--variable", "msl", "--forecast", "a.nc", "--truth", "a.nc", "--output", "s.nc"],
        environment: ["APUS_THREADS": text])
      expect(outcome, 64, ["APUS_THREADS is '\(text)'"])
    }
  }

  @Test func truncatedNetCDF() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: world.analyses))
    let file = scratch.file("short.nc")
    try whole.prefix(whole.count / 2).write(to: file)
    expect(try run(world.ensemble(analyses: file.path)), 65, [file.path, "truncated"])
  }

  @Test func truncatedSafetensors() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: world.checkpoint))
    let file = scratch.file("short.safetensors")
    try whole.dropLast(100).write(to: file)
    expect(try run(world.ensemble(checkpoints: [file.path])), 65, [file.path, "truncated"])
  }

  /// A checkpoint with one metadata text or tensor replaced.
  func spoilt(_ change: (inout SafeTensors) -> Void) throws -> String {
    var content = try SafeTensors.read(world.checkpoint)
    change(&content)
    let file = scratch.file("spoilt.safetensors").path
    try content.write(file)
    return file
  }

  @Test func checkpointWithOtherShapes() throws {
    let file = try spoilt { $0.tensors["model.decoder.fwd.2.weight"] = .init([1, 2], shape: [2]) }
    expect(
      try run(world.ensemble(checkpoints: [file])), 65,
      [file, "model.decoder.fwd.2.weight", "found [2], expected [2, 16, 1, 1]"])
  }

  @Test func checkpointWithOtherChannels() throws {
    let file = try spoilt { $0.metadata["channels"] = #"["msl"]"# }
    expect(try run(world.ensemble(checkpoints: [file])), 65, [file, "channels", "out_chans = 2"])
    let renamed = try spoilt {
      $0.metadata["channels"] = #"["msl","z500"]"#
      $0.metadata["normalisation"] = $0.metadata["normalisation"]?.replacing("t2m", with: "z500")
      $0.metadata["units"] = #"["Pa","m"]"#
    }
    expect(
      try run(world.ensemble(checkpoints: [world.checkpoint, renamed])), 65,
      ["checkpoints of one ensemble differ", "msl z500"])
  }

  @Test func checkpointWithAnotherGrid() throws {
    let file = try spoilt { $0.metadata["grid"] = "gaussian 9 16" }
    expect(
      try run(world.ensemble(checkpoints: [file])), 65,
      [file, "'grid'", "found gaussian 9 16, expected gaussian 8 16"])
  }

  @Test func unwritableOutput() throws {
    try Data().write(to: scratch.file("file"))
    expect(try run(world.ensemble(output: "file/run")), 73, ["file/run", "cannot create"])
  }

  /// A limit on file size stands for a full disk: writes fail half-way.
  @Test func fullDisk() throws {
    let file = scratch.file("run.yml")
    try world.ensemble().write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "trap '' XFSZ; ulimit -f 12; exec \"$0\" run \"$1\"", Binary.path, file.path]
    process.currentDirectoryURL = scratch.directory
    let errors = scratch.file("errors.txt")
    try Data().write(to: errors)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOf: errors, encoding: .utf8)
    #expect(process.terminationStatus == 74, "\(text)")
    #expect(text.contains("writing failed"), "\(text)")
    #expect(!scratch.files.contains { $0.contains("member_") }, "\(scratch.files)")
  }

  @Test func misspeltKey() throws {
    let text = world.ensemble().replacing("  seed_channels:", with: "  sead_channels:")
    expect(
      try run(text), 78, ["run.yml:", "sead_channels", "seed_channels"])
    // Line and column of the key.
    let line = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
      $0.contains("sead")
    }
    #expect(try run(text).errors.contains("run.yml:\((line ?? 0) + 1):3"))
  }

  @Test func aDirectoryOfAnotherRunIsLeftAlone() throws {
    let first = try run(world.ensemble(), command: "forecast")
    #expect(first.code == 0, "\(first.errors)")
    let before = scratch.files
    let second = try run(world.ensemble().replacing("seed: 11", with: "seed: 12"), command: "forecast")
    #expect(second.code == 73)
    #expect(second.errors.contains("holds another run"))
    #expect(scratch.files == before)
  }
}
