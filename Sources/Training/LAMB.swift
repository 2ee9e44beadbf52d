import Basics
import Kernels

/// Layer-wise adaptive moments for batch training (You et al. 2020, algorithm 2): Adam's step of a tensor,
/// scaled to the size of the tensor.
///
///     r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + decay x
///     x <- x - rate |x| / |r| r
///
/// A tensor's numbers are one layer; complex numbers count as pairs of real ones. The trust ratio |x| / |r|
/// is 1 where either norm is 0 and, as in the authors' code, for biases and weights of norms, which do not
/// decay either: a bias that starts at zero could otherwise hardly leave it.
///
/// Norms are summed over fixed blocks in order.
public final class LAMB: Optimiser {
  /// epsilon of the formula.
  static let epsilon: Float = 1e-6
  private static let blockLength = 65_536

  /// Moments of the gradient, and the average of the weights.
  public let moments: Moments
  /// Weight decay.
  public let decay: Double
  private let tensors: [TensorPlace]
  /// Parts of tensors, tensor by tensor.
  private let blocks: [(tensor: Int, start: Int, end: Int)]

  /// Moments of zero for `parameters`, whose average starts at themselves.
  /// - Parameter tensors: where each tensor lies; numbers outside all of them are left as they are.
  public init(
    _ parameters: AlignedBuffer<Float>, tensors: [TensorPlace], betas: (Double, Double), decay: Double,
    averageDecay: Double?
  ) {
    moments = Moments(parameters, betas: betas, averageDecay: averageDecay)
    self.decay = decay
    self.tensors = tensors
    blocks = tensors.enumerated().flatMap { number, tensor in
      let end = tensor.offset + tensor.count
      return stride(from: tensor.offset, to: end, by: LAMB.blockLength).map {
        (number, $0, min($0 + LAMB.blockLength, end))
      }
    }
  }

  /// One update, as `Optimiser.update`.
  public func update(
    _ parameters: AlignedBuffer<Float>, gradient: AlignedBuffer<Float>, step: Int, learningRate: Double,
    scale: Double, threads: Int
  ) throws {
    let corrections = moments.corrections(step)
    let (first, second) = (Float(1 / corrections.0), Float(1 / corrections.1))
    let (b1, b2, s) = (Float(moments.betas.0), Float(moments.betas.1), Float(scale))
    let (moments, tensors, blocks, decay) = (moments, tensors, blocks, Float(decay))
    let (w, g) = (parameters, gradient)
    let (m, v, a) = (moments.first, moments.second, moments.average)
    /// r of sixteen numbers.
    @Sendable func direction(_ i: Int, _ isMatrix: Bool) -> SIMD16<Float> {
      let adam =
        (m.pointer + i).vector * first
        / (((v.pointer + i).vector * second).squareRoot() + LAMB.epsilon)
      return isMatrix ? adam + (w.pointer + i).vector * decay : adam
    }
    let sums = AlignedBuffer<Double>(2 * blocks.count)
    try Parallel.forEach(blocks.count, threads: threads) { number, _ in
      let block = blocks[number]
      let isMatrix = tensors[block.tensor].isMatrix
      var (weights, directions) = (0.0, 0.0)
      for part in stride(from: block.start, to: block.end, by: 4096) {
        var (weightLanes, directionLanes) = (SIMD16<Float>(), SIMD16<Float>())
        for i in stride(from: part, to: min(part + 4096, block.end), by: 16) {
          let gradient = (g.pointer + i).vector * s
          (m.pointer + i).vector = (m.pointer + i).vector * b1 + gradient * (1 - b1)
          (v.pointer + i).vector = (v.pointer + i).vector * b2 + gradient * gradient * (1 - b2)
          let (weight, r) = ((w.pointer + i).vector, direction(i, isMatrix))
          weightLanes += weight * weight
          directionLanes += r * r
        }
        weights += Double(weightLanes.sum())
        directions += Double(directionLanes.sum())
      }
      sums.pointer[2 * number] = weights
      sums.pointer[2 * number + 1] = directions
    }
    var squares = [(weights: Double, directions: Double)](repeating: (0, 0), count: tensors.count)
    for (number, block) in blocks.enumerated() {
      squares[block.tensor].weights += sums.pointer[2 * number]
      squares[block.tensor].directions += sums.pointer[2 * number + 1]
    }
    let rates = tensors.indices.map { number in
      let (weights, directions) = squares[number]
      let isScaled = tensors[number].isMatrix && weights > 0 && directions > 0
      return Float(learningRate * (isScaled ? (weights / directions).squareRoot() : 1))
    }
    let (averaging, averageShare) = (moments.averageDecay != nil, moments.averageShare(step))
    try Parallel.forEach(blocks.count, threads: threads) { number, _ in
      let block = blocks[number]
      let (rate, isMatrix) = (rates[block.tensor], tensors[block.tensor].isMatrix)
      for i in stride(from: block.start, to: block.end, by: 16) {
        let weight = (w.pointer + i).vector - rate * direction(i, isMatrix)
        (w.pointer + i).vector = weight
        if averaging {
          let old = (a.pointer + i).vector
          (a.pointer + i).vector = old + (weight - old) * averageShare
        }
      }
    }
  }
}
