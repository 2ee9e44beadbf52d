import Ensembles
import Foundation
import Operators
import Testing

/// What `apus train` and `apus checkpoint average` write, through the real binary.
@Suite struct TrainingCommandTests {
  let world: SmallWorld
  init() throws { world = try SmallWorld.shared.get() }

  func write(_ text: String, to file: URL) throws -> String {
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func train(_ text: String, _ scratch: Scratch, _ arguments: [String] = []) throws -> Binary.Outcome {
    let runFile = try write(text, to: scratch.file("train.yml"))
    return try Binary.run(["train", runFile] + arguments, in: scratch.directory)
  }

  func provenance(_ file: URL) throws -> [String: Any] {
    let text = try #require(try SafeTensors.read(file.path).metadata["provenance"])
    return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// A card without what differs from run to run.
  func card(_ file: URL) throws -> String {
    let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: "## Time"))
    let end = try #require(lines.firstIndex(of: "## Recipe"))
    return (lines[..<start] + lines[end...]).joined(separator: "\n")
  }

  /// A training goes on with the data and the weights that it began with, whatever their names.
  @Test func otherContentUnderTheSameNameIsRefused() throws {
    let scratch = try Scratch()
    let (data, start) = (scratch.file("data.nc").path, scratch.file("start.safetensors").path)
    try SmallWorld.write(to: data)
    try FileManager.default.copyItem(atPath: world.checkpoint, toPath: start)
    let text =
      world.training(checkpoint: "m.safetensors", files: data, steps: 10)
      + "\ninitial_checkpoint: start.safetensors"
    let first = try train(text, scratch)
    #expect(first.code == 0, "\(first.errors)")
    #expect(try train(text, scratch).code == 0)
    // The same length, another wave.
    try SmallWorld.write(to: data, hours: (0..<80).map { $0 * 6 + 1 })
    let other = try train(text, scratch)
    #expect(other.code == 65 && other.errors.contains("m.safetensors.state"), "\(other.errors)")
    try SmallWorld.write(to: data)
    #expect(try train(text, scratch).code == 0)
    try FileManager.default.removeItem(atPath: start)
    try FileManager.default.copyItem(atPath: scratch.file("m.safetensors").path, toPath: start)
    let base = try train(text, scratch)
    #expect(base.code == 65 && base.errors.contains("m.safetensors.state"), "\(base.errors)")
  }

  /// A training that starts from its beginning leaves a checkpoint that it has not written as it is.
  @Test func aCheckpointOfAnotherTrainingIsKept() throws {
    let scratch = try Scratch()
    let data = scratch.file("data.nc").path
    try SmallWorld.write(to: data)
    let text = world.training(checkpoint: "m.safetensors", files: data, steps: 10)
    #expect(try train(text, scratch).code == 0)
    let written = try Data(contentsOf: scratch.file("m.safetensors"))
    try FileManager.default.removeItem(at: scratch.file("m.safetensors.state"))
    let again = try train(text, scratch)
    #expect(again.code == 73 && again.errors.contains("m.safetensors.state"), "\(again.errors)")
    #expect(try Data(contentsOf: scratch.file("m.safetensors")) == written)
    #expect(!FileManager.default.fileExists(atPath: scratch.file("m.safetensors.state").path))
    for name in ["m.safetensors", "m.md", "m.safetensors.loss.csv"] {
      try FileManager.default.removeItem(at: scratch.file(name))
    }
    #expect(try train(text, scratch).code == 0)
    #expect(try Data(contentsOf: scratch.file("m.safetensors")) == written)
  }

  /// Nor does it touch what belongs to it: best, snapshots, card, loss curve.
  @Test(arguments: ["m.best.safetensors", "m.step20.safetensors", "m.md", "m.safetensors.loss.csv"])
  func whatBelongsToAnotherTrainingIsKept(name: String) throws {
    let scratch = try Scratch()
    _ = try write("another's", to: scratch.file(name))
    let outcome = try train(world.training(checkpoint: "m.safetensors", steps: 10), scratch)
    #expect(outcome.code == 73 && outcome.errors.contains(name), "\(outcome.errors)")
    #expect(try String(contentsOf: scratch.file(name), encoding: .utf8) == "another's")
    #expect(scratch.files.sorted() == [name, "train.yml"].sorted())
  }

  /// Two trainings of one checkpoint at a time would each lose what the other writes.
  @Test func twoTrainingsOfOneCheckpoint() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(at: scratch.file("q"), withIntermediateDirectories: true)
    let text = world.training(checkpoint: "q/m.safetensors", steps: 10)
    let first = try RunLock(scratch.file("q/m.safetensors.lock").path, isTemporary: true)
    let second = try train(text, scratch)
    #expect(second.code == 75 && second.errors.contains("held by pid"), "\(second.errors)")
    withExtendedLifetime(first) {}
  }

  /// Channels that no catalogue knows have the units of the first entry, or of the checkpoint that training starts from,
  /// and other files are brought to them.
  @Test func unitsOfUnknownChannels() throws {
    let scratch = try Scratch()
    for (name, units) in [("kelvin.nc", "K"), ("celsius.nc", "degC"), ("widgets.nc", "widgets")] {
      try SmallWorld.write(
        to: scratch.file(name).path, SmallWorld.Fault(variables: ["msl", "skin"], skinUnits: units))
    }
    func text(_ training: String, _ validation: String, _ checkpoint: String) -> String {
      world.training(checkpoint: checkpoint, files: training, steps: 10)
        .replacing("channels: [msl, t2m]", with: "channels: [msl, skin]")
        .replacing(
          "validation: [{files: \(training)", with: "validation: [{files: \(validation)")
    }
    let (kelvin, celsius) = (scratch.file("kelvin.nc").path, scratch.file("celsius.nc").path)
    func loss(_ text: String) throws -> Double {
      let outcome = try train(text, scratch, ["--json"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try #require(outcome.json()["validation_loss"] as? Double)
    }
    let same = try loss(text(kelvin, kelvin, "a.safetensors"))
    let other = try loss(text(kelvin, celsius, "b.safetensors"))
    #expect(abs(other / same - 1) < 1e-3)
    let refused = try train(text(kelvin, scratch.file("widgets.nc").path, "c.safetensors"), scratch)
    #expect(refused.code == 65 && refused.errors.contains("widgets"), "\(refused.errors)")
    // A checkpoint's channels stay in its units.
    let tuned = try train(
      text(celsius, celsius, "d.safetensors")
        + "\ninitial_checkpoint: a.safetensors\nnormalisation: checkpoint",
      scratch)
    #expect(tuned.code == 0, "\(tuned.errors)")
    let facts = try Binary.run(["inspect", "d.safetensors"], in: scratch.directory)
    #expect(facts.output.contains("skin [K]"), "\(facts.output)")
  }

  /// A training that is done tells the same of itself when it is started again.
  @Test func aFinishedTrainingKeepsItsCard() throws {
    let scratch = try Scratch()
    let text = world.training(checkpoint: "m.safetensors", steps: 10)
    #expect(try train(text, scratch, ["--threads", "1"]).code == 0)
    let before = try String(contentsOf: scratch.file("m.md"), encoding: .utf8)
    #expect(try train(text, scratch, ["--threads", "2"]).code == 0)
    #expect(try String(contentsOf: scratch.file("m.md"), encoding: .utf8) == before)
  }

  /// No training writes over what it reads, or over a directory; paths of one letter are paths.
  @Test func inputsAreNotWrittenOver() throws {
    let scratch = try Scratch()
    let (data, start) = (scratch.file("data.nc").path, scratch.file("start.safetensors").path)
    try SmallWorld.write(to: data)
    try FileManager.default.copyItem(atPath: world.checkpoint, toPath: start)
    try FileManager.default.createDirectory(at: scratch.file("place"), withIntermediateDirectories: true)
    let text =
      world.training(checkpoint: "m.safetensors", files: data, steps: 10)
      + "\ninitial_checkpoint: start.safetensors"
    let before =
      try Data(contentsOf: URL(fileURLWithPath: data)) + Data(contentsOf: URL(fileURLWithPath: start))
    for output in ["data.nc", "start.safetensors", "train.yml", "place", "./data.nc"] {
      let outcome = try train(text, scratch, ["--output", output])
      #expect(outcome.code == 73, "\(output): \(outcome.errors)")
    }
    // The card of a checkpoint may be an input as well.
    let card = try train(
      text.replacing(data, with: scratch.file("x.md").path), scratch, ["--output", "x.safetensors"])
    #expect(card.code == 66 || card.code == 73, "\(card.errors)")
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: data)) + Data(contentsOf: URL(fileURLWithPath: start))
        == before)
    #expect(scratch.files.sorted() == ["data.nc", "start.safetensors", "train.yml"])
    let short = try train(text, scratch, ["--output", "o"])
    #expect(short.code == 0, "\(short.errors)")
    #expect(scratch.files.contains("o"))
  }

  /// A rate that is too high is the run file's fault, and states that validate what was trained on are said.
  @Test func lossesThatExplodeAndSharedStates() throws {
    let scratch = try Scratch()
    let text = world.training(checkpoint: "m.safetensors", steps: 30)
      .replacing("learning_rate: 3e-3", with: "learning_rate: 1e30")
      .replacing("from: 2026-01-13", with: "from: 2026-01-12")
    let outcome = try train(text, scratch)
    #expect(outcome.code == 78 && outcome.errors.contains("learning_rate"), "\(outcome.errors)")
    #expect(outcome.errors.contains("validation and training share states"), "\(outcome.errors)")
  }

  var keepingAll: String {
    world.training(checkpoint: "m.safetensors", steps: 40)
      .replacing("every_steps: 10", with: "every_steps: 10, keep: both, snapshots_every: 20")
      + "\nlicence: CC-BY-4.0\nvalidation: {lead_hours: [6, 24], channels: [t2m], starts: 4}"
  }

  @Test func lastBestSnapshotsAndCards() throws {
    let scratch = try Scratch()
    let outcome = try train(keepingAll, scratch, ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(
      scratch.files == [
        "m.best.md", "m.best.safetensors", "m.md", "m.safetensors", "m.safetensors.loss.csv",
        "m.safetensors.state", "m.step20.safetensors", "m.step40.safetensors", "train.yml",
      ])
    let report = try outcome.json()
    #expect(report["checkpoints"] as? [String] == ["m.safetensors", "m.best.safetensors"])
    let scores = try #require(report["scores"] as? [[String: Any]])
    #expect(scores.map { $0["lead_hours"] as? Int } == [6, 24])
    let speed = try #require(report["speed"] as? [String: Any])
    for key in ["gflops", "fraction_of_sgemm", "peak_memory_bytes", "samples_per_second"] {
      #expect(try #require(speed[key] as? Double) > 0, "\(key)")
    }
    // The best is that of the curve's lowest mean ratio.
    let rows = try String(contentsOf: scratch.file("m.safetensors.loss.csv"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(rows[0].suffix(4) == ["rmse_t2m_6h", "ratio_t2m_6h", "rmse_t2m_24h", "ratio_t2m_24h"])
    let validated = rows.dropFirst().filter { !$0[4].isEmpty }
    #expect(validated.map { $0[0] } == ["10", "20", "30", "40"])
    let means = validated.map { ((Double($0[6]) ?? .nan) + (Double($0[8]) ?? .nan), Int($0[0])) }
    let best = try #require(means.min { $0.0 < $1.0 }?.1)
    #expect(report["best_step"] as? Int == best)
    #expect(try provenance(scratch.file("m.best.safetensors"))["steps"] as? Int == best)
    #expect(try provenance(scratch.file("m.best.safetensors"))["kept"] as? String == "best")
    let last = try SafeTensors.read(scratch.file("m.safetensors").path)
    let snapshot = try SafeTensors.read(scratch.file("m.step40.safetensors").path)
    #expect(last.tensors.mapValues(\.bytes) == snapshot.tensors.mapValues(\.bytes))

    let text = try String(contentsOf: scratch.file("m.md"), encoding: .utf8)
    for part in [
      "| licence | CC-BY-4.0 |", "`analyses.nc`", "GFLOP/s", "| t2m | 24 h |", "\"learning_rate\" : 0.003",
      "| weights | \(last.tensors.filter { $0.key.contains(".") }.values.reduce(0) { $0 + $1.count }), float32 |",
    ] { #expect(text.contains(part), "\(part)") }
    let digest = try Binary.run(["inspect", "m.safetensors", "--json"], in: scratch.directory)
    #expect(digest.code == 0)

    // The same training again, and only the best of it.
    let again = try Scratch()
    #expect(try train(keepingAll, again).code == 0)
    #expect(try card(again.file("m.md")) == card(scratch.file("m.md")))
    let one = try Scratch()
    let onlyBest = try train(keepingAll.replacing("keep: both", with: "keep: best"), one)
    #expect(onlyBest.code == 0)
    #expect(onlyBest.output.contains("best validation after step \(best): m.safetensors"))
    #expect(!one.files.contains("m.best.safetensors"))
    let kept = try SafeTensors.read(one.file("m.safetensors").path)
    let other = try SafeTensors.read(scratch.file("m.best.safetensors").path)
    #expect(kept.tensors.mapValues(\.bytes) == other.tensors.mapValues(\.bytes))
  }

  @Test func averagesOfSnapshots() throws {
    let scratch = try Scratch()
    #expect(try train(keepingAll, scratch).code == 0)
    func average(_ arguments: [String]) throws -> Binary.Outcome {
      try Binary.run(["checkpoint", "average"] + arguments, in: scratch.directory)
    }
    let (first, second) = ("m.step20.safetensors", "m.step40.safetensors")
    let same = try average([first, first, first, "--output", "same.safetensors"])
    #expect(same.code == 0, "\(same.errors)")
    let before = try SafeTensors.read(scratch.file(first).path)
    let after = try SafeTensors.read(scratch.file("same.safetensors").path)
    #expect(after.tensors.mapValues(\.bytes) == before.tensors.mapValues(\.bytes))
    #expect(after.metadata["normalisation"] == before.metadata["normalisation"])

    let mean = try average([first, second, "--weights", "1", "3", "-o", "mean.safetensors", "--json"])
    #expect(mean.code == 0, "\(mean.errors)")
    let facts = try provenance(scratch.file("mean.safetensors"))
    let sources = try #require(facts["average"] as? [[String: Any]])
    #expect(sources.map { $0["weight"] as? Double } == [0.25, 0.75])
    #expect(sources.map { $0["file"] as? String } == [first, second])
    let card = try String(contentsOf: scratch.file("mean.md"), encoding: .utf8)
    for source in sources { #expect(card.contains(try #require(source["sha256"] as? String))) }

    let lines = try average([second, "--lines", "1", "0", "--base", first, "-o", "lines.safetensors"])
    #expect(lines.code == 0, "\(lines.errors)")
    #expect(
      try SafeTensors.read(scratch.file("lines.safetensors").path).tensors.mapValues(\.bytes)
        == SafeTensors.read(scratch.file(second).path).tensors.mapValues(\.bytes))
    #expect(try provenance(scratch.file("lines.safetensors"))["lines"] != nil)

    let elsewhere = try average([first, second, "-o", "nowhere/x.safetensors"])
    #expect(
      elsewhere.code == 73 && elsewhere.errors.contains("its directory is not there"), "\(elsewhere.errors)")
    var broken = try SafeTensors.read(scratch.file(first).path)
    let weight = try #require(broken.tensors.keys.sorted().first { $0.hasSuffix("mlp.fwd.0.weight") })
    var values = try broken.floats(weight, shape: nil, file: first)
    let shape = try #require(broken.tensors[weight]).shape
    values[3] = .nan
    broken.tensors[weight] = .init(values, shape: shape)
    try broken.write(scratch.file("nan.safetensors").path)
    let poisoned = try average([second, "nan.safetensors", "-o", "x.safetensors"])
    #expect(
      poisoned.code == 65 && poisoned.errors.contains("nan.safetensors: '\(weight)'"), "\(poisoned.errors)")

    for wrong in [["--lines", "1"], ["--lines", "1", "0"], ["--weights", "1", "2"], ["--base", first]] {
      #expect(try average([first] + wrong + ["-o", "x.safetensors"]).code == 64, "\(wrong)")
    }
    let wider = world.training(checkpoint: "wide.safetensors", steps: 1)
      .replacing("embed_dim: 16", with: "embed_dim: 12")
    #expect(try train(wider, scratch).code == 0)
    let refused = try average([first, "wide.safetensors", "-o", "x.safetensors"])
    #expect(refused.code == 65)
    #expect(refused.errors.contains("'embed_dim': the checkpoints cannot be mixed"))
    #expect(refused.errors.contains("found 12, expected 16 as in m.step20.safetensors"))
    #expect(!scratch.files.contains { $0.hasPrefix("x.") })
  }

  @Test func anAdapterIsUsedAsACheckpoint() throws {
    let scratch = try Scratch()
    let text = world.training(checkpoint: "adapters/a.safetensors", steps: 20).replacing(
      "output: {", with: "adapter: {base: \(world.checkpoint), rank: 1}\noutput: {half_precision: true, ")
    let outcome = try train(text, scratch)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let small = try Data(contentsOf: scratch.file("adapters/a.safetensors")).count
    #expect(small < (try Data(contentsOf: URL(fileURLWithPath: world.checkpoint))).count / 3)
    let summary = try Binary.run(["inspect", "adapters/a.safetensors"], in: scratch.directory)
    #expect(summary.output.contains("adapter     rank 1 on "))
    let card = try String(contentsOf: scratch.file("adapters/a.md"), encoding: .utf8)
    #expect(card.contains("| adapter | rank 1, "))

    let runFile = try write(
      world.ensemble(checkpoints: [world.checkpoint, "adapters/a.safetensors"]), to: scratch.file("run.yml"))
    let forecast = try Binary.run(["forecast", runFile], in: scratch.directory)
    #expect(forecast.code == 0, "\(forecast.errors)")
    #expect(forecast.output.contains("18 members made"))

    // Going on from the whole of it, and another base.
    let average = try Binary.run(
      ["checkpoint", "average", "adapters/a.safetensors", "-o", "whole.safetensors"], in: scratch.directory)
    #expect(average.code == 0, "\(average.errors)")
    try FileManager.default.copyItem(
      at: URL(fileURLWithPath: world.checkpoint), to: scratch.file("adapters/model.safetensors"))
    #expect(try Binary.run(["inspect", "whole.safetensors"], in: scratch.directory).code == 0)
    try FileManager.default.moveItem(
      at: scratch.file("adapters"), to: scratch.file("elsewhere"))
    try FileManager.default.removeItem(at: scratch.file("elsewhere/model.safetensors"))
    try FileManager.default.copyItem(
      at: scratch.file("whole.safetensors"), to: scratch.file("elsewhere/model.safetensors"))
    let wrong = world.ensemble(checkpoints: ["elsewhere/a.safetensors"])
    // The base is where it was: the file beside the adapter does not matter.
    #expect(
      try Binary.run(["plan", write(wrong, to: scratch.file("b.yml"))], in: scratch.directory).code == 0)
    var content = try SafeTensors.read(scratch.file("elsewhere/a.safetensors").path)
    content.metadata["adapter"] = content.metadata["adapter"]?.replacing("../", with: "nowhere/")
    try content.write(scratch.file("elsewhere/a.safetensors").path)
    let plan = try Binary.run(["plan", scratch.file("b.yml").path], in: scratch.directory)
    #expect(plan.code == 65)
    #expect(plan.errors.contains("the base of this adapter is another checkpoint"))
    try FileManager.default.removeItem(at: scratch.file("elsewhere/model.safetensors"))
    let missing = try Binary.run(["plan", scratch.file("b.yml").path], in: scratch.directory)
    #expect(missing.code == 66)
    #expect(missing.errors.contains("the base checkpoint of this adapter is missing"))
  }

  @Test func theLearningRateFinderWritesAChartOnly() throws {
    let scratch = try Scratch()
    let outcome = try train(
      world.training(checkpoint: "m.safetensors"), scratch, ["--find-learning-rate"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("suggested: learning_rate: "))
    #expect(scratch.files == ["m.safetensors.learning_rate.svg", "train.yml"])
    let json = try train(
      world.training(checkpoint: "m.safetensors"), scratch,
      ["--find-learning-rate", "--chart", "c.svg", "--json"]
    ).json()
    let points = try #require(json["points"] as? [[String: Any]])
    #expect(points.count > 20)
    #expect(try #require(json["suggestion"] as? Double) > 1e-6)
    let chart = try String(contentsOf: scratch.file("c.svg"), encoding: .utf8)
    #expect(chart.contains("<svg"))
    #expect(try train(world.training(), scratch, ["--chart", "c.svg"]).code == 64)
  }

  /// SIGKILL at any moment: what is on disk is whole, and the end is the same to the bit.
  @Test func killedTrainingsEndWithTheSameBytes() throws {
    let scratch = try Scratch()
    let text = keepingAll.replacing("steps: 40", with: "steps: 800").replacing(
      "_every: 20", with: "_every: 400")
    let runFile = try write(text, to: scratch.file("train.yml"))
    let whole = try Binary.run(["train", runFile, "--output", "whole.safetensors"], in: scratch.directory)
    #expect(whole.code == 0, "\(whole.errors)")
    // What a process that was killed while it wrote leaves; no process has so high a number.
    try Data([1, 2]).write(to: scratch.file("m.step400.safetensors.tmp-2147483000"))
    var kills = 0
    for milliseconds in [450, 700, 333, 900, 1100] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Binary.path)
      process.arguments = ["train", runFile, "--quiet"]
      process.currentDirectoryURL = scratch.directory
      process.environment = ProcessInfo.processInfo.environment.merging(["APUS_THREADS": "2"]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(UInt32(milliseconds * 1000))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      kills += process.terminationReason == .uncaughtSignal ? 1 : 0
    }
    #expect(kills >= 2)
    let last = try Binary.run(["train", runFile], in: scratch.directory)
    #expect(last.code == 0, "\(last.errors)")
    for suffix in [".safetensors", ".best.safetensors", ".step400.safetensors", ".safetensors.loss.csv"] {
      let pair = try ["whole", "m"].map { try Data(contentsOf: scratch.file($0 + suffix)) }
      #expect(pair[0] == pair[1], "\(suffix)")
    }
    // As of a training that was killed between its last state and the curve.
    let curve = scratch.file("m.safetensors.loss.csv")
    let complete = try Data(contentsOf: curve)
    try FileManager.default.removeItem(at: curve)
    #expect(try Binary.run(["train", runFile, "--quiet"], in: scratch.directory).code == 0)
    #expect(try Data(contentsOf: curve) == complete)
    #expect(!scratch.files.contains { $0.contains(".tmp-") })
  }
}
