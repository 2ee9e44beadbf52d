import Basics
import Emulators
import Foundation
import Logging
import Models
import RunFiles
import Training

/// A training run file with `variational` carried out: a forecaster that perturbs itself.
struct VariationalJob {
  let run: TrainingRunFile
  let section: VariationalSection
  let logger: Logger
  let showsProgress: Bool
  let threads: Int

  func train() throws -> VariationalReport {
    let names = TrainingFiles(run.output.checkpoint)
    let inputs = try TrainingInputs(run, threads: threads, logger: logger)
    guard let base = inputs.base else { throw ApusError(.internalFault, "no initial checkpoint") }
    let settings = inputs.settings
    let configuration = VariationalConfiguration(
      latentChannels: section.latentChannels, latentDegrees: section.latentDegrees, width: section.width,
      blocks: section.blocks, noiseMemory: section.noiseMemory > 0 ? section.noiseMemory : nil)
    let networks = try configuration.networks(base)
    let steps = settings.schedule.steps
    let objective = VariationalObjective(
      networks: networks, base: base, set: inputs.set, validation: inputs.validationSet,
      settings: VariationalSettings(
        members: section.members, divergenceWeight: section.divergenceWeight,
        warmupSteps: Int(section.divergenceWarmup * Double(steps)), posteriorWeight: section.posteriorWeight,
        rolloutSteps: run.optimisation.rolloutSteps, batchSize: settings.batchSize, steps: steps),
      precision: settings.precision, seed: run.seed)
    let trainer = try Trainer(
      objective, parameters: startingWeights(networks, inputs), settings: settings, threads: threads)
    // What is trained, wherever it is written.
    var plain = run
    plain.output.checkpoint = ""
    let runFile = SHA256.hexadecimal(of: Array(try plain.canonicalText().utf8))
    let fingerprint = try InputDigests.fingerprint(runFile: runFile, run.inputFiles, threads: threads)
    _ = try TrainingSession(
      trainer: trainer, settings: settings, names: names, fingerprint: fingerprint, logger: logger,
      showsProgress: showsProgress, threads: threads
    ).run(
      operationsPerSample: objective.operationsPerSample,
      saving: { trainer in
        // A test for prior collapse in every log (spec/emulators.md 5a).
        if let health = objective.health { logger.info("step \(trainer.step): \(health)") }
      })
    let kept = run.output.keep == .last ? trainer.result : trainer.trainedBest ?? trainer.result
    let path = run.output.checkpoint
    let bestStep = run.output.keep == .last || trainer.trainedBest == nil ? nil : trainer.best?.step
    let point = trainer.curve.last { $0.step == bestStep ?? trainer.step }
    var report = VariationalReport(
      file: path, name: run.name, base: base.digest, samples: inputs.set.count, steps: steps,
      seconds: trainer.seconds, loss: point?.loss, validationLoss: point?.validationLoss,
      bestStep: bestStep,
      health: nil, licence: run.licence, runFile: runFile)
    if inputs.validationSet != nil {
      _ = try objective.validate(kept, threads: threads)
      report.health = objective.health
    }
    try VariationalFile.write(
      configuration, networks, kept, base: base, provenance: report.provenance(), to: path,
      half: run.output.halfPrecision)
    try report.writeCard()
    return report
  }

  /// Those of another variational forecaster of the same sizes, or new ones around a checkpoint.
  private func startingWeights(_ networks: VariationalForecaster.Networks, _ inputs: TrainingInputs) throws
    -> AlignedBuffer<Float>
  {
    guard let base = inputs.base else { return AlignedBuffer(networks.count) }
    guard let start = section.start else { return networks.initialWeights(base, seed: run.seed) }
    let other = try VariationalFile.read(start.path)
    guard other.parameters.count == networks.count, other.base.channels == base.channels else {
      throw ApusError(
        .badData, "the variational forecaster does not fit the run file", file: start.path,
        found: "\(other.parameters.count) weights", expected: "\(networks.count)")
    }
    return other.parameters
  }
}

/// What came of a variational forecaster's training.
struct VariationalReport: TrainedModelReport {
  var file, name, base: String
  var samples, steps: Int
  var seconds, loss, validationLoss: Double?
  var bestStep: Int?
  var health: VariationalHealth?
  var licence: String?
  var runFile: String

  static let what = "a variational forecaster"
  var rows: [(String, String)] {
    var rows = [
      ("started from", "checkpoint with SHA-256 `\(base)`"), ("samples", "\(samples)"), ("steps", "\(steps)"),
    ]
    if let bestStep { rows.append(("kept", "best validation, after step \(bestStep)")) }
    if let loss { rows.append(("loss", String(format: "%.5f", loss))) }
    if let validationLoss { rows.append(("validation CRPS", String(format: "%.5f", validationLoss))) }
    if let seconds { rows.append(("time", String(format: "%.0f s", seconds))) }
    if let health { rows.append(("prior and posterior", "\(health)")) }
    return rows
  }
}
