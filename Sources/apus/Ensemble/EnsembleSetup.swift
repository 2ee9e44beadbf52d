import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Kernels
import Logging
import Models
import RunFiles
import Sphere

/// A run file with everything it names opened and checked: what every command on ensembles starts from.
struct EnsembleSetup {
  private(set) var run: EnsembleRunFile
  private(set) var runFileText: String
  let checkpoints: [Checkpoint]
  let archive: Archive
  let forecaster: EnsembleForecaster
  private(set) var plan: WorkPlan
  /// Which members get files, and what of them.
  let memberOutput: MemberOutput
  private(set) var directory: RunDirectory
  private(set) var manifest: RunManifest

  /// Files that are read: analyses and checkpoints.
  var inputs: [String] { archive.files + run.checkpoints.map(\.path) }

  /// Opens checkpoints and analyses; computes amplitudes where the run file asks for it, unless the run
  /// directory already has them.
  /// - Parameters:
  ///   - output: instead of the run file's directory.
  ///   - date: only this initial time, which the run file need not name.
  /// - Throws: `ApusError` for whatever does not fit.
  init(
    _ path: String, output: String? = nil, date: Instant? = nil, threads: Int, logger: Logger
  ) throws {
    var run = try EnsembleRunFile.read(path)
    if let output { run.output.directory = output }
    if let date { run.initialTimes.instants = [date] }
    guard !run.initialTimes.instants.isEmpty else {
      throw ApusError(
        .badRunFile, "names no initial time", file: path, variable: "initial_times",
        advice: "Give one with --date, or start it with: apus daily \(path).")
    }
    try self.init(run, file: path, threads: threads, logger: logger)
  }

  /// Opens what a run file that was read names.
  /// - Parameters:
  ///   - file: where it was read from, for messages.
  ///   - analysisFiles: instead of what the patterns of `analyses` match.
  /// - Throws: `ApusError` for whatever does not fit.
  init(
    _ run: EnsembleRunFile, file path: String, analysisFiles: [String]? = nil, threads: Int, logger: Logger
  ) throws {
    self.run = run
    runFileText = try run.canonicalText()
    directory = RunDirectory(run.output.directory)
    try directory.requireNoFile()

    let precision = ProductPrecision(run.matmulPrecision)
    checkpoints = try run.checkpoints.map { try Checkpoint.read($0.path).computing(precision) }
    guard let first = checkpoints.first else {
      throw ApusError(.badRunFile, "names no checkpoint", file: path)
    }
    archive = try Archive(
      analysisFiles ?? run.analyses.files.paths, channels: first.channels, units: first.units,
      grid: first.grid,
      degrees: first.degrees, from: run.analyses.from, to: run.analyses.to)
    try EnsembleSetup.check(run, file: path, stepHours: first.stepHours, channels: first.channels)
    let models = checkpoints.map { CheckpointForecastModel($0) }
    let analyses = AnalysisCache(archive, limit: 64)
    let settings = EnsembleSetup.settings(run.perturbation, channels: first.channels)
    let amplitudes = try EnsembleSetup.amplitudes(
      run.perturbation, settings: settings, model: models[0], analyses: analyses, directory: directory,
      threads: threads, logger: logger)
    forecaster = try EnsembleForecaster(
      models: models, analyses: analyses, settings: settings, amplitudes: amplitudes, seed: run.seed,
      leadHours: run.leadTimeHours, outputEveryHours: run.output.everyHours)
    plan = WorkPlan(
      initialTimes: run.initialTimes.instants, checkpoints: models.count, pairs: run.perturbation.pairs,
      kind: settings.kind)
    if let emulation = run.emulation {
      try EmulationCheck(settings: emulation, file: path).require(forecaster, members: plan.members.count)
    }
    memberOutput = try EnsembleSetup.memberOutput(run.output, forecaster: forecaster, file: path)
    manifest = RunManifest(
      name: run.name, apusVersion: apusVersion, runFileDigest: try EnsembleSetup.digest(of: run),
      forecaster: forecaster, plan: plan, checkpointPaths: run.checkpoints.map(\.written),
      products: try ProductLayout.fingerprint(of: run), memberFiles: memberOutput,
      matmulPrecision: run.matmulPrecision == .highest ? nil : run.matmulPrecision.rawValue)
  }

  /// The same for one initial time in a directory of its own; checkpoints and analyses stay open.
  func at(_ date: Instant, in directory: String) throws -> EnsembleSetup {
    var setup = self
    setup.run.initialTimes.instants = [date]
    setup.run.output.directory = directory
    // A report elsewhere would be one for all dates.
    setup.run.report?.file = nil
    setup.runFileText = try setup.run.canonicalText()
    setup.directory = RunDirectory(directory)
    setup.plan = WorkPlan(
      initialTimes: [date], checkpoints: checkpoints.count, pairs: run.perturbation.pairs,
      kind: forecaster.settings.kind)
    setup.manifest.initialTimes = [date.description]
    return setup
  }

  /// Fingerprint of what decides a member's bits: the run file without its directory, its dates, the number
  /// of pairs, what is scored and drawn, so that a member alone has the bytes it has in any run.
  private static func digest(of run: EnsembleRunFile) throws -> String {
    struct Facts: Encodable {
      let name: String
      let seed: UInt64
      let checkpoints: [InputPath]
      let analyses: DataPeriod
      let leadTimeHours: Int
      let perturbation: PerturbationSection
      let everyHours: Int
      let quantiseBits: Int?
      /// nil as by default.
      let matmulPrecision: MatmulPrecision?
    }
    var perturbation = run.perturbation
    perturbation.pairs = 0
    let facts = Facts(
      name: run.name, seed: run.seed, checkpoints: run.checkpoints, analyses: run.analyses,
      leadTimeHours: run.leadTimeHours, perturbation: perturbation, everyHours: run.output.everyHours,
      quantiseBits: run.output.quantiseBits,
      matmulPrecision: run.matmulPrecision == .highest ? nil : run.matmulPrecision)
    return try SortedJSON.digest(facts)
  }

  /// What the run file's `output` says of member files.
  /// - Throws: `ApusError` of kind `badRunFile` for a variable or lead time that is not made, a region without a point.
  private static func memberOutput(
    _ output: EnsembleOutput, forecaster: EnsembleForecaster, file: String
  ) throws -> MemberOutput {
    let members: MemberOutput.Members =
      switch output.members {
      case .all: .all
      case .none: .none
      case .some(let numbers): .some(Set(numbers))
      }
    let region = output.region.map {
      LatitudeLongitudeBox(south: $0.south, north: $0.north, west: $0.west, east: $0.east)
    }
    do {
      return MemberOutput(
        members,
        fields: try MemberFields(
          channels: output.variables, leadHours: output.leadTimes, region: region, of: forecaster))
    } catch let error as ApusError {
      throw ApusError(
        error.kind, error.problem, file: file, variable: error.variable, found: error.found,
        expected: error.expected, advice: error.advice)
    }
  }

  /// Checks of the run file that need no forecast, so that they fail before hours of work.
  private static func check(_ run: EnsembleRunFile, file: String, stepHours: Int, channels: [String]) throws {
    func refuse(_ key: String, _ problem: String, _ found: String, _ expected: String) -> ApusError {
      ApusError(.badRunFile, problem, file: file, variable: key, found: found, expected: expected)
    }
    let every = run.output.everyHours
    guard run.leadTimeHours % every == 0 else {
      throw refuse(
        "lead_time_hours", "is no multiple of output.every_hours", "\(run.leadTimeHours) h",
        "a multiple of \(every) h")
    }
    if case .computed(_, let hours) = run.perturbation.amplitudes, hours % stepHours != 0 {
      throw refuse(
        "amplitude_lead_hours", "is no multiple of the network's step", "\(hours) h",
        "a multiple of \(stepHours) h")
    }
    guard let verification = run.verification else { return }
    for name in verification.variables where !channels.contains(name) {
      throw refuse(
        "verification.variables", "is not forecast", name, "one of " + channels.joined(separator: ", "))
    }
    let scored = stride(from: every, through: run.leadTimeHours, by: every).contains {
      $0 % verification.everyHours == 0
    }
    guard scored else {
      throw refuse(
        "verification.every_hours", "meets no output time", "\(verification.everyHours) h",
        "a multiple of \(every) h, at most \(run.leadTimeHours) h")
    }
    let hasClimate = verification.climate != nil || run.climatology != nil
    if let text = verification.threshold {
      guard let rule = ThresholdRule(argument: text), hasClimate || !rule.needsClimate else {
        throw refuse(
          "verification.threshold", "is not understood, or needs a climatology", "'\(text)'",
          "a number, climate:mean+1std or climate:p95")
      }
    }
  }

  /// Writes members and products as files.
  var store: NetCDFRunStore { store(memberOutput.fields) }

  /// The same with another part of every member.
  func store(_ fields: MemberFields) -> NetCDFRunStore {
    NetCDFRunStore(
      manifest: manifest,
      units: Dictionary(uniqueKeysWithValues: zip(checkpoints[0].channels, checkpoints[0].units)),
      quantiseBits: run.output.quantiseBits, fields: fields)
  }

  /// Reads every analysis that members start or are bred from, so that a missing or damaged one fails the
  /// run before any work.
  func requireAnalyses(threads: Int) throws {
    let needed = Set(
      plan.initialTimes.flatMap { forecaster.analysisTimes(for: $0, pairs: run.perturbation.pairs) }
    ).sorted()
    try Parallel.forEach(needed.count, threads: threads) { index, _ in
      _ = try forecaster.analyses.state(at: needed[index])
    }
  }

  /// The members of an initial time from their files; nil where one is missing.
  func readMembers(at time: Instant, threads: Int) throws -> [Trajectory]? {
    let files = plan.members.map { directory.memberFile($0.number, at: time) }
    guard files.allSatisfy(RunDirectory.exists) else { return nil }
    let members = Slots<Trajectory>(files.count)
    try Parallel.forEach(files.count, threads: threads) { index, _ in
      members[index] = try store.read(files[index])
    }
    return members.values
  }

  /// The climate that forecasts of some channels are compared with: the verification's own, else the run's;
  /// nil where the run file names none.
  func climateSamples(_ channels: [String], threads: Int) throws -> ClimateSamples? {
    let first = checkpoints[0]
    return try run.climate.map {
      try ClimateSamples(
        $0, channels: channels, units: units(of: channels), grid: first.grid, degrees: first.degrees,
        threads: threads)
    }
  }

  /// The analyses or other states that members of these channels are scored against.
  func openTruth(_ channels: [String]) throws -> Archive {
    let (first, period) = (checkpoints[0], run.truth)
    return try Archive(
      period.files.paths, channels: channels, units: units(of: channels), grid: first.grid,
      degrees: first.degrees, from: period.from, to: period.to)
  }

  /// Units of channels as the checkpoints have them.
  func units(of channels: [String]) -> [String] {
    let first = checkpoints[0]
    return channels.map { name in first.units[first.channels.firstIndex(of: name) ?? 0] }
  }

  private static func settings(_ section: PerturbationSection, channels: [String]) -> PerturbationSettings {
    let kind: PerturbationSettings.Kind =
      switch section.method {
      case .bredVector: .bredVectors
      case .correlatedNoise: .noise
      case .lagged: .lagged
      case .none: .none
      }
    var seeds = section.seedChannels
    if seeds.isEmpty { seeds = channels.contains("z500") ? ["z500"] : channels }
    var targetHours = 48
    if case .computed(_, let leadHours) = section.amplitudes { targetHours = leadHours }
    let timing: PerturbationSettings.Timing =
      switch section.timing {
      case .validTimeConsistent: .validTimeConsistent
      case .hensCode: .hensCode
      }
    let perturbedRun: PerturbationSettings.PerturbedRun =
      switch section.perturbedRun {
      case .ownCheckpoint: .ownCheckpoint
      case .otherCheckpoint: .otherCheckpoint
      }
    let rescaling: PerturbationSettings.Rescaling =
      switch section.rescaling {
      case .hemispheric: .hemispheric
      case .zonal: .zonal
      }
    return PerturbationSettings(
      kind: kind, cycles: section.cycles, seedChannels: seeds,
      lengthScaleKilometres: section.lengthScaleKilometres, factor: section.amplitudeFactor,
      targetHours: targetHours, timing: timing, perturbedRun: perturbedRun,
      rescaling: rescaling, tropics: section.rescaleLatitude)
  }

  private static func amplitudes(
    _ section: PerturbationSection, settings: PerturbationSettings, model: CheckpointForecastModel,
    analyses: AnalysisCache, directory: RunDirectory, threads: Int, logger: Logger
  ) throws -> [Double] {
    guard ![.none, .lagged].contains(section.method) else { return [] }
    switch section.amplitudes {
    case nil: return []
    case .file(let file):
      return try AmplitudeTable.read(file.path).amplitudes(
        for: model.channels, targetHours: settings.targetHours, factor: settings.factor, file: file.path)
    case .computed(let times, let leadHours):
      let kept = directory.path + "/amplitudes.json"
      let names = times.instants.map(\.description)
      if let table = try? AmplitudeTable.read(kept), table.checkpoint == model.identifier,
        table.initialTimes == names, table.leadHours.last == leadHours
      {
        return try table.amplitudes(
          for: model.channels, targetHours: leadHours, factor: settings.factor, file: kept)
      }
      logger.info("measuring \(leadHours) h errors of the control from \(times.instants.count) initial times")
      let table = try AmplitudeTable.measure(
        model, against: analyses, initialTimes: times.instants, leadHours: leadHours, threads: threads)
      try EnsembleSetup.create(directory.path)
      try WholeFile.write(table.encoded(), to: kept)
      return try table.amplitudes(for: model.channels, targetHours: leadHours, factor: settings.factor)
    }
  }

  private static func create(_ directory: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw ApusError(
        .cannotCreateOutput, "cannot create the directory", file: directory,
        advice: "Choose another place with --output.")
    }
  }
}
