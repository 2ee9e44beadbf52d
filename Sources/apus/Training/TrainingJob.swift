import Basics
import FieldIO
import Fields
import Foundation
import Logging
import Models
import Operators
import RunFiles
import Sphere
import Training

/// A training run file carried out: archives in, checkpoint, training state and loss curve out.
struct TrainingJob {
  let run: TrainingRunFile
  let logger: Logger
  let showsProgress: Bool
  let threads: Int

  /// What a training reports.
  struct Report: Encodable, CustomStringConvertible {
    let checkpoint: String
    let steps: Int
    let samples: Int
    let loss: Double
    let validationLoss: Double?

    enum CodingKeys: String, CodingKey {
      case checkpoint, steps, samples, loss
      case validationLoss = "validation_loss"
    }

    var description: String {
      let validation = validationLoss.map { String(format: ", validation %.5f", $0) } ?? ""
      return "\(checkpoint): \(steps) steps, \(samples) samples, "
        + String(format: "loss %.5f", loss) + validation
    }
  }

  /// States of an entry of the run file, in order of time without gaps.
  private struct Stretch {
    let archive: Archive
    let times: [Instant]
  }

  func train() throws -> Report {
    let grid = try GridDescription.read(run.data.grid.path)
    let steps = run.optimisation.rolloutSteps
    logger.info("reading \(run.data.channels.joined(separator: " ")) on \(grid), l < \(run.data.degrees)")
    let training = try stretches(run.data.training, grid: grid)
    let units = training.first?.archive.units ?? []
    var sums = NormalisationSums(channels: run.data.channels, grid: grid)
    var loaded: [(states: [Float], times: [Instant])] = []
    for stretch in training {
      let states = try stretch.archive.load(stretch.times, threads: threads)
      try sums.add(states, times: stretch.times.count, threads: threads)
      loaded.append((states, stretch.times))
    }
    let base = try run.initialCheckpoint.map { try Checkpoint.read($0.path) }
    let normalisation =
      run.normalisation == .checkpoint
      ? try (base?.normalisation ?? sums.normalisation()) : try sums.normalisation()
    let set = TrainingSet(
      stretches: loaded, normalisation: normalisation, points: grid.pointCount, steps: steps)
    loaded = []
    let validation = try validationSet(grid: grid, normalisation: normalisation)
    logger.info("\(set.count) samples to train on, \(validation?.count ?? 0) to validate on")

    let features = InputFeatures(
      positionFrequencies: run.inputs.positionFrequencies, positionCosines: run.inputs.positionCosines,
      season: run.inputs.season, solarZenith: run.inputs.solarZenith,
      staticFields: run.inputs.staticFields?.variables ?? [])
    let statics =
      try run.inputs.staticFields.map {
        try StaticFields.read($0.file.path, variables: $0.variables, grid: grid)
      } ?? []
    let network = try SFNO(configuration(grid: grid, features: features))
    let parameters = try startingWeights(
      network, base: base, features: features, normalisation: normalisation)
    let fields = FeatureFields(features, grid: grid, staticFields: statics)
    let loss = TendencyLoss(
      normalisation, grid: grid, isRelative: run.optimisation.loss == .hens,
      weights: run.optimisation.channelWeights)
    let settings = trainerSettings(samples: set.count)
    let trainer = try Trainer(
      network: network, parameters: parameters, features: fields, loss: loss, set: set,
      validation: validation,
      settings: settings, threads: threads)

    let output = run.output.checkpoint
    let directory = (output as NSString).deletingLastPathComponent
    if !directory.isEmpty {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw ApusError(.cannotCreateOutput, "cannot create the directory", file: directory)
      }
    }
    let fingerprint = try fingerprint(normalisation, base: base)
    let stateFile = output + ".state"
    if let state = try TrainingState.read(stateFile, fingerprint: fingerprint, count: network.layout.count) {
      trainer.resume(state)
      logger.info("resuming after step \(state.step) of \(settings.schedule.steps) from \(stateFile)")
    }
    let meter = TrainingMeter(
      steps: settings.schedule.steps, firstStep: trainer.step, batchSize: settings.batchSize,
      isTerminal: showsProgress, log: { logger.info("\($0)") })
    try trainer.run(meter: meter, isStopped: { StopFlag.isSet }) { trainer in
      try trainer.state(fingerprint: fingerprint).write(stateFile)
      try WholeFile.write(Data(LossCurve.csv(trainer.curve).utf8), to: output + ".loss.csv")
    }
    let checkpoint = try Checkpoint(
      network: network, parameters: trainer.result, channels: run.data.channels, units: units,
      normalisation: normalisation, features: features, staticFields: statics, degrees: run.data.degrees,
      stepHours: run.data.stepHours, provenance: provenance(trainer, training, base, fingerprint))
    try checkpoint.write(output, half: run.output.halfPrecision)
    return Report(
      checkpoint: output, steps: trainer.step, samples: trainer.step * settings.batchSize,
      loss: trainer.curve.last?.loss ?? .nan, validationLoss: trainer.curve.last?.validationLoss)
  }

  // MARK: - Data

  private func stretches(_ periods: [DataPeriod], grid: SphereGrid) throws -> [Stretch] {
    try periods.map { period in
      let archive = try Archive(
        period.files.paths, channels: run.data.channels, grid: grid, degrees: run.data.degrees)
      let times = try archive.regularTimes(from: period.from, to: period.to, stepHours: run.data.stepHours)
      return Stretch(archive: archive, times: times)
    }
  }

  private func validationSet(grid: SphereGrid, normalisation: Normalisation) throws -> TrainingSet? {
    guard !run.data.validation.isEmpty else { return nil }
    let loaded = try stretches(run.data.validation, grid: grid).map {
      (states: try $0.archive.load($0.times, threads: threads), times: $0.times)
    }
    return TrainingSet(stretches: loaded, normalisation: normalisation, points: grid.pointCount, steps: 1)
  }

  // MARK: - Network

  private func configuration(grid: SphereGrid, features: InputFeatures) -> SFNOConfiguration {
    let network = run.network
    return SFNOConfiguration(
      shape: [grid.latitudeCount, grid.longitudeCount],
      inputChannels: run.data.channels.count + features.count, outputChannels: run.data.channels.count,
      embedding: network.embedDim, blocks: network.numLayers, scaleFactor: network.scaleFactor,
      mlpRatio: network.mlpRatio, hardThresholdingFraction: network.hardThresholdingFraction,
      modelGridType: grid.kind == .gaussian ? "legendre-gauss" : "equiangular",
      shtGridType: network.shtGridType.rawValue)
  }

  private func startingWeights(
    _ network: SFNO, base: Checkpoint?, features: InputFeatures, normalisation: Normalisation
  ) throws -> AlignedBuffer<Float> {
    guard let base else {
      let ratios = normalisation.channels.indices.map {
        normalisation.tendencyDeviation[$0] / normalisation.deviation[$0]
      }
      let size = (ratios.reduce(0) { $0 + $1 * $1 } / Double(ratios.count)).squareRoot()
      return network.layout.initialise(
        seed: run.seed, decoderScale: run.network.startAsPersistence ? size : nil)
    }
    let fits =
      base.network.configuration == network.configuration && base.channels == run.data.channels
      && base.features.features == features && base.stepHours == run.data.stepHours
      && base.degrees == run.data.degrees
    guard fits else {
      throw ApusError(
        .badData, "the initial checkpoint does not fit the run file", file: base.file,
        found:
          "channels \(base.channels.joined(separator: " ")), l < \(base.degrees), \(base.stepHours) h, \(base.network.configuration)",
        expected:
          "channels \(run.data.channels.joined(separator: " ")), l < \(run.data.degrees), \(run.data.stepHours) h, \(network.configuration)",
        advice: "Give data, network and inputs as the checkpoint has them: apus inspect \(base.file).")
    }
    return base.parameters
  }

  private func trainerSettings(samples: Int) -> TrainerSettings {
    let optimisation = run.optimisation
    let steps =
      switch optimisation.length {
      case .steps(let steps): steps
      case .epochs(let epochs):
        max(1, Int((epochs * Double(samples) / Double(optimisation.batchSize)).rounded()))
      }
    return TrainerSettings(
      seed: run.seed, batchSize: optimisation.batchSize,
      schedule: LearningRateSchedule(
        peak: optimisation.learningRate, final: optimisation.finalLearningRate,
        warmupSteps: optimisation.warmupSteps, steps: steps),
      betas: (optimisation.betas[0], optimisation.betas[1]), weightDecay: optimisation.weightDecay,
      gradientClip: optimisation.gradientClip, averageDecay: optimisation.emaDecay,
      rolloutSteps: optimisation.rolloutSteps, saveEvery: run.output.everySteps,
      validateEvery: run.output.everySteps)
  }

  // MARK: - Where it comes from

  /// What decides the bits of the result; where it is written does not.
  private func fingerprint(_ normalisation: Normalisation, base: Checkpoint?) throws
    -> String
  {
    struct Facts: Encodable {
      let seed: UInt64
      let data: TrainingData
      let network: NetworkSettings
      let inputs: InputSettings
      let optimisation: OptimisationSettings
      let normalisation: Normalisation
      let base: String?
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let facts = Facts(
      seed: run.seed, data: run.data, network: run.network, inputs: run.inputs,
      optimisation: run.optimisation,
      normalisation: normalisation, base: base?.digest)
    return SHA256.hexadecimal(of: Array(try encoder.encode(facts)))
  }

  private func provenance(
    _ trainer: Trainer, _ training: [Stretch], _ base: Checkpoint?, _ fingerprint: String
  ) throws -> String {
    struct Facts: Encodable {
      let apusVersion: String
      let name: String
      let seed: UInt64
      let training: [String]
      let steps: Int
      let batchSize: Int
      let rolloutSteps: Int
      let loss: Double
      let validationLoss: Double?
      let initialCheckpointSha256: String?
      let fingerprint: String
    }
    let facts = Facts(
      apusVersion: apusVersion, name: run.name, seed: run.seed,
      training: training.map { stretch in
        let files = stretch.archive.files.map { ($0 as NSString).lastPathComponent }.joined(separator: ", ")
        let (first, last) = (stretch.times.first?.description ?? "", stretch.times.last?.description ?? "")
        return "\(files): \(first) to \(last), \(stretch.times.count) states"
      }, steps: trainer.step, batchSize: run.optimisation.batchSize,
      rolloutSteps: run.optimisation.rolloutSteps, loss: trainer.curve.last?.loss ?? 0,
      validationLoss: trainer.curve.last?.validationLoss, initialCheckpointSha256: base?.digest,
      fingerprint: fingerprint)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(facts), as: UTF8.self)
  }
}
