import Basics
import Fields
import Foundation
import Models
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
  let normalisation: Normalisation

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
    normalisation = try sums.normalisation()
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

  func settings(steps: Int, optimiser: OptimiserKind = .adamw) -> TrainerSettings {
    TrainerSettings(
      seed: 3, batchSize: 6,
      schedule: LearningRateSchedule(
        peak: optimiser == .lamb ? 2e-2 : 3e-3, final: 0, warmupSteps: 3, steps: steps),
      optimiser: optimiser, gradientClip: 1, averageDecay: 0.9, saveEvery: 10, validateEvery: 20)
  }

  /// A trainer of the waves.
  /// - Parameter change: what differs from the usual settings.
  func trainer(
    steps: Int, optimiser: OptimiserKind = .adamw, adapter: AdapterTraining? = nil, threads: Int,
    change: (inout TrainerSettings) -> Void = { _ in }
  ) throws -> Trainer {
    var settings = settings(steps: steps, optimiser: optimiser)
    change(&settings)
    let forecasts = try ForecastValidation(
      set, normalisation: normalisation, grid: network.grid, stepHours: 6, leadHours: [6, 24], starts: 3)
    return try Trainer(
      network: network, parameters: start, features: features, loss: loss, set: set, validation: set,
      settings: settings, scores: { try forecasts?.scores(checkpoint($0)) ?? [] }, adapter: adapter,
      threads: threads)
  }

  /// The weights that trainings start from.
  var start: AlignedBuffer<Float> { network.layout.initialise(seed: 1, decoderScale: 0.3) }

  /// A checkpoint that multiplies its state: the big skip alone.
  func skip(_ factor: Float) throws -> Checkpoint {
    let weights = network.layout.initialise(seed: 1, decoderScale: 0)
    let skip = try #require(
      network.layout.segments.first { $0.name == "model.residual_transform.weight" }
    ).offset
    for i in 0..<8 { weights.pointer[skip + i] *= factor }
    return try checkpoint(weights)
  }

  /// A checkpoint of some weights.
  func checkpoint(_ weights: AlignedBuffer<Float>, provenance: String = "{}") throws -> Checkpoint {
    try Checkpoint(
      network: network, parameters: weights, channels: normalisation.channels, units: ["Pa", "K"],
      normalisation: normalisation, features: features.features, staticFields: [], degrees: 8, stepHours: 6,
      provenance: provenance)
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

  @Test func learnsWithLAMBToo() throws {
    let small = try SmallTraining()
    let trainer = try small.trainer(steps: 150, optimiser: .lamb, threads: 2)
    let before = try trainer.validate()
    try trainer.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
    let after = try trainer.validate()
    #expect(after < 0.1 * before, "\(before) to \(after)")
  }

  @Test(arguments: OptimiserKind.allCases)
  func threadsDoNotChangeABit(_ optimiser: OptimiserKind) throws {
    let small = try SmallTraining()
    let results = try [1, 2, 3].map { threads in
      let trainer = try small.trainer(steps: 8, optimiser: optimiser, threads: threads)
      try trainer.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
      return trainer.result.array
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test(arguments: OptimiserKind.allCases, [false, true])
  func aStoppedTrainingEndsWithTheSameBits(_ optimiser: OptimiserKind, hasAdapter: Bool) throws {
    let small = try SmallTraining()
    func trainer(threads: Int) throws -> Trainer {
      let adapter = AdapterTraining(
        LowRankAdapter(small.network.layout, rank: 2), base: small.start, seed: 1)
      return try small.trainer(
        steps: 20, optimiser: optimiser, adapter: hasAdapter ? adapter : nil, threads: threads
      ) {
        $0.keepsBest = true
        $0.validateEvery = 3
      }
    }
    let whole = try trainer(threads: 2)
    try whole.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })

    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID()).state").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let broken = try trainer(threads: 1)
    let error = #expect(throws: ApusError.self) {
      try broken.run(meter: SmallTraining.meter(), isStopped: { broken.step >= 7 }) { trainer in
        try trainer.state(fingerprint: "f").write(file)
      }
    }
    #expect(error?.kind == .tryAgainLater)
    let resumed = try trainer(threads: 2)
    let state = try #require(
      try TrainingState.read(file, fingerprint: "f", count: whole.trained.count))
    #expect(state.step == 7)
    try resumed.resume(state)
    try resumed.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
    #expect(resumed.result.array == whole.result.array)
    #expect(resumed.parameters.array == whole.parameters.array)
    #expect(resumed.curve == whole.curve)
    #expect(resumed.best == whole.best)
    #expect(resumed.trainedBest?.array == whole.trainedBest?.array)
    let foreign = #expect(throws: ApusError.self) {
      try TrainingState.read(file, fingerprint: "another", count: whole.trained.count)
    }
    #expect(foreign?.kind == .badData)
  }

  /// Stopped between two points of the loss curve, the next point is still the mean of all its steps.
  @Test func aStopBetweenPointsOfTheCurveLosesNothing() throws {
    let small = try SmallTraining()
    func trainer() throws -> Trainer {
      // Three steps a point.
      try small.trainer(steps: 1200, threads: 1) { $0.validateEvery = 1200 }
    }
    let whole = try trainer()
    var saved = 0
    let first = #expect(throws: ApusError.self) {
      try whole.run(
        meter: SmallTraining.meter(), isStopped: { whole.step == 12 }, save: { _ in saved += 1 })
    }
    #expect(first?.kind == .tryAgainLater && whole.curve.map(\.step) == [3, 6, 9, 12])
    // The tenth step is a saving one, the twelfth the stop.
    #expect(saved == 2)
    let broken = try trainer()
    #expect(throws: ApusError.self) {
      try broken.run(meter: SmallTraining.meter(), isStopped: { broken.step == 8 }, save: { _ in })
    }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID()).state").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try broken.state(fingerprint: "f").write(file)
    let resumed = try trainer()
    try resumed.resume(
      try #require(try TrainingState.read(file, fingerprint: "f", count: resumed.trained.count)))
    #expect(throws: ApusError.self) {
      try resumed.run(meter: SmallTraining.meter(), isStopped: { resumed.step == 12 }, save: { _ in })
    }
    #expect(resumed.curve == whole.curve)
    #expect(resumed.trained.array == whole.trained.array)
  }

  /// With a rate far too high in the middle the last weights are not the best.
  @Test func theBestIsThatOfTheLowestValidation() throws {
    let small = try SmallTraining()
    let trainer = try small.trainer(steps: 40, threads: 2) {
      $0.keepsBest = true
      $0.validateEvery = 4
      $0.snapshotEvery = 4
      $0.schedule = LearningRateSchedule(peak: 0.05, final: 0.05, warmupSteps: 40, steps: 40)
    }
    var kept: [Int: [Float]] = [:]
    try trainer.run(
      meter: SmallTraining.meter(), isStopped: { false },
      snapshot: { kept[$0.step] = $0.trainedResult.array }, save: { _ in })
    #expect(kept.count == 10)
    let validated = trainer.curve.filter { $0.validationLoss != nil }
    #expect(validated.count == 10)
    #expect(validated.allSatisfy { $0.scores?.map(\.leadHours) == [6, 24] })
    let lowest = try #require(validated.min { ($0.validation ?? .nan) < ($1.validation ?? .nan) })
    let best = try #require(trainer.best)
    #expect(best.step == lowest.step)
    #expect(best.validation == lowest.validation)
    #expect(try #require(trainer.trainedBest).array == kept[best.step])
    let csv = LossCurve.csv(trainer.curve).split(separator: "\n").map(String.init)
    #expect(csv[0].hasSuffix("validation_loss,rmse_msl_6h,ratio_msl_6h,rmse_msl_24h,ratio_msl_24h"))
    #expect(Set(csv.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }) == [9])
  }

  /// The adjoint through three steps of a forecast, truncated as forecasts are or not, against differences of
  /// its loss.
  @Test(arguments: [nil, 6]) func gradientThroughARolloutIsTheLimitOfDifferences(degrees: Int?) throws {
    let small = try SmallTraining(steps: 3)
    let parameters = small.network.layout.initialise(seed: 4, decoderScale: 0.5)
    let truncation = degrees.flatMap { Checkpoint.truncation(grid: small.network.grid, degrees: $0) }
    #expect((truncation == nil) == (degrees == nil))
    let batch = BatchGradient(
      network: small.network, features: small.features, loss: small.loss, steps: 3, truncation: truncation)
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
