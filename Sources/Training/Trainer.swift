import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere

/// Trains one network: batches in an order that follows from the seed, AdamW, a schedule, saved states.
///
/// Step n is a pure function of the state after step n - 1, so a training that was stopped and resumed ends
/// with the same bits as one that was not, on any number of threads.
public final class Trainer {
  /// The network.
  public let network: SFNO
  /// Its weights, changed in place.
  public let parameters: AlignedBuffer<Float>
  /// The loss curve.
  public private(set) var curve: [LossCurve.Point] = []
  /// Updates made.
  public private(set) var step = 0
  private let settings: TrainerSettings
  private let set: TrainingSet
  private let validation: TrainingSet?
  private let features: FeatureFields
  private let loss: TendencyLoss
  private let optimiser: AdamW
  private let batch: BatchGradient
  private let threads: Int
  private var order: (epoch: Int, samples: [Int]) = (-1, [])

  /// A trainer that starts from `parameters`.
  /// - Throws: `ApusError` of kind `badData` where there are fewer samples than a batch takes.
  public init(
    network: SFNO, parameters: AlignedBuffer<Float>, features: FeatureFields, loss: TendencyLoss,
    set: TrainingSet, validation: TrainingSet?, settings: TrainerSettings,
    threads: Int = Parallel.defaultThreads
  ) throws {
    guard set.count >= settings.batchSize else {
      throw ApusError(
        .badData, "too few samples for a batch", found: "\(set.count)", expected: "\(settings.batchSize)")
    }
    self.network = network
    self.parameters = parameters
    self.features = features
    self.loss = loss
    self.set = set
    self.validation = validation.flatMap { $0.count > 0 ? $0 : nil }
    self.settings = settings
    self.threads = threads
    optimiser = AdamW(
      parameters, betas: settings.betas, decay: settings.weightDecay, averageDecay: settings.averageDecay)
    batch = BatchGradient(network: network, features: features, loss: loss, steps: settings.rolloutSteps)
  }

  /// The weights to keep: their moving average, where one is kept.
  public var result: AlignedBuffer<Float> { settings.averageDecay == nil ? parameters : optimiser.average }

  /// Where the training stands.
  public func state(fingerprint: String) -> TrainingState {
    TrainingState(
      step: step, fingerprint: fingerprint, curve: curve,
      arrays: [
        "weights": parameters.array, "first": optimiser.first.array, "second": optimiser.second.array,
        "average": optimiser.average.array,
      ])
  }

  /// Takes up where a state left.
  public func resume(_ state: TrainingState) {
    step = state.step
    curve = state.curve
    for (name, buffer) in [
      ("weights", parameters), ("first", optimiser.first), ("second", optimiser.second),
      ("average", optimiser.average),
    ] {
      state.arrays[name]?.withUnsafeBufferPointer { values in
        if let base = values.baseAddress {
          buffer.pointer.update(from: base, count: min(values.count, buffer.count))
        }
      }
    }
  }

  /// Trains to the end of the schedule.
  /// - Parameters:
  ///   - meter: told about every step.
  ///   - isStopped: asked at every point of the loss curve (400 of them); true ends the training cleanly
  ///     after `save`.
  ///   - save: called every `saveEvery` steps, before a stop and at the end.
  /// - Throws: `ApusError`: `tryAgainLater` after a stop, `internalFault` where the loss is not finite.
  public func run(
    meter: TrainingMeter, isStopped: () -> Bool, save: (Trainer) throws -> Void
  ) throws {
    defer { meter.end() }
    let everyPoint = max(1, settings.schedule.steps / 400)
    // States are saved at points of the curve only, so that a resumed curve is the whole one.
    let saveEvery = (settings.saveEvery + everyPoint - 1) / everyPoint * everyPoint
    var (sum, count) = (0.0, 0)
    while step < settings.schedule.steps {
      let samples = (0..<settings.batchSize).map { sample(step * settings.batchSize + $0) }
      let loss = try batch.compute(parameters, set, samples: samples, threads: threads)
      let norm = batch.norm()
      guard loss.isFinite, norm.isFinite else {
        throw ApusError(
          .internalFault, "the loss is not finite at step \(step)", found: "\(loss)",
          advice: "Lower learning_rate or set gradient_clip.")
      }
      let scale = settings.gradientClip.map { norm > $0 ? $0 / norm : 1 } ?? 1
      let rate = settings.schedule.rate(step)
      step += 1
      try optimiser.update(
        parameters, gradient: batch.gradient, step: step, learningRate: rate, scale: scale, threads: threads)
      sum += loss
      count += 1
      let isLast = step == settings.schedule.steps
      let validates = validation != nil && (step % settings.validateEvery == 0 || isLast)
      let isPoint = step % everyPoint == 0
      if isPoint || isLast || validates {
        curve.append(
          LossCurve.Point(
            step: step, loss: sum / Double(count), learningRate: rate, gradientNorm: norm,
            validationLoss: validates ? try validate() : nil))
        (sum, count) = (0, 0)
      }
      meter.stepped(step, loss: loss)
      let stops = isPoint && !isLast && isStopped()
      if isLast || step % saveEvery == 0 || stops { try save(self) }
      if stops {
        throw ApusError(
          .tryAgainLater, "stopped on request at step \(step)", advice: "Run the same command to go on.")
      }
    }
  }

  /// The one-step loss of the kept weights on up to 64 samples, evenly spread over the validation data.
  public func validate() throws -> Double {
    guard let validation else { return .nan }
    let count = min(64, validation.count)
    let losses = AlignedBuffer<Double>(count)
    let (network, features, loss) = (network, features, loss)
    let weights = SFNOWeights(network, result)
    try Parallel.forEach(count, threads: threads) { index, _ in
      let sample = index * validation.count / count
      let points = network.grid.pointCount
      let input = AlignedBuffer<Float>(network.configuration.inp_chans * points)
      let output = AlignedBuffer<Float>(network.configuration.out_chans * points)
      let state = validation.channels * points
      input.pointer.update(from: validation.state(sample, step: 0), count: state)
      features.fill(input.pointer + state, at: validation.time(sample, step: 0))
      network.forward(weights, input: input.pointer, output: output.pointer, network.makeWorkspace())
      losses.pointer[index] = loss.evaluate(
        output.pointer, validation.state(sample, step: 1), gradient: nil)
    }
    return (0..<count).reduce(0) { $0 + losses.pointer[$1] } / Double(count)
  }

  /// Sample number `index` of the whole training: every epoch has its own order.
  private func sample(_ index: Int) -> Int {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: set.count)
    if order.epoch != epoch {
      let stream = Philox(seed: settings.seed, purpose: .sampleOrder, UInt64(epoch))
      order = (epoch, stream.permutation(set.count))
    }
    return order.samples[place]
  }
}
