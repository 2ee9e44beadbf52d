import Basics
import Emulators
import FieldIO
import Fields
import Foundation
import Logging
import Operators
import RunFiles
import Sphere
import Training

/// An emulator's run file carried out: hindcasts in, emulator, training state, loss curve and card out.
struct EmulatorJob {
  let run: EmulatorRunFile
  let logger: Logger
  let showsProgress: Bool
  let threads: Int

  /// All that the run file names, read.
  private struct Inputs {
    let grid: SphereGrid
    let hindcasts: HindcastSet
    let validation: HindcastSet?
    let draw: LabelDraw
    var domain: EmulatorDomain { hindcasts.domain }
  }

  func train() throws -> EmulatorReport {
    let names = TrainingFiles(run.output.checkpoint)
    let inputs = try read()
    let seed = run.seed
    switch run.emulator.kind {
    case .gaussianShrinkage:
      return try finish(GaussianShrinkage.fit(inputs.hindcasts, inputs.draw, seed: seed), inputs)
    case .residualBootstrap:
      return try finish(ResidualBootstrap.fit(inputs.hindcasts, inputs.draw, seed: seed), inputs)
    case .emos:
      return try finish(EMOS.fit(inputs.hindcasts, inputs.draw, seed: seed, threads: threads), inputs)
    case .diffusion: return try train(.diffusion, inputs, names)
    case .oneStep: return try train(.oneStep, inputs, names)
    }
  }

  private func read() throws -> Inputs {
    let data = run.data
    let grid = try GridDescription.read(data.grid.path)
    func archive(_ period: DataPeriod, units: [String]? = nil) throws -> Archive {
      try Archive(
        period.files.paths, channels: data.channels, units: units, grid: grid, degrees: data.degrees,
        from: period.from, to: period.to)
    }
    let past = try archive(data.climate)
    let step = data.climateEveryHours * 3600
    let start = past.times.first?.seconds ?? 0
    let times = past.times.filter { ($0.seconds - start) % step == 0 }
    guard times.count >= 30 else {
      throw ApusError(
        .badData, "too few states for a climate", file: past.files.first, found: "\(times.count)",
        expected: "at least 30, better over whole years")
    }
    logger.info("fitting the climate to \(times.count) states")
    let climate = try SeasonalClimate.fit(
      channels: data.channels.count, points: grid.pointCount, times: times,
      load: { try past.load($0, threads: threads) })
    let domain = EmulatorDomain(
      channels: data.channels, units: past.units, grid: grid, degrees: data.degrees,
      leadHours: data.leadHours, climate: climate)
    let truth = try archive(data.truth, units: past.units)
    func hindcasts(_ period: DataPeriod) throws -> HindcastSet {
      try HindcastSet(
        FileList.expand(period.files.paths), truth: truth, domain: domain,
        leavingOut: Set(data.excludedMembers), from: period.from, to: period.to)
    }
    let set = try hindcasts(data.hindcasts)
    let validation = try data.validation.map(hindcasts)
    logger.info(
      "\(set.cases.count) cases of \(set.members.count) members to learn from, \(validation?.cases.count ?? 0) to validate on"
    )
    let draw = LabelDraw(
      seedCounts: run.emulator.seedCounts, truthShare: run.emulator.truthShare,
      keepsPairsApart: run.emulator.keepsPairsApart)
    let groups =
      draw.keepsPairsApart ? Set(set.members.map { ($0 + 1) / 2 }).count : set.members.count
    let needed = (draw.seedCounts.last ?? 0) + (draw.truthShare < 1 ? 1 : 0)
    guard groups >= needed else {
      throw ApusError(
        .badData, "too few members for seeds and a label", file: data.hindcasts.files.first?.path,
        found: "\(groups) \(draw.keepsPairsApart ? "pairs" : "members")", expected: "at least \(needed)",
        advice: "Lower seed_counts, or make hindcasts of more members.")
    }
    return Inputs(grid: grid, hindcasts: set, validation: validation, draw: draw)
  }

  private func train(_ kind: NetworkEmulator.Kind, _ inputs: Inputs, _ names: TrainingFiles) throws
    -> EmulatorReport
  {
    guard let optimisation = run.optimisation else { throw ApusError(.internalFault, "no optimisation") }
    let settings = TrainerSettings(
      run.seed, optimisation, run.output, samples: inputs.hindcasts.cases.count)
    let base = try run.initialEmulator.map { path -> NetworkEmulator in
      guard let base = try EmulatorFile.read(path.path) as? NetworkEmulator else {
        throw ApusError(.badData, "is no emulator with a network", file: path.path)
      }
      return base
    }
    let features = InputFeatures(run.inputs)
    let statics =
      try run.inputs.staticFields.map {
        try StaticFields.read($0.file.path, variables: $0.variables, grid: inputs.grid)
      } ?? []
    let channels = run.data.channels.count
    let configuration = SFNOConfiguration(
      run.network, grid: inputs.grid, inputs: 3 * channels + features.count, outputs: channels)
    let network = try ConditionalSFNO(configuration, embedding: EmbeddingConfiguration.forEmulators)
    if let base,
      base.network.network.configuration != configuration || base.domain.channels != run.data.channels
    {
      throw ApusError(
        .badData, "the initial emulator does not fit the run file", file: run.initialEmulator?.path,
        found: "\(base.network.network.configuration)", expected: "\(configuration)")
    }
    let teacher = try run.teacher.map { path -> NetworkEmulator in
      guard let teacher = try EmulatorFile.read(path.path) as? NetworkEmulator, teacher.kind == .diffusion,
        teacher.domain.channels == run.data.channels, teacher.domain.leadHours == run.data.leadHours,
        teacher.seedCounts == inputs.draw.seedCounts, teacher.domain.grid == inputs.grid
      else {
        throw ApusError(
          .badData, "the teacher does not fit the run file", file: path.path,
          expected: "a diffusion emulator of the same grid, channels, lead_hours and seed_counts")
      }
      return teacher
    }
    let shrinkage =
      teacher?.shrinkage ?? GaussianShrinkage.fit(inputs.hindcasts, inputs.draw, seed: run.seed)
    let fields = FeatureFields(features, grid: inputs.grid, staticFields: statics)
    let objective = EmulatorObjective(
      kind: kind, network: network, set: inputs.hindcasts, validation: inputs.validation, draw: inputs.draw,
      shrinkage: shrinkage, features: fields, members: run.emulator.members, teacher: teacher,
      precision: settings.precision, seed: run.seed)
    let trainer = try Trainer(
      objective, parameters: base?.parameters ?? network.initialWeights(seed: run.seed), settings: settings,
      threads: threads)
    _ = try TrainingSession(
      trainer: trainer, settings: settings, names: names,
      fingerprint: try InputDigests.fingerprint(
        runFile: run.fingerprint(), run.inputFiles, threads: threads), logger: logger,
      showsProgress: showsProgress, threads: threads
    ).run(operationsPerSample: objective.operationsPerSample)
    let kept = run.output.keep == .last ? trainer.result : trainer.trainedBest ?? trainer.result
    let emulator = try NetworkEmulator(
      kind: kind, network: network, parameters: kept, shrinkage: shrinkage, features: fields,
      staticFields: statics, provenance: "{}")
    return try finish(emulator, inputs, trainer)
  }

  private func finish(_ emulator: any Emulator, _ inputs: Inputs, _ trainer: Trainer? = nil) throws
    -> EmulatorReport
  {
    let path = run.output.checkpoint
    let starts = Set(inputs.hindcasts.cases.map(\.initial)).sorted()
    let bestStep = run.output.keep == .last || trainer?.trainedBest == nil ? nil : trainer?.best?.step
    let point = trainer.flatMap { trainer in trainer.curve.last { $0.step == bestStep ?? trainer.step } }
    let report = EmulatorReport(
      file: path, name: run.name, kind: run.emulator.kind.rawValue, truthShare: run.emulator.truthShare,
      seedCounts: inputs.draw.seedCounts, starts: starts.count, firstStart: starts.first?.description ?? "",
      lastStart: starts.last?.description ?? "", members: inputs.hindcasts.members.count,
      validationCases: inputs.validation?.cases.count ?? 0, steps: trainer?.step,
      seconds: trainer?.seconds, loss: point?.loss, validationLoss: point?.validationLoss,
      bestStep: bestStep,
      gigaflopPerDraw: emulator.operationsPerDraw.map { $0 / 1e9 }, licence: run.licence,
      runFile: try run.fingerprint())
    logger.info("measuring the spectrum of draws")
    let finish = try SpectralFinish.fit(
      emulator, inputs.hindcasts, inputs.draw, seed: run.seed, threads: threads)
    try EmulatorFile.write(
      emulator, finish: finish, to: path, provenance: report.provenance(), half: run.output.halfPrecision)
    try report.writeCard()
    return report
  }
}

extension EmulatorRunFile {
  /// SHA-256 of what is trained, wherever it is written.
  fileprivate func fingerprint() throws -> String {
    var plain = self
    plain.output.checkpoint = ""
    return SHA256.hexadecimal(of: Array(try plain.canonicalText().utf8))
  }
}

/// What came of an emulator's training.
struct EmulatorReport: TrainedModelReport {
  var file, name, kind: String
  var truthShare: Double
  var seedCounts: [Int]
  var starts: Int
  var firstStart, lastStart: String
  var members, validationCases: Int
  var steps: Int?
  var seconds, loss, validationLoss: Double?
  var bestStep: Int?
  var gigaflopPerDraw: Double?
  var licence: String?
  var runFile: String

  static let what = "an ensemble emulator"
  var rows: [(String, String)] {
    func number(_ value: Double) -> String { String(format: "%.5f", value) }
    var rows = [
      ("kind", kind), ("seeds", seedCounts.map(String.init).joined(separator: ", ")),
      ("labels", truthShare == 0 ? "members" : "the truth with probability \(truthShare), else members"),
      ("hindcasts", "\(starts) starts, \(firstStart) to \(lastStart), \(members) members"),
    ]
    if let steps { rows.append(("steps", "\(steps)")) }
    if let bestStep { rows.append(("kept", "best validation, after step \(bestStep)")) }
    if let loss { rows.append(("loss", number(loss))) }
    if let validationLoss {
      rows.append(("validation loss", "\(number(validationLoss)), \(validationCases) cases"))
    }
    if let seconds { rows.append(("time", String(format: "%.0f s", seconds))) }
    if let gigaflopPerDraw { rows.append(("a draw", String(format: "%.2f GFLOP", gigaflopPerDraw))) }
    return rows
  }
}
