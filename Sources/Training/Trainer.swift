import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere

/// Trains one network: batches in an order that follows from the seed, an optimiser, a schedule, saved states.
///
/// Step n is a pure function of the state after step n - 1, so a training that was stopped and resumed ends
/// with the same bits as one that was not, on any number of threads.
public final class Trainer {
  /// The network's weights, changed in place.
  public let parameters: AlignedBuffer<Float>
  /// What the optimiser moves: the weights, or the factors of an adapter.
  public let trained: AlignedBuffer<Float>
  /// The loss curve.
  public private(set) var curve: [LossCurve.Point] = []
  /// Losses since the curve's last point.
  private var pending = TrainingState.Pending()
  /// Updates made.
  public private(set) var step = 0
  /// The best validation so far, where it is kept.
  public private(set) var best: TrainingState.Best?
  /// Wall-clock time of all steps so far, over all processes that made them [s].
  public var seconds: Double { secondsBefore + (ContinuousClock.now - start) / .seconds(1) }
  /// The part of it that batches and updates took, without validation and files [s].
  public private(set) var stepSeconds = 0.0
  private let settings: TrainerSettings
  private let objective: any TrainingObjective
  private let scores: ((AlignedBuffer<Float>) throws -> [ValidationScore])?
  private let optimiser: any Optimiser
  private let adapter: AdapterTraining?
  private let threads: Int
  private var order: (epoch: Int, samples: [Int]) = (-1, [])
  private var bestTrained: AlignedBuffer<Float>
  private var secondsBefore = 0.0
  private var start = ContinuousClock.now

  /// A trainer of a forecaster that starts from `parameters`.
  /// - Parameters:
  ///   - scores: scores forecasts with the weights it is given, at every validation.
  ///   - adapter: what is trained instead of the weights; `parameters` are then its base's.
  /// - Throws: `ApusError` of kind `badData` where there are fewer samples than a batch takes.
  public convenience init(
    network: SFNO, parameters: AlignedBuffer<Float>, features: FeatureFields, loss: TendencyLoss,
    set: TrainingSet, validation: TrainingSet?, settings: TrainerSettings,
    scores: ((AlignedBuffer<Float>) throws -> [ValidationScore])? = nil, adapter: AdapterTraining? = nil,
    threads: Int = Parallel.defaultThreads
  ) throws {
    // A single step is judged with all its degrees, so that those beyond the data's stay small.
    let truncation =
      settings.rolloutSteps == 1
      ? nil : settings.degrees.flatMap { Checkpoint.truncation(grid: network.grid, degrees: $0) }
    let batch = BatchGradient(
      network: network, features: features, loss: loss, steps: settings.rolloutSteps, truncation: truncation,
      precision: settings.precision, batchSize: settings.batchSize)
    try self.init(
      ForecastObjective(
        network: network, features: features, loss: loss, set: set,
        validation: validation.flatMap { $0.count > 0 ? $0 : nil }, batch: batch),
      parameters: parameters, settings: settings, scores: scores, adapter: adapter, threads: threads)
  }

  /// A trainer of any objective that starts from `parameters`; arguments as of the other.
  /// - Throws: `ApusError` of kind `badData` where there are fewer samples than a batch takes.
  public init(
    _ objective: any TrainingObjective, parameters: AlignedBuffer<Float>, settings: TrainerSettings,
    scores: ((AlignedBuffer<Float>) throws -> [ValidationScore])? = nil, adapter: AdapterTraining? = nil,
    threads: Int = Parallel.defaultThreads
  ) throws {
    guard objective.sampleCount >= settings.batchSize else {
      throw ApusError(
        .badData, "too few samples for a batch", found: "\(objective.sampleCount)",
        expected: "\(settings.batchSize) or more",
        advice:
          "A sample is a state and the \(settings.rolloutSteps) that follow it without a gap: give more data, or a "
          + "lower batch_size or rollout_steps.")
    }
    self.objective = objective
    self.settings = settings
    self.scores = scores
    self.adapter = adapter
    self.threads = threads
    self.parameters = adapter == nil ? parameters : AlignedBuffer(parameters.array)
    trained = adapter?.factors ?? parameters
    bestTrained = AlignedBuffer(settings.keepsBest ? trained.count : 0)
    optimiser = settings.optimiser.make(
      trained, tensors: adapter?.tensors ?? objective.tensors, betas: settings.betas,
      decay: settings.weightDecay, averageDecay: settings.averageDecay)
    try adapter?.compose(trained, into: self.parameters, threads: threads)
  }

  /// The form of the result that the optimiser moves: its moving average, where one is kept.
  public var trainedResult: AlignedBuffer<Float> {
    settings.averageDecay == nil ? trained : optimiser.moments.average
  }

  /// The same at the best validation; nil where it is not kept or nothing was validated.
  public var trainedBest: AlignedBuffer<Float>? { best == nil ? nil : bestTrained }

  /// The weights to keep: their moving average, where one is kept.
  public var result: AlignedBuffer<Float> { weights(trainedResult) }

  /// The network's weights that follow from what is trained.
  public func weights(_ trained: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
    adapter?.composed(trained) ?? trained
  }

  /// Where the training stands.
  public func state(fingerprint: String) -> TrainingState {
    var arrays = ["weights": trained.array]
    for (name, values) in optimiser.moments.saved { arrays[name] = values.array }
    if best != nil { arrays["best"] = bestTrained.array }
    return TrainingState(
      step: step, fingerprint: fingerprint, curve: curve, pending: pending, best: best, seconds: seconds,
      stepSeconds: stepSeconds, arrays: arrays)
  }

  /// Takes up where a state left.
  public func resume(_ state: TrainingState) throws {
    step = state.step
    curve = state.curve
    pending = state.pending
    best = settings.keepsBest ? state.best : nil
    secondsBefore = state.seconds
    stepSeconds = state.stepSeconds
    for (name, buffer) in [("weights", trained), ("best", bestTrained)] + optimiser.moments.saved {
      state.arrays[name]?.withUnsafeBufferPointer { values in
        if let base = values.baseAddress {
          buffer.pointer.update(from: base, count: min(values.count, buffer.count))
        }
      }
    }
    try adapter?.compose(trained, into: parameters, threads: threads)
  }

  /// Trains to the end of the schedule.
  /// - Parameters:
  ///   - meter: told about every step.
  ///   - isStopped: asked after every step; true ends the training cleanly after `save`.
  ///   - snapshot: called every `snapshotEvery` steps.
  ///   - save: called every `saveEvery` steps, before a stop and at the end.
  /// - Throws: `ApusError`: `tryAgainLater` after a stop, `badRunFile` where the loss is not finite.
  public func run(
    meter: TrainingMeter, isStopped: () -> Bool, snapshot: (Trainer) throws -> Void = { _ in },
    save: (Trainer) throws -> Void
  ) throws {
    defer { meter.end() }
    start = ContinuousClock.now
    let everyPoint = max(1, settings.schedule.steps / 400)
    while step < settings.schedule.steps {
      let rate = settings.schedule.rate(step)
      let before = ContinuousClock.now
      let (loss, norm) = try advance(learningRate: rate)
      let took = (ContinuousClock.now - before) / .seconds(1)
      stepSeconds += took
      pending.sum += loss
      pending.count += 1
      let isLast = step == settings.schedule.steps
      let validates = step % settings.validateEvery == 0 || isLast
      let validated = validates ? try objective.validate(result, threads: threads) : nil
      let isPoint = step % everyPoint == 0
      if isPoint || isLast || validated != nil {
        curve.append(
          LossCurve.Point(
            step: step, loss: pending.sum / Double(pending.count), learningRate: rate, gradientNorm: norm,
            validationLoss: validated, scores: validated == nil ? nil : try scores?(result)))
        pending = TrainingState.Pending()
        if let point = curve.last, validated != nil {
          noteBest(point)
          meter.validated(point)
        }
      }
      meter.stepped(step, loss: loss, seconds: took)
      // A snapshot comes before the state: a training that is killed between the two makes it again.
      if let every = settings.snapshotEvery, step % every == 0 { try snapshot(self) }
      let stops = !isLast && isStopped()
      if isLast || step % settings.saveEvery == 0 || stops { try save(self) }
      if stops {
        throw ApusError(
          .tryAgainLater, "stopped on request at step \(step)", advice: "Run the same command to go on.")
      }
    }
  }

  /// One update with a learning rate.
  /// - Returns: the batch's loss before the update, and the norm of its gradient.
  /// - Throws: `ApusError` of kind `badRunFile` where the loss is not finite; nothing is changed then.
  func advance(learningRate: Double) throws -> (loss: Double, norm: Double) {
    let first = step * settings.batchSize
    let samples = (0..<settings.batchSize).map { sample(first + $0) }
    let loss = try objective.compute(parameters, samples: samples, firstDraw: first, threads: threads)
    let gradient = objective.gradient
    try adapter?.project(gradient, trained, threads: threads)
    let norm =
      adapter?.gradientNorm
      ?? SquareSum.of(gradient.pointer, gradient.count, threads: threads).squareRoot()
    guard loss.isFinite, norm.isFinite else {
      throw ApusError(
        .badRunFile, "the loss is not finite at step \(step)", variable: "learning_rate", found: "\(loss)",
        advice: "Lower learning_rate or set gradient_clip.")
    }
    let scale = settings.gradientClip.map { norm > $0 ? $0 / norm : 1 } ?? 1
    step += 1
    try optimiser.update(
      trained, gradient: adapter?.gradient ?? gradient, step: step, learningRate: learningRate,
      scale: scale, threads: threads)
    try adapter?.compose(trained, into: parameters, threads: threads)
    return (loss, norm)
  }

  /// Keeps the weights of the lowest validation; of two equal ones the first.
  private func noteBest(_ point: LossCurve.Point) {
    guard settings.keepsBest, let value = point.validation, value.isFinite,
      value < best?.validation ?? .infinity
    else { return }
    best = TrainingState.Best(step: point.step, validation: value)
    bestTrained.pointer.update(from: trainedResult.pointer, count: bestTrained.count)
  }

  /// The loss of the kept weights on data that is not trained on; NaN where there is none.
  public func validate() throws -> Double { try objective.validate(result, threads: threads) ?? .nan }

  /// Sample number `index` of the whole training: every epoch has its own order.
  private func sample(_ index: Int) -> Int {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: objective.sampleCount)
    if order.epoch != epoch {
      let stream = Philox(seed: settings.seed, purpose: .sampleOrder, UInt64(epoch))
      order = (epoch, stream.permutation(objective.sampleCount))
    }
    return order.samples[place]
  }
}
