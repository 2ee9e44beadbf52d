import Basics
import Foundation
import Kernels

/// A bound that members above it are counted at, for one channel and lead time.
public enum CountedBound: Sendable {
  /// The same everywhere, in the channel's unit.
  case constant(Float)
  /// Its own at every point.
  case field(AlignedBuffer<Float>)
  /// So much above the control forecast.
  case aboveControl(Float)

  var kernel: MemberReduction.Bound {
    switch self {
    case .constant(let value): .constant(value)
    case .field(let buffer): .field(UnsafePointer(buffer.pointer))
    case .aboveControl(let offset): .aboveReference(offset)
    }
  }
}

/// Everything that is counted, for all lead times and channels of a forecast.
public struct CountedBounds: Sendable {
  /// Bounds of row lead time x channels + channel, ascending where they form a histogram.
  public let rows: [[CountedBound]]
  /// Number of the first bound of each row among all.
  public let first: [Int]
  /// Number of bounds.
  public let rowCount: Int

  /// Bounds by row; fields need room for whole vectors (`ChannelPadding`).
  public init(rows: [[CountedBound]]) {
    self.rows = rows
    var (first, count) = ([Int](), 0)
    for row in rows {
      first.append(count)
      count += row.count
    }
    self.first = first
    rowCount = count
  }
}

/// Offsets from the control forecast that a distribution is counted at: o_k = s sinh(k h), k = -K...K, fine
/// near the control and coarse far from it, where the members of long lead times are.
///
/// With s = 0.02 and o_K = 10 of the analysis' standard deviations, K = 48, neighbouring bounds are 0.3 % of
/// the standard deviation apart at the control and 13 % of the distance from it beyond.
public enum DistributionLadder {
  /// K: bounds on either side of the control.
  public static let side = 48
  /// s, in standard deviations.
  static let fine = 0.02
  /// o_K, in standard deviations.
  static let furthest = 10.0

  /// The 2 K + 1 offsets for a channel of standard deviation `deviation`, in its unit.
  public static func offsets(deviation: Double) -> [Float] {
    let step = asinh(furthest / fine) / Double(side)
    return (-side...side).map { Float(deviation * fine * sinh(Double($0) * step)) }
  }
}
