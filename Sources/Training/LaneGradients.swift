import Basics
import Kernels

/// Sums the gradients of a batch's samples so that the bits do not depend on the number of threads.
///
/// Sample i adds to lane i mod 4, one after the other; lanes are summed in order at the end.
public final class LaneGradients: @unchecked Sendable {
  /// Lanes: the most samples that are computed at once.
  public static let laneCount = BatchGradient.laneCount
  /// The sum after `compute`.
  public var gradient: AlignedBuffer<Float> { lanes[0] }
  private let lanes: [AlignedBuffer<Float>]

  /// Room for gradients of `count` numbers.
  public init(count: Int) {
    lanes = (0..<LaneGradients.laneCount).map { _ in AlignedBuffer(count) }
  }

  /// Runs `body` for every sample and adds up its losses.
  /// - Parameter body: adds a sample's gradient to `gradient` and returns its loss; `thread` is used by no two
  ///   calls at once.
  /// - Returns: the sum of losses.
  public func compute(
    samples: Int, threads: Int,
    _ body: @Sendable (_ sample: Int, _ thread: Int, _ gradient: AlignedBuffer<Float>) throws -> Double
  ) throws -> Double {
    let used = min(samples, lanes.count)
    let losses = AlignedBuffer<Double>(samples)
    try Parallel.forEach(used, threads: threads) { lane, thread in
      let gradient = self.lanes[lane]
      gradient.pointer.update(repeating: 0, count: gradient.count)
      for sample in stride(from: lane, to: samples, by: used) {
        losses.pointer[sample] = try body(sample, thread, gradient)
      }
    }
    let (total, block) = (gradient.count, 1 << 14)
    Team(threads: threads).each((total + block - 1) / block) { index, _ in
      let (start, count) = (index * block, min(block, total - index * block))
      for lane in self.lanes[..<used].dropFirst() {
        ChannelPasses.add(lane.pointer + start, count, to: self.gradient.pointer + start)
      }
    }
    return (0..<samples).reduce(0) { $0 + losses.pointer[$1] }
  }
}
