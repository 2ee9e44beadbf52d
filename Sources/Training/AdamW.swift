import Basics
import Foundation

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a moving average of the weights, over
/// flat arrays.
///
/// One pass: reads gradient, moments, weights and average, writes all but the gradient; bound by memory
/// bandwidth. Element by element, so threads don't matter.
public final class AdamW: Sendable {
  /// Decay of the first and second moment.
  public let betas: (Double, Double)
  /// Weight decay.
  public let decay: Double
  /// Decay of the moving average; nil keeps none.
  public let averageDecay: Double?
  /// First moments.
  public let first: AlignedBuffer<Float>
  /// Second moments.
  public let second: AlignedBuffer<Float>
  /// Moving average of the weights; empty where none is kept.
  public let average: AlignedBuffer<Float>

  /// Moments of zero for `parameters`, whose average starts at themselves.
  public init(
    _ parameters: AlignedBuffer<Float>, betas: (Double, Double), decay: Double, averageDecay: Double?
  ) {
    self.betas = betas
    self.decay = decay
    self.averageDecay = averageDecay
    first = AlignedBuffer(parameters.count)
    second = AlignedBuffer(parameters.count)
    average = averageDecay == nil ? AlignedBuffer(0) : AlignedBuffer(parameters.count)
    if averageDecay != nil { average.pointer.update(from: parameters.pointer, count: parameters.count) }
  }

  /// One update.
  /// - Parameters:
  ///   - step: number of this update, from 1.
  ///   - scale: factor on the gradient (clipping, mean over the batch).
  public func update(
    _ parameters: AlignedBuffer<Float>, gradient: AlignedBuffer<Float>, step: Int, learningRate: Double,
    scale: Double, threads: Int
  ) throws {
    let correction1 = 1 - pow(betas.0, Double(step))
    let correction2 = 1 - pow(betas.1, Double(step))
    // Early on an average with full memory would still hold the random start.
    let averageShare = averageDecay.map { 1 - min($0, Double(1 + step) / Double(10 + step)) } ?? 0
    let rate = Float(learningRate / correction1)
    let root = Float(1 / correction2)
    let keep = Float(1 - learningRate * decay)
    let (b1, b2, s) = (Float(betas.0), Float(betas.1), Float(scale))
    let blocks = (parameters.count + 65_535) / 65_536
    let averaging = averageDecay != nil
    try Parallel.forEach(blocks, threads: threads) { block, _ in
      let start = block * 65_536
      let end = min(start + 65_536, parameters.count)
      let (w, g) = (parameters.pointer, gradient.pointer)
      let (m, v, a) = (self.first.pointer, self.second.pointer, self.average.pointer)
      for i in stride(from: start, to: end, by: 16) {
        func load(_ base: UnsafeMutablePointer<Float>) -> SIMD16<Float> {
          UnsafeRawPointer(base + i).load(as: SIMD16<Float>.self)
        }
        func store(_ value: SIMD16<Float>, _ base: UnsafeMutablePointer<Float>) {
          UnsafeMutableRawPointer(base + i).storeBytes(of: value, as: SIMD16<Float>.self)
        }
        let gradient = load(g) * s
        let moment = load(m) * b1 + gradient * (1 - b1)
        let square = load(v) * b2 + gradient * gradient * (1 - b2)
        let weight = load(w) * keep - rate * moment / ((square * root).squareRoot() + 1e-8)
        store(moment, m)
        store(square, v)
        store(weight, w)
        if averaging {
          let old = load(a)
          store(old + (weight - old) * Float(averageShare), a)
        }
      }
    }
  }
}
