import Basics
import Foundation
import Kernels

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a moving average of the weights, over
/// flat arrays.
///
/// One pass: reads gradient, moments, weights and average, writes all but the gradient; bound by memory
/// bandwidth. Element by element, so threads don't matter.
public final class AdamW: Optimiser {
  /// Moments of the gradient, and the average of the weights.
  public let moments: Moments
  /// Weight decay.
  public let decay: Double

  /// Moments of zero for `parameters`, whose average starts at themselves.
  public init(
    _ parameters: AlignedBuffer<Float>, betas: (Double, Double), decay: Double, averageDecay: Double?
  ) {
    moments = Moments(parameters, betas: betas, averageDecay: averageDecay)
    self.decay = decay
  }

  /// One update, as `Optimiser.update`.
  public func update(
    _ parameters: AlignedBuffer<Float>, gradient: AlignedBuffer<Float>, step: Int, learningRate: Double,
    scale: Double, threads: Int
  ) throws {
    let corrections = moments.corrections(step)
    let averageShare = moments.averageShare(step)
    let rate = Float(learningRate / corrections.0)
    let root = Float(1 / corrections.1)
    let keep = Float(1 - learningRate * decay)
    let (b1, b2, s) = (Float(moments.betas.0), Float(moments.betas.1), Float(scale))
    let blocks = (parameters.count + 65_535) / 65_536
    let averaging = moments.averageDecay != nil
    let moments = moments
    try Parallel.forEach(blocks, threads: threads) { block, _ in
      let start = block * 65_536
      let end = min(start + 65_536, parameters.count)
      let (w, g) = (parameters.pointer, gradient.pointer)
      let (m, v, a) = (moments.first.pointer, moments.second.pointer, moments.average.pointer)
      for i in stride(from: start, to: end, by: 16) {
        let gradient = (g + i).vector * s
        let moment = (m + i).vector * b1 + gradient * (1 - b1)
        let square = (v + i).vector * b2 + gradient * gradient * (1 - b2)
        let weight = (w + i).vector * keep - rate * moment / ((square * root).squareRoot() + 1e-8)
        (m + i).vector = moment
        (v + i).vector = square
        (w + i).vector = weight
        if averaging {
          let old = (a + i).vector
          (a + i).vector = old + (weight - old) * averageShare
        }
      }
    }
  }
}
