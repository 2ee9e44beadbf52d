import Basics
import Ensembles
import Foundation
import Logging
import Models
import Operators
import RunFiles
import Training

/// A training run file carried out: archives in, checkpoint, training state, loss curve and card out.
struct TrainingJob {
  let run: TrainingRunFile
  let logger: Logger
  let showsProgress: Bool
  let threads: Int

  func train() throws -> TrainingReport {
    let names = TrainingFiles(run.output.checkpoint)
    let inputs = try TrainingInputs(run, threads: threads, logger: logger)
    let settings = inputs.settings
    let trainer = try inputs.trainer(threads: threads)
    let fingerprint = try TrainingProvenance.fingerprint(inputs, threads: threads)
    // Adjoints of a rollout's later steps also compute the gradient of their input, which is not counted.
    let operations =
      Double(settings.rolloutSteps) * (inputs.network.operationsPerStep + inputs.network.operationsPerAdjoint)
    let output = TrainingOutputs(inputs: inputs, names: names, fingerprint: fingerprint)
    let session = try TrainingSession(
      trainer: trainer, settings: settings, names: names, fingerprint: fingerprint, logger: logger,
      showsProgress: showsProgress, threads: threads
    ).run(
      operationsPerSample: operations,
      snapshot: { trainer in
        try output.write(
          trainer, trainer.trainedResult, kept: .snapshot, steps: trainer.step,
          to: names.snapshot(trainer.step))
      })
    let speed = TrainingSpeed(
      seconds: trainer.seconds, stepSeconds: trainer.stepSeconds, steps: trainer.step,
      batchSize: settings.batchSize,
      operationsPerStep: Double(settings.batchSize) * operations, session: session)
    return try output.finish(trainer, speed)
  }

  /// The learning rate range test on the run file's data and network; writes the chart only.
  func findLearningRate(chart: String?) throws -> LearningRateReport {
    let inputs = try TrainingInputs(run, threads: threads, logger: logger)
    let trainer = try inputs.trainer(validates: false, threads: threads)
    let outcome = try LearningRateFinder().run(trainer, isStopped: { StopFlag.isSet })
    let names = TrainingFiles(run.output.checkpoint)
    if chart == nil { try names.prepare() }
    let report = LearningRateReport(outcome, name: run.name, chart: chart ?? names.learningRateChart)
    try report.writeChart()
    return report
  }
}

/// The files that a training writes.
struct TrainingFiles {
  /// The checkpoint that the run file names.
  let checkpoint: String

  init(_ checkpoint: String) { self.checkpoint = checkpoint }

  var state: String { checkpoint + ".state" }
  var curve: String { checkpoint + ".loss.csv" }
  var learningRateChart: String { checkpoint + ".learning_rate.svg" }
  /// The best weights, where the last ones are kept too.
  var best: String { inserted("best") }
  /// The weights after some steps.
  func snapshot(_ step: Int) -> String { inserted("step\(step)") }
  /// The card of a checkpoint: `NAME.md` for `NAME.safetensors`.
  static func card(_ checkpoint: String) -> String { split(checkpoint).stem + ".md" }

  /// Makes the directory, and clears what killed trainings left of half-written files.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  func prepare() throws {
    let directory = FilePath.directory(of: checkpoint)
    if !directory.isEmpty {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw ApusError(.cannotCreateOutput, "cannot create the directory", file: directory)
      }
    }
    let stem = FilePath.name(of: TrainingFiles.split(checkpoint).stem)
    WholeFile.removeAbandoned(in: directory, prefix: stem + ".")
  }

  /// Trains in a directory that is `prepare`d, and keeps a second training of the same checkpoint out meanwhile.
  /// - Throws: `ApusError`: `tryAgainLater` naming the holder, `cannotCreateOutput` where no file can be made, and
  ///   whatever `training` throws.
  func locked<Report>(_ training: () throws -> Report) throws -> Report {
    try prepare()
    let lock = try RunLock(checkpoint + ".lock", isTemporary: true)
    return try withExtendedLifetime(lock) { try training() }
  }

  /// Makes sure that a training from its beginning writes over nothing of another one: a training's own files have its
  /// state beside them.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  func requireUnwritten() throws {
    let (directory, stem) = (FilePath.directory(of: checkpoint), TrainingFiles.split(checkpoint).stem)
    let snapshots =
      ((try? FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "." : directory)) ?? [])
      .filter { $0.hasPrefix(FilePath.name(of: stem) + ".step") }.sorted()
      .map { directory.isEmpty ? $0 : directory + "/" + $0 }
    let written =
      [checkpoint, TrainingFiles.card(checkpoint), best, TrainingFiles.card(best), curve] + snapshots
    guard let there = written.first(where: FileManager.default.fileExists(atPath:)) else { return }
    throw ApusError(
      .cannotCreateOutput, "there is a file that this training has not written", file: there,
      found: "a file without a training state beside it", expected: "no file, or \(state)",
      advice: "Move it and what belongs to it away to train anew, or choose another output.checkpoint.")
  }

  private func inserted(_ word: String) -> String {
    let (stem, ending) = TrainingFiles.split(checkpoint)
    return "\(stem).\(word)\(ending)"
  }

  private static func split(_ path: String) -> (stem: String, ending: String) {
    let ending = ".safetensors"
    return path.hasSuffix(ending) ? (String(path.dropLast(ending.count)), ending) : (path, "")
  }
}

/// Writes what a training has come to.
struct TrainingOutputs {
  let inputs: TrainingInputs
  let names: TrainingFiles
  let fingerprint: String

  /// Writes weights, or the factors of an adapter.
  func write(
    _ trainer: Trainer, _ trained: AlignedBuffer<Float>, kept: TrainingProvenance.Kept, steps: Int,
    to path: String
  ) throws {
    let provenance = try TrainingProvenance(
      inputs, trainer, kept: kept, steps: steps, fingerprint: fingerprint
    ).text()
    let half = inputs.run.output.halfPrecision
    if let adapter = inputs.run.adapter, let base = inputs.base {
      try LowRankAdapter(inputs.network.layout, rank: adapter.rank)
        .write(path, trained, base: base, provenance: provenance, half: half)
    } else {
      try inputs.checkpoint(trained, provenance: provenance).write(path, half: half)
    }
  }

  /// Writes the checkpoints that the run file asks for, with their cards.
  func finish(_ trainer: Trainer, _ speed: TrainingSpeed) throws -> TrainingReport {
    let keep = inputs.run.output.keep
    var files: [(path: String, kept: TrainingProvenance.Kept, step: Int)] = []
    if keep != .best || trainer.trainedBest == nil { files.append((names.checkpoint, .last, trainer.step)) }
    if let best = trainer.best, trainer.trainedBest != nil {
      files.append((keep == .best ? names.checkpoint : names.best, .best, best.step))
    }
    let data = try ModelCard.digests(inputs)
    for file in files {
      let trained = file.kept == .best ? trainer.trainedBest : nil
      try write(trainer, trained ?? trainer.trainedResult, kept: file.kept, steps: file.step, to: file.path)
      let point = trainer.curve.last { $0.step == file.step }
      let card = ModelCard(
        inputs: inputs, digests: data, file: file.path, kept: file.kept, step: file.step, point: point,
        speed: speed)
      try WholeFile.write(Data(card.text().utf8), to: TrainingFiles.card(file.path))
    }
    let shown = trainer.curve.last { $0.step == files[0].step }
    return TrainingReport(
      checkpoints: files.map(\.path), kept: files[0].kept.rawValue, steps: trainer.step,
      bestStep: trainer.best?.step, samples: trainer.step * inputs.run.optimisation.batchSize,
      loss: shown?.loss ?? .nan, validationLoss: shown?.validationLoss, scores: shown?.scores ?? [],
      speed: speed)
  }
}
