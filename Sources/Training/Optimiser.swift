import Basics
import Foundation
import Operators

/// A rule that moves weights against their gradient.
///
/// An update is a function of weights, gradient, moments and step, number by number or with sums in a fixed
/// order: threads change no bit.
public protocol Optimiser: AnyObject, Sendable {
  /// What it remembers from step to step.
  var moments: Moments { get }

  /// One update.
  /// - Parameters:
  ///   - step: number of this update, from 1.
  ///   - scale: factor on the gradient (clipping, mean over the batch).
  func update(
    _ parameters: AlignedBuffer<Float>, gradient: AlignedBuffer<Float>, step: Int, learningRate: Double,
    scale: Double, threads: Int
  ) throws
}

/// Which rule.
public enum OptimiserKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// Adam with decoupled weight decay.
  case adamw
  /// Layer-wise adaptive moments, for large batches.
  case lamb

  /// The optimiser of weights that consist of `tensors`.
  public func make(
    _ parameters: AlignedBuffer<Float>, tensors: [TensorPlace], betas: (Double, Double), decay: Double,
    averageDecay: Double?
  ) -> any Optimiser {
    switch self {
    case .adamw: AdamW(parameters, betas: betas, decay: decay, averageDecay: averageDecay)
    case .lamb:
      LAMB(parameters, tensors: tensors, betas: betas, decay: decay, averageDecay: averageDecay)
    }
  }
}

/// Where a tensor lies among flat weights.
public struct TensorPlace: Sendable, Hashable {
  /// First number, a multiple of 16.
  public let offset: Int
  /// Numbers; complex ones count as two.
  public let count: Int
  /// Whether it is a matrix rather than a bias or the weights of a norm.
  public let isMatrix: Bool

  /// A place.
  public init(offset: Int, count: Int, isMatrix: Bool) {
    self.offset = offset
    self.count = count
    self.isMatrix = isMatrix
  }

  /// The place of one of a network's tensors.
  public init(_ segment: ParameterLayout.Segment) {
    self.init(offset: segment.offset, count: segment.count, isMatrix: segment.shape.count > 1)
  }
}

/// Running means of the gradient, of its square, and of the weights themselves: what a saved training needs
/// of its optimiser.
public final class Moments: Sendable {
  /// Decay of the first and second moment.
  public let betas: (Double, Double)
  /// Decay of the moving average; nil keeps none.
  public let averageDecay: Double?
  /// First moments.
  public let first: AlignedBuffer<Float>
  /// Second moments.
  public let second: AlignedBuffer<Float>
  /// Moving average of the weights; empty where none is kept.
  public let average: AlignedBuffer<Float>

  /// Moments of zero for `parameters`, whose average starts at themselves.
  init(_ parameters: AlignedBuffer<Float>, betas: (Double, Double), averageDecay: Double?) {
    self.betas = betas
    self.averageDecay = averageDecay
    first = AlignedBuffer(parameters.count)
    second = AlignedBuffer(parameters.count)
    average = averageDecay == nil ? AlignedBuffer(0) : AlignedBuffer(parameters.count)
    if averageDecay != nil { average.pointer.update(from: parameters.pointer, count: parameters.count) }
  }

  /// The arrays by the names they are saved under.
  public var saved: [(name: String, values: AlignedBuffer<Float>)] {
    [("first", first), ("second", second), ("average", average)]
  }

  /// Share of the newest weights in the average at update `step`.
  ///
  /// Early on an average with full memory would still hold the random start.
  func averageShare(_ step: Int) -> Float {
    averageDecay.map { Float(1 - min($0, Double(1 + step) / Double(10 + step))) } ?? 0
  }

  /// 1 - beta^step: moments that start at zero are too small by these factors.
  func corrections(_ step: Int) -> (Double, Double) {
    (1 - pow(betas.0, Double(step)), 1 - pow(betas.1, Double(step)))
  }
}
