import Fields
import Kernels
import Operators
import RunFiles
import Sphere
import Training

extension TrainerSettings {
  /// What a run file says, with lengths in steps.
  /// - Parameters:
  ///   - samples: of an epoch.
  ///   - degrees: that forecasts keep, for rollouts; nil: all.
  init(
    _ seed: UInt64, _ optimisation: OptimisationSettings, _ output: TrainingOutput, samples: Int,
    degrees: Int? = nil
  ) {
    let steps =
      switch optimisation.length {
      case .steps(let steps): steps
      case .epochs(let epochs):
        max(1, Int((epochs * Double(samples) / Double(optimisation.batchSize)).rounded()))
      }
    self.init(
      seed: seed, batchSize: optimisation.batchSize,
      schedule: LearningRateSchedule(
        peak: optimisation.learningRate, final: optimisation.finalLearningRate,
        warmupSteps: optimisation.warmupSteps, steps: steps),
      optimiser: optimisation.optimiser == .lamb ? .lamb : .adamw,
      betas: (optimisation.betas[0], optimisation.betas[1]), weightDecay: optimisation.weightDecay,
      gradientClip: optimisation.gradientClip, averageDecay: optimisation.emaDecay,
      rolloutSteps: optimisation.rolloutSteps, degrees: degrees,
      precision: ProductPrecision(optimisation.matmulPrecision), saveEvery: output.everySteps,
      validateEvery: output.everySteps, keepsBest: output.keep != .last,
      snapshotEvery: output.snapshotsEvery)
  }
}

extension InputFeatures {
  /// What a run file's `inputs` says.
  init(_ settings: InputSettings) {
    self.init(
      positionFrequencies: settings.positionFrequencies, positionCosines: settings.positionCosines,
      season: settings.season, solarZenith: settings.solarZenith,
      staticFields: settings.staticFields?.variables ?? [])
  }
}

extension SFNOConfiguration {
  /// What a run file's `network` says, on a grid, with so many channels in and out.
  init(_ network: NetworkSettings, grid: SphereGrid, inputs: Int, outputs: Int) {
    self.init(
      shape: [grid.latitudeCount, grid.longitudeCount], inputChannels: inputs, outputChannels: outputs,
      embedding: network.embedDim, blocks: network.numLayers, scaleFactor: network.scaleFactor,
      mlpRatio: network.mlpRatio, hardThresholdingFraction: network.hardThresholdingFraction,
      modelGridType: grid.kind == .gaussian ? "legendre-gauss" : "equiangular",
      shtGridType: network.shtGridType.rawValue)
  }
}
