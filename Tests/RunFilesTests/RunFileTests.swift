import Basics
import Fields
import Foundation
import RunFiles
import Testing

@Suite struct RunFileTests {
  @Test func ensembleValuesAndDefaults() throws {
    let run = try EnsembleRunFile.parse(RunFileTexts.ensemble, file: "demo.yml")
    #expect(run.seed == 7)
    #expect(run.checkpoints.map(\.written) == ["models/a.safetensors", "models/b.safetensors"])
    #expect(run.initialTimes.instants.map(\.stamp) == ["20260201T00", "20260202T00", "20260203T00"])
    #expect(run.perturbation.cycles == 3)
    #expect(run.perturbation.amplitudeFactor == 0.35)
    #expect(run.perturbation.timing == .validTimeConsistent)
    #expect(run.perturbation.lengthScaleKilometres == 500)
    #expect(run.perturbation.rescaleLatitude == 20)
    guard case .computed(let times, let lead) = run.perturbation.amplitudes else {
      Issue.record("amplitudes are not computed")
      return
    }
    #expect(times.instants.map(\.stamp) == ["20260110T00", "20260112T06"])
    #expect(lead == 48)
    #expect(run.output.members == .all)
    #expect(run.output.everyHours == 6)
    #expect(run.verification?.threshold == "climate:mean+1std")
  }

  @Test func howVectorsAreBred() throws {
    func read(_ keys: String) throws -> EnsembleRunFile {
      let text = RunFileTexts.ensemble.replacing("pairs: 2", with: "pairs: 2" + keys)
      let run = try EnsembleRunFile.parse(text, file: "demo.yml")
      #expect(try EnsembleRunFile.parse(run.canonicalText(), file: "demo.yml") == run)
      return run
    }
    let plain = try read("")
    #expect(plain.perturbation.perturbedRun == .ownCheckpoint && plain.perturbation.rescaling == .hemispheric)
    // What is the default need not be written, and leaves the fingerprint as it is.
    let written = try read("\n  perturbed_run: own_checkpoint\n  rescaling: hemispheric")
    #expect(try written.canonicalText() == plain.canonicalText())
    let other = try read("\n  perturbed_run: other_checkpoint\n  rescaling: zonal")
    #expect(other.perturbation.perturbedRun == .otherCheckpoint && other.perturbation.rescaling == .zonal)
    let error = #expect(throws: ApusError.self) { try read("\n  rescaling: meridional") }
    #expect(error?.kind == .badRunFile && error?.expected?.contains("zonal") == true)
  }

  @Test func whatOfTheMembersIsKept() throws {
    func output(_ keys: String) throws -> EnsembleOutput {
      let text = RunFileTexts.ensemble.replacing("quantise_bits: 12", with: keys)
      let run = try EnsembleRunFile.parse(text, file: "demo.yml")
      #expect(try EnsembleRunFile.parse(run.canonicalText(), file: "demo.yml") == run)
      return run.output
    }
    let plain = try output("quantise_bits: 12")
    #expect(plain.variables == nil && plain.leadTimes == nil && plain.region == nil)
    #expect(plain.partialKey == nil)
    #expect(try output("members: none").members == .none)
    #expect(try output("members: 8").members == .some([8]))
    // Numbers as file names have them; YAML 1.1 would read 0010 as 8.
    #expect(try output("members: [0003, 0007]").members == .some([3, 7]))
    let ten = #expect(throws: ApusError.self) { try output("members: [0010]") }
    #expect(ten?.found == "10")
    for wrong in ["0x8", "1:30", "\"8\"", "1_0"] {
      #expect(throws: ApusError.self) { try output("members: [\(wrong)]") }
    }
    let part = try output(
      "members: [8, 0, 8]\n  variables: [msl]\n  lead_times: [12, 0]\n  region: {west: 170, east: -170}")
    #expect(part.members == .some([0, 8]) && part.partialKey == "output.members: a list")
    #expect(part.variables == ["msl"] && part.leadTimes == [0, 12])
    #expect(part.region?.south == -90 && part.region?.east == -170)
    #expect(try output("region: {south: 20}").partialKey == "output.region")
    #expect(try output("region: {south: 20}").region?.east == 360)
  }

  @Test func trainingValuesAndDefaults() throws {
    let run = try TrainingRunFile.parse(RunFileTexts.training, file: "train.yml")
    #expect(run.data.channels == ["z500", "msl"])
    #expect(run.data.stepHours == 6)
    #expect(run.data.training.count == 2)
    #expect(run.data.training[0].contains(Instant(year: 2012, month: 1, day: 1)))
    #expect(!run.data.training[0].contains(Instant(year: 2013, month: 1, day: 1)))
    #expect(run.network.embedDim == 48)
    #expect(run.network.mlpRatio == 2)
    #expect(run.inputs.staticFields?.variables == ["orography"])
    #expect(!run.inputs.solarZenith)
    #expect(run.optimisation.length == .steps(614))
    #expect(run.optimisation.betas == [0.9, 0.95])
    #expect(run.optimisation.loss == .hensAbsolute)
    #expect(run.optimisation.channelWeights == ["z500": 1, "msl": 0.5])
    #expect(run.normalisation == .data)
  }

  @Test func canonicalTextReadsBackEqual() throws {
    let ensemble = try EnsembleRunFile.parse(RunFileTexts.ensemble, file: "demo.yml")
    let ensembleText = try ensemble.canonicalText()
    #expect(try EnsembleRunFile.parse(ensembleText, file: "demo.yml") == ensemble)
    let training = try TrainingRunFile.parse(RunFileTexts.training, file: "train.yml")
    let trainingText = try training.canonicalText()
    #expect(try TrainingRunFile.parse(trainingText, file: "train.yml") == training)
  }

  @Test func canonicalTextForgetsHowTheFileIsWritten() throws {
    let run = try EnsembleRunFile.parse(RunFileTexts.ensemble, file: "demo.yml")
    let rewritten = RunFileTexts.ensemble.replacing(
      "climatology: {file: models/climate.nc}",
      with: "climatology:\n  # a comment\n  file: 'models/climate.nc'")
    let same = try EnsembleRunFile.parse(rewritten, file: "elsewhere.yml")
    #expect(try same.canonicalText() == run.canonicalText())
  }

  /// Dates and stretches, one of them or a list; sorted, none twice.
  @Test(arguments: [
    ("{from: 2026-02-01, to: 2026-02-03, every_hours: 24}", [1, 2, 3]),
    ("2026-02-05", [5]),
    ("[2026-02-05, 2026-02-02, 2026-02-05]", [2, 5]),
    (
      "[{from: 2026-02-07, to: 2026-02-12, every_hours: 48}, 2026-02-20, {from: 2026-02-01, to: 2026-02-02}]",
      [1, 2, 7, 9, 11, 20]
    ),
  ])
  func moments(_ text: String, _ days: [Int]) throws {
    let run = try EnsembleRunFile.parse(
      RunFileTexts.ensemble.replacing(
        "{from: 2026-02-01, to: 2026-02-03T00:00:00Z, every_hours: 24}", with: text), file: "demo.yml")
    let first = try #require(Instant("2026-02-01"))
    #expect(run.initialTimes.instants == days.map { first.adding(hours: 24 * ($0 - 1)) })
  }

  /// Each fault: what is replaced in a right file, by what, and the whole message.
  static let ensembleFaults: [(String, String, String)] = [
    (
      "lead_time_hours: 120", "leed_time_hours: 120",
      "demo.yml:8:1: 'leed_time_hours': unknown key. Did you mean 'lead_time_hours'?"
    ),
    (
      "  pairs: 2", "  piars: 2", "demo.yml:11:3: 'piars': unknown key. Did you mean 'pairs'?"
    ),
    (
      "  quantise_bits: 12", "  frobnicate: 1",
      "demo.yml:17:3: 'frobnicate': unknown key. Known here: directory, every_hours, lead_times, members, quantise_bits, "
        + "region, variables."
    ),
    (
      "lead_time_hours: 120", "lead_time_hours: long",
      "demo.yml:8:18: 'lead_time_hours': wrong type: found 'long', expected a whole number."
    ),
    (
      "lead_time_hours: 120", "lead_time_hours: 0",
      "demo.yml:8:18: 'lead_time_hours': out of range: found 0, expected 1 to 87600."
    ),
    ("seed: 7\n", "", "demo.yml:1:1: 'seed': missing key in the run file."),
    ("seed: 7\n", "seed:\n", "demo.yml:2:6: 'seed': missing key in the run file."),
    (
      "bred_vector", "bread_vector",
      "demo.yml:10:11: 'method': unknown choice: found 'bread_vector', "
        + "expected bred_vector or correlated_noise or lagged or none. Did you mean 'bred_vector'?"
    ),
    (
      "{from: 2026-02-01, to: 2026-02-03T00:00:00Z, every_hours: 24}", "[2026-02-01, [2026-02-02]]",
      "demo.yml:7:29: 'initial_times': not a date: found a list, expected for example 2026-02-01T06:00:00Z (UTC)."
    ),
    (
      "{from: 2026-02-01, to: 2026-02-03T00:00:00Z, every_hours: 24}", "[2026-02-01, {from: 2026-02-02}]",
      "demo.yml:7:29: 'to': missing key in initial_times."
    ),
    (
      "from: 2026-02-01", "from: 2026-02-30",
      "demo.yml:7:23: 'from': not a date: found '2026-02-30', expected for example 2026-02-01T06:00:00Z (UTC)."
    ),
    (
      "to: 2026-02-03T", "to: 2026-01-03T",
      "demo.yml:7:39: 'to': ends before it begins: found 2026-01-03T00:00:00Z, expected 2026-02-01T00:00:00Z or later."
    ),
    (
      "to: 2026-02-03T", "to: 9999-02-03T",
      "demo.yml:7:39: 'to': is too far away: found 2912081 moments, expected at most 200000."
    ),
    (
      "  amplitude_times: [2026-01-10, 2026-01-12T06]\n", "",
      "demo.yml:10:3: 'amplitude_times': missing key in perturbation. "
        + "Name initial times outside the period that is scored, as for initial_times."
    ),
    ("[msl]\nout", "[msl, msl]\nout", "demo.yml:14:18: 'seed_channels': channel named twice: found msl."),
    (
      "seed: 7", "seed: 7\nseed: 8",
      "demo.yml:2:1: 'seed': key given twice."
    ),
    (
      "output:\n", "output: [\n",
      "demo.yml:17:16: not YAML: did not find expected ',' or ']'."
    ),
    (
      "analyses:\n  files: [era5/*.nc]", "analyses: era5",
      "demo.yml:4:11: 'analyses': wrong type: found 'era5', expected a mapping of keys to values."
    ),
  ]

  @Test(arguments: ensembleFaults)
  func ensembleFaultsNameThePlace(_ right: String, _ wrong: String, _ message: String) throws {
    let text = RunFileTexts.ensemble.replacing(right, with: wrong, maxReplacements: 1)
    try #require(text != RunFileTexts.ensemble)
    let error = #expect(throws: ApusError.self) { try EnsembleRunFile.parse(text, file: "demo.yml") }
    #expect(error?.kind == .badRunFile)
    #expect(error?.description == message)
  }

  @Test func whatATrainingMayAsForBesides() throws {
    let plain = try TrainingRunFile.parse(RunFileTexts.training, file: "train.yml")
    #expect(plain.optimisation.optimiser == .adamw)
    #expect(plain.output.keep == .last)
    #expect(plain.output.snapshotsEvery == nil)
    #expect(plain.validation.leadHours == nil)
    #expect(plain.validation.starts == 8)
    #expect(plain.adapter == nil && plain.licence == nil)
    let text = RunFileTexts.training.replacing(
      "output: {",
      with: """
        validation: {lead_hours: [24, 72], channels: [msl], starts: 3}
        adapter: {base: models/a.safetensors, rank: 2}
        licence: CC-BY-4.0
        output: {keep: both, snapshots_every: 100,
        """ + " "
    )
    let run = try TrainingRunFile.parse(text, file: "train.yml")
    let lamb = RunFileTexts.training.replacing("steps: 614", with: "steps: 614\n  optimiser: lamb")
    #expect(try TrainingRunFile.parse(lamb, file: "train.yml").optimisation.optimiser == .lamb)
    #expect(run.output.keep == .both)
    #expect(run.output.snapshotsEvery == 100)
    #expect(run.validation.leadHours == [24, 72])
    #expect(run.validation.channels == ["msl"])
    #expect(run.validation.starts == 3)
    #expect(run.adapter?.rank == 2)
    #expect(run.adapter?.base.written == "models/a.safetensors")
    #expect(run.normalisation == .checkpoint)
    #expect(run.licence == "CC-BY-4.0")
    #expect(try TrainingRunFile.parse(run.canonicalText(), file: "train.yml") == run)
  }

  /// Products of fewer bits are a choice; the default is not written, so that fingerprints stay.
  @Test func matmulPrecision() throws {
    let plain = try TrainingRunFile.parse(RunFileTexts.training, file: "train.yml")
    #expect(plain.optimisation.matmulPrecision == .highest)
    func read(_ value: String) throws -> TrainingRunFile {
      try TrainingRunFile.parse(
        RunFileTexts.training.replacing("steps: 614", with: "steps: 614\n  matmul_precision: \(value)"),
        file: "train.yml")
    }
    #expect(try read("highest").canonicalText() == plain.canonicalText())
    for value in [MatmulPrecision.high, .medium] {
      let less = try read(value.rawValue)
      #expect(less.optimisation.matmulPrecision == value)
      #expect(try TrainingRunFile.parse(less.canonicalText(), file: "train.yml") == less)
    }
    #expect(throws: ApusError.self) { try read("low") }

    let run = try EnsembleRunFile.parse(RunFileTexts.ensemble, file: "demo.yml")
    #expect(run.matmulPrecision == .highest)
    func ensemble(_ value: String) throws -> EnsembleRunFile {
      try EnsembleRunFile.parse(
        RunFileTexts.ensemble.replacing(
          "lead_time_hours: 120", with: "lead_time_hours: 120\nmatmul_precision: \(value)"), file: "demo.yml")
    }
    #expect(try ensemble("highest") == run)
    #expect(try ensemble("medium").matmulPrecision == .medium)
    #expect(throws: ApusError.self) { try ensemble("low") }
  }

  /// A run file that is given to the wrong command is told to which it belongs.
  @Test func otherKindsAreNamed() {
    let ensemble = #expect(throws: ApusError.self) {
      try EnsembleRunFile.parse(RunFileTexts.training, file: "x.yml")
    }
    #expect(ensemble?.kind == .badRunFile && ensemble?.description.contains("apus train") == true)
    let training = #expect(throws: ApusError.self) {
      try TrainingRunFile.parse(RunFileTexts.ensemble, file: "x.yml")
    }
    #expect(training?.kind == .badRunFile && training?.description.contains("apus run") == true)
  }

  static let trainingFaults: [(String, String, String)] = [
    (
      "output: {",
      "initial_checkpoint: a.safetensors\nvariational: {latent_channels: 4}\noutput: {keep: both, ",
      "train.yml:25:9: 'output': of a variational forecaster one set of weights is kept: found keep: both, "
        + "expected keep: best, or keep: last."
    ),
    (
      "output: {", "validation: {lead_hours: [24, 75]}\noutput: {",
      "train.yml:23:26: 'lead_hours': no multiple of the network's step: "
        + "found 75 h, expected multiples of 6 h."
    ),
    (
      "output: {", "validation: {lead_hours: [24, 0]}\noutput: {",
      "train.yml:23:31: 'lead_hours': wrong value: found '0', expected whole numbers from 1 to 87600."
    ),
    (
      "output: {", "validation: {channels: [z850]}\noutput: {",
      "train.yml:23:24: 'channels': names a channel that is not trained: "
        + "found z850, expected z500, msl."
    ),
    (
      "  validation: {files: [c.nc], from: 2014-01-01}\n", "",
      "train.yml:22:9: 'output': there is nothing to find the best by: found keep: best, "
        + "expected data.validation, or keep: last."
    ),
    (
      "output: {", "adapter: {base: a.safetensors}\ninitial_checkpoint: a.safetensors\noutput: {",
      "train.yml:24:21: 'initial_checkpoint': given beside adapter, whose base the training starts from: "
        + "expected one of the two."
    ),
    (
      "output: {", "adapter: {base: a.safetensors}\nnormalisation: data\noutput: {",
      "train.yml:24:16: 'normalisation': an adapter has the normalisation of its base: found data, "
        + "expected checkpoint, or nothing."
    ),
    (
      "channel_weights: {z500: 1, msl: 0.5}\n",
      "optimiser: lamb\nadapter: {base: a.safetensors}\n",
      "train.yml:23:10: 'adapter': LAMB scales steps to the size of weights, and an adapter's factors "
        + "start at zero: found optimiser: lamb, expected adamw."
    ),
    (
      "learning_rate: 2e-3", "learning_rate: 2e-3\n  optimiser: adam",
      "train.yml:20:14: 'optimiser': unknown choice: found 'adam', expected adamw or lamb. "
        + "Did you mean 'adamw'?"
    ),
    ("  steps: 614\n", "", "train.yml:17:3: 'steps': missing key in optimisation: expected steps or epochs."),
    (
      "  steps: 614\n", "  steps: 614\n  epochs: 5\n",
      "train.yml:18:11: 'epochs': given beside steps: expected one of the two."
    ),
    (
      "2e-3", "-1",
      "train.yml:19:18: 'learning_rate': out of range: found '-1', expected above 0."
    ),
    (
      "msl: 0.5", "t850: 0.5",
      "train.yml:17:3: 'optimisation': channel_weights names a channel that is not trained: "
        + "found t850, expected z500, msl."
    ),
    (
      "output: {", "normalisation: checkpoint\noutput: {",
      "train.yml:23:16: 'normalisation': there is no checkpoint to take it from: "
        + "expected data, or an initial_checkpoint."
    ),
    (
      "embed_dim", "embed-dim",
      "train.yml:11:11: 'embed-dim': unknown key. Did you mean 'embed_dim'?"
    ),
  ]

  @Test(arguments: trainingFaults)
  func trainingFaultsNameThePlace(_ right: String, _ wrong: String, _ message: String) throws {
    var text = RunFileTexts.training.replacing(right, with: wrong, maxReplacements: 1)
    if message.contains("found keep: best") {
      text = text.replacing("output: {", with: "output: {keep: best, ")
    }
    try #require(text != RunFileTexts.training)
    let error = #expect(throws: ApusError.self) { try TrainingRunFile.parse(text, file: "train.yml") }
    #expect(error?.description == message)
  }

  @Test func missingFileIsInputMissing() {
    let error = #expect(throws: ApusError.self) { try EnsembleRunFile.read("/nonexistent/run.yml") }
    #expect(error?.kind == .inputMissing)
  }
}
