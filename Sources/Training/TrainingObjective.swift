import Basics
import Fields
import Operators
import Sphere

/// What a `Trainer` minimises: samples, their mean loss and its gradient.
public protocol TrainingObjective: AnyObject, Sendable {
  /// Number of samples in an epoch.
  var sampleCount: Int { get }
  /// The tensors that the flat weights consist of.
  var tensors: [TensorPlace] { get }
  /// The gradient of the mean loss of the last batch, flat.
  var gradient: AlignedBuffer<Float> { get }

  /// Computes the mean loss of a batch, and its gradient; bits do not depend on `threads`.
  /// - Parameters:
  ///   - samples: numbers below `sampleCount`.
  ///   - firstDraw: number of the first of them among all samples of the training: keys random numbers.
  func compute(_ parameters: AlignedBuffer<Float>, samples: [Int], firstDraw: Int, threads: Int) throws
    -> Double

  /// The loss on data that is not trained on; nil where there is none.
  func validate(_ parameters: AlignedBuffer<Float>, threads: Int) throws -> Double?
}

/// The objective of a forecaster: the loss of `BatchGradient` over a training set.
final class ForecastObjective: TrainingObjective, @unchecked Sendable {
  private let network: SFNO
  private let features: FeatureFields
  private let loss: TendencyLoss
  private let set: TrainingSet
  private let validation: TrainingSet?
  private let batch: BatchGradient

  init(
    network: SFNO, features: FeatureFields, loss: TendencyLoss, set: TrainingSet, validation: TrainingSet?,
    batch: BatchGradient
  ) {
    (self.network, self.features, self.loss) = (network, features, loss)
    (self.set, self.validation, self.batch) = (set, validation, batch)
  }

  var sampleCount: Int { self.set.count }
  var tensors: [TensorPlace] { network.layout.segments.map(TensorPlace.init) }
  var gradient: AlignedBuffer<Float> { batch.gradient }

  func compute(_ parameters: AlignedBuffer<Float>, samples: [Int], firstDraw: Int, threads: Int) throws
    -> Double
  {
    try batch.compute(parameters, set, samples: samples, threads: threads)
  }

  /// The one-step loss on up to 64 samples, evenly spread over the validation data.
  func validate(_ parameters: AlignedBuffer<Float>, threads: Int) throws -> Double? {
    guard let validation else { return nil }
    let count = min(64, validation.count)
    let losses = AlignedBuffer<Double>(count)
    let (network, features, loss) = (network, features, loss)
    let weights = SFNOWeights(network, parameters)
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
}
