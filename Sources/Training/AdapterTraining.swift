import Basics
import Models

/// Low-rank factors in training: the network's weights follow from them, their gradient from its.
public final class AdapterTraining: @unchecked Sendable {
  /// Shapes of the factors.
  public let adapter: LowRankAdapter
  /// The factors, which the optimiser moves.
  public let factors: AlignedBuffer<Float>
  /// Their gradient.
  let gradient: AlignedBuffer<Float>
  private let base: AlignedBuffer<Float>

  /// Factors that leave the weights `base` as they are.
  public init(_ adapter: LowRankAdapter, base: AlignedBuffer<Float>, seed: UInt64) {
    self.adapter = adapter
    self.base = base
    factors = adapter.start(seed: seed)
    gradient = AlignedBuffer(adapter.count)
  }

  /// The factors one by one, for an optimiser that treats them as layers.
  var tensors: [TensorPlace] {
    adapter.factors.map { TensorPlace(offset: $0.offset, count: $0.count, isMatrix: true) }
  }

  var gradientNorm: Double { SquareSum.of(gradient.pointer, gradient.count).squareRoot() }

  func compose(
    _ factors: AlignedBuffer<Float>, into weights: AlignedBuffer<Float>, threads: Int
  ) throws {
    try adapter.compose(base, factors, into: weights, threads: threads)
  }

  func composed(_ factors: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
    adapter.composed(base, factors)
  }

  func project(
    _ weightGradient: AlignedBuffer<Float>, _ factors: AlignedBuffer<Float>, threads: Int
  ) throws {
    try adapter.project(weightGradient, factors, into: gradient, threads: threads)
  }
}
