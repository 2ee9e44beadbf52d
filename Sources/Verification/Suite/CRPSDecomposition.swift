/// The CRPS taken apart by where the truth falls among the sorted members (Hersbach 2000): averages of how far each
/// interval between members lies below (alpha) and above (beta) the truth.
///
/// With x_(0) and x_(M + 1) at minus and plus infinity: alpha_i is the part of [x_(i), x_(i + 1)] below y, beta_i the
/// part above it; beyond the outermost members only the part between member and truth counts.
public struct CRPSDecomposition: Sendable, Codable {
  /// Weighted sums of alpha_i, i = 0 ... M.
  public var alpha: [Double]
  /// Weighted sums of beta_i.
  public var beta: [Double]
  /// Weight of the points where y < x_(1).
  public var below: Double
  /// Weight of the points where y > x_(M).
  public var above: Double
  /// Weight of all points.
  public var weight: Double

  /// Sums of nothing, for so many members.
  public init(members: Int) {
    alpha = [Double](repeating: 0, count: members + 1)
    beta = alpha
    (below, above, weight) = (0, 0, 0)
  }

  /// Adds sums of as many members.
  public mutating func add(_ other: CRPSDecomposition) {
    for i in alpha.indices {
      alpha[i] += other.alpha[i]
      beta[i] += other.beta[i]
    }
    below += other.below
    above += other.above
    weight += other.weight
  }

  /// Reliability (0 where the truth falls below x_(i) as often as i/M says) and potential CRPS (that of the same
  /// ensemble made reliable); their sum is the empirical CRPS. In the variable's unit; NaN without points.
  public var parts: (reliability: Double, potential: Double) {
    let members = alpha.count - 1
    guard weight > 0 else { return (.nan, .nan) }
    var (reliability, potential) = (0.0, 0.0)
    for i in alpha.indices {
      let (a, b) = (alpha[i] / weight, beta[i] / weight)
      let p = Double(i) / Double(members)
      let width: Double
      let frequency: Double
      switch i {
      case 0:
        frequency = below / weight
        width = frequency > 0 ? b / frequency : 0
      case members:
        // The part of truths at or below x_(M).
        frequency = 1 - above / weight
        width = above > 0 ? a / (above / weight) : 0
      default:
        width = a + b
        frequency = width > 0 ? b / width : 0
      }
      reliability += width * (frequency - p) * (frequency - p)
      potential += width * frequency * (1 - frequency)
    }
    return (reliability, potential)
  }
}
