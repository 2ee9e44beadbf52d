/// Mean, spread, minimum and maximum of an ensemble from sums that can be merged, one member at a time.
///
/// Sums are of differences from a reference (the first member), in double precision:
/// no cancellation even for geopotential, and the result depends on the order of adding only.
/// Whoever adds keeps members in order of number, so threads don't matter.
public struct StreamingStatistics: Sendable {
  /// Values a member holds.
  public let count: Int
  /// Members added.
  public private(set) var members = 0
  private var reference: [Float]
  private var sum: [Double]
  private var squares: [Double]
  private var least: [Float]
  private var most: [Float]

  /// Statistics of nothing; `count` values a member.
  public init(count: Int) {
    self.count = count
    reference = []
    sum = [Double](repeating: 0, count: count)
    squares = sum
    least = []
    most = []
  }

  /// Adds one member's values.
  public mutating func add(_ values: [Float]) {
    precondition(values.count == count)
    members += 1
    if members == 1 {
      reference = values
      least = values
      most = values
      return
    }
    values.withUnsafeBufferPointer { values in
      for i in 0..<count {
        let x = values[i]
        let difference = Double(x) - Double(reference[i])
        sum[i] += difference
        squares[i] += difference * difference
        least[i] = x < least[i] ? x : least[i]
        most[i] = x > most[i] ? x : most[i]
      }
    }
  }

  /// Adds all members of `other`, as if they had come after these.
  public mutating func merge(_ other: StreamingStatistics) {
    precondition(other.count == count)
    guard other.members > 0 else { return }
    guard members > 0 else {
      self = other
      return
    }
    let n = Double(other.members)
    for i in 0..<count {
      // Moves the other's sums to this reference: sum (d + s) and sum (d + s)^2.
      let shift = Double(other.reference[i]) - Double(reference[i])
      sum[i] += other.sum[i] + n * shift
      squares[i] += other.squares[i] + 2 * shift * other.sum[i] + n * shift * shift
      least[i] = min(least[i], other.least[i])
      most[i] = max(most[i], other.most[i])
    }
    members += other.members
  }

  /// Ensemble mean.
  public var mean: [Float] {
    let n = Double(members)
    return (0..<count).map { Float(Double(reference[$0]) + sum[$0] / n) }
  }
  /// Ensemble standard deviation with members - 1 in the denominator; 0 for a single member.
  public var spread: [Float] {
    guard members > 1 else { return [Float](repeating: 0, count: count) }
    let n = Double(members)
    return (0..<count).map { Float((max(squares[$0] - sum[$0] * sum[$0] / n, 0) / (n - 1)).squareRoot()) }
  }
  /// Least of all members.
  public var minimum: [Float] { least }
  /// Greatest of all members.
  public var maximum: [Float] { most }
}
