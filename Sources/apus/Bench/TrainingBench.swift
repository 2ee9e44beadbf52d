import Basics
import Fields
import Operators
import Sphere
import Training

/// One training step as `apus train` does it: features, forward, HENS loss, adjoint, norm, AdamW.
enum TrainingBench {
  static func run(_ threads: Int, _ stopwatch: Stopwatch) throws -> [KernelTiming] {
    try BenchNetwork.all.map { try time($0, threads, stopwatch) }
  }

  private static func time(
    _ bench: BenchNetwork, _ threads: Int, _ stopwatch: Stopwatch
  ) throws -> KernelTiming {
    let network = try SFNO(bench.configuration)
    let batch = BenchNetwork.batch
    let set = trainingSet(network.grid)
    let normalisation = Self.normalisation
    let features = InputFeatures(
      positionFrequencies: 2, season: true, solarZenith: true, staticFields: ["orography"])
    let work = BatchGradient(
      network: network,
      features: FeatureFields(
        features, grid: network.grid, staticFields: [Float](repeating: 0.5, count: network.grid.pointCount)),
      loss: TendencyLoss(normalisation, grid: network.grid, isRelative: true, weights: [:]), steps: 1,
      precision: bench.precision)
    let parameters = network.layout.initialise(seed: 1, decoderScale: 0.1)
    // No moving average: the peer keeps none.
    let optimiser = AdamW(parameters, betas: (0.9, 0.95), decay: 0, averageDecay: nil)
    var step = 0
    let time = try stopwatch.median {
      let loss = try work.compute(parameters, set, samples: Array(0..<batch), threads: threads)
      let norm = work.norm(threads: threads)
      guard loss.isFinite, norm.isFinite else {
        throw ApusError(.internalFault, "the loss is not finite", variable: bench.name, found: "\(loss)")
      }
      step += 1
      try optimiser.update(
        parameters, gradient: work.gradient, step: step, learningRate: 1e-4, scale: 1, threads: threads)
    }
    let weights = Double(network.layout.count)
    let states = Double(batch * (BenchNetwork.inputs + BenchNetwork.outputs) * network.grid.pointCount)
    return KernelTiming(
      name: "train.step.\(bench.name)",
      seconds: time.seconds,
      repeats: time.repeats,
      operations: Double(batch) * (network.operationsPerStep + network.operationsPerAdjoint),
      // Weights forward and backward, a gradient, and AdamW's four arrays in and three out.
      bytes: 4 * (10 * weights + states))
  }

  private static let normalisation = Normalisation(
    channels: (0..<BenchNetwork.outputs).map { "channel\($0)" },
    mean: [Double](repeating: 0, count: BenchNetwork.outputs),
    deviation: [Double](repeating: 1, count: BenchNetwork.outputs),
    tendencyDeviation: [Double](repeating: 0.3, count: BenchNetwork.outputs))

  /// Independent noise: what it says does not matter to the time it takes.
  private static func trainingSet(_ grid: SphereGrid) -> TrainingSet {
    let times = (0...BenchNetwork.batch).map { Instant(year: 2026, month: 2, day: 1).adding(hours: 6 * $0) }
    let count = times.count * BenchNetwork.outputs * grid.pointCount
    let states = Philox(seed: 2, purpose: .test).normals(count).map { Float($0) }
    return TrainingSet(
      stretches: [(states: states, times: times)], normalisation: normalisation, points: grid.pointCount,
      steps: 1)
  }
}
