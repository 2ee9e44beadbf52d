import Basics
import Fields
import Foundation
import Operators
import Sphere
import Testing
import Training

/// A network and data small enough to train in a second: waves that move east by one column a step.
struct SmallTraining {
  let network: SFNO
  let set: TrainingSet
  let features: FeatureFields
  let loss: TendencyLoss

  init(steps: Int = 1) throws {
    let grid = try SphereGrid(.gaussian, latitudes: 8, longitudes: 16)
    let points = grid.pointCount
    let times = (0..<40).map { Instant(seconds: $0 * 21_600) }
    let states = times.indices.flatMap { time in
      (0..<2).flatMap { channel in
        grid.colatitudes.flatMap { colatitude in
          (0..<16).map { column in
            let phase = 2 * Double.pi * Double((channel + 1) * (column - time)) / 16
            return Float(sin(colatitude) * (cos(phase) + 0.5 * sin(2 * phase)))
          }
        }
      }
    }
    var sums = NormalisationSums(channels: ["msl", "t2m"], grid: grid)
    try sums.add(states, times: times.count)
    let normalisation = try sums.normalisation()
    set = TrainingSet(
      stretches: [(states, times)], normalisation: normalisation, points: points, steps: steps)
    let inputs = InputFeatures(positionFrequencies: 1)
    features = FeatureFields(inputs, grid: grid, staticFields: [])
    network = try SFNO(
      SFNOConfiguration(
        shape: [8, 16], inputChannels: 4, outputChannels: 2, embedding: 16, blocks: 2,
        modelGridType: "legendre-gauss"))
    loss = TendencyLoss(normalisation, grid: grid, isRelative: true, weights: [:])
  }

  func settings(steps: Int) -> TrainerSettings {
    TrainerSettings(
      seed: 3, batchSize: 6,
      schedule: LearningRateSchedule(peak: 3e-3, final: 0, warmupSteps: 3, steps: steps),
      gradientClip: 1, averageDecay: 0.9, saveEvery: 10, validateEvery: 20)
  }

  func trainer(steps: Int, threads: Int) throws -> Trainer {
    try Trainer(
      network: network, parameters: network.layout.initialise(seed: 1, decoderScale: 0.3), features: features,
      loss: loss, set: set, validation: set, settings: settings(steps: steps), threads: threads)
  }

  static func meter() -> TrainingMeter {
    TrainingMeter(steps: 1, firstStep: 0, batchSize: 1, isTerminal: false, log: { _ in })
  }
}

@Suite struct TrainerTests {
  @Test func learnsWavesThatMove() throws {
    let small = try SmallTraining()
    let trainer = try small.trainer(steps: 150, threads: 2)
    let before = try trainer.validate()
    try trainer.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
    let after = try trainer.validate()
    #expect(after < 0.05 * before, "\(before) to \(after)")
    #expect(trainer.curve.last?.step == 150)
  }

  @Test func threadsDoNotChangeABit() throws {
    let small = try SmallTraining()
    let results = try [1, 2, 3].map { threads in
      let trainer = try small.trainer(steps: 8, threads: threads)
      try trainer.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
      return trainer.result.array
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test func aStoppedTrainingEndsWithTheSameBits() throws {
    let small = try SmallTraining()
    let whole = try small.trainer(steps: 20, threads: 2)
    try whole.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })

    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID()).state").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let broken = try small.trainer(steps: 20, threads: 1)
    let error = #expect(throws: ApusError.self) {
      try broken.run(meter: SmallTraining.meter(), isStopped: { broken.step >= 7 }) { trainer in
        try trainer.state(fingerprint: "f").write(file)
      }
    }
    #expect(error?.kind == .tryAgainLater)
    let resumed = try small.trainer(steps: 20, threads: 2)
    let state = try #require(
      try TrainingState.read(file, fingerprint: "f", count: small.network.layout.count))
    #expect(state.step == 7)
    resumed.resume(state)
    try resumed.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
    #expect(resumed.result.array == whole.result.array)
    #expect(resumed.parameters.array == whole.parameters.array)
    #expect(resumed.curve == whole.curve)
    let foreign = #expect(throws: ApusError.self) {
      try TrainingState.read(file, fingerprint: "another", count: small.network.layout.count)
    }
    #expect(foreign?.kind == .badData)
  }

  /// The adjoint through three steps of a forecast against differences of its loss.
  @Test func gradientThroughARolloutIsTheLimitOfDifferences() throws {
    let small = try SmallTraining(steps: 3)
    let parameters = small.network.layout.initialise(seed: 4, decoderScale: 0.5)
    let batch = BatchGradient(network: small.network, features: small.features, loss: small.loss, steps: 3)
    let samples = [0, 5, 11, 17, 30]
    _ = try batch.compute(parameters, small.set, samples: samples, threads: 2)
    let count = small.network.layout.count
    let gradient = batch.gradient.array
    // Along the gradient itself a difference is large against rounding.
    let norm = batch.norm()
    let step: Float = 2e-3
    func loss(_ sign: Float) throws -> Double {
      let moved = AlignedBuffer(parameters.array)
      for i in 0..<count { moved.pointer[i] += sign * step * gradient[i] / Float(norm) }
      return try batch.compute(moved, small.set, samples: samples, threads: 2)
    }
    let difference = (try loss(1) - loss(-1)) / Double(2 * step)
    #expect(abs(difference - norm) < 0.01 * norm, "\(difference) and \(norm)")
  }
}
