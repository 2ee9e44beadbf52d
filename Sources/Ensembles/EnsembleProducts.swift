import Basics
import Fields
import Sphere

/// What an ensemble's sums say, once all members are in.
public struct EnsembleProducts: Sendable {
  /// Start of the forecasts.
  public let initialTime: Instant
  /// Channels.
  public let channels: [String]
  /// Their grid.
  public let grid: SphereGrid
  /// Lead times [hours].
  public let leadHours: [Int]
  /// Members.
  public let members: Int
  /// Numbers kept of every member, [member][row]; rows as the `SumsPlan` has them.
  public let memberRows: AlignedBuffer<Float>
  /// What was counted.
  public var bounds: CountedBounds { sums.bounds }
  private let sums: EnsembleSums

  init(
    _ sums: EnsembleSums, memberRows: AlignedBuffer<Float>, members: Int, initialTime: Instant,
    channels: [String], grid: SphereGrid, leadHours: [Int]
  ) {
    self.sums = sums
    self.memberRows = memberRows
    self.members = members
    self.initialTime = initialTime
    self.channels = channels
    self.grid = grid
    self.leadHours = leadHours
  }

  /// The control forecast, [lead time][channel][point], and everything below likewise.
  public var control: [Float] { sums.shape.unpad(sums.reference) { _, x in x } }

  /// Ensemble mean.
  public var mean: [Float] {
    let n = Double(members)
    return sums.shape.unpad(sums.sum) { place, s in
      Float(Double(sums.reference.pointer[place]) + Double(s) / n * tick(place))
    }
  }

  /// Ensemble standard deviation with members - 1 in the denominator; 0 for a single member.
  public var spread: [Float] {
    guard members > 1 else { return sums.shape.unpad(sums.sum) { _, _ in 0 } }
    let n = Double(members)
    return sums.shape.unpad(sums.squares) { place, s in
      // S_2 - S_1^2 / N = S_2 - m S_1 with the whole part of the mean m taken out first: no digits cancel.
      let sum = sums.sum.pointer[place]
      let whole = (Double(sum) / n).rounded()
      let k = Int64(whole)
      let centred = s &- 2 &* k &* sum &+ Int64(members) &* k &* k
      let rest = Double(sum &- Int64(members) &* k)
      return Float((max(Double(centred) - rest * rest / n, 0) / (n - 1)).squareRoot() * tick(place))
    }
  }

  /// A statistic's values, [lead time][channel][point].
  public func values(of product: RunDirectory.Product) -> [Float] {
    switch product {
    case .mean: mean
    case .spread: spread
    case .minimum: minimum
    case .maximum: maximum
    }
  }

  /// Least of all members.
  public var minimum: [Float] { sums.shape.unpad(sums.least) { _, x in x } }
  /// Greatest of all members.
  public var maximum: [Float] { sums.shape.unpad(sums.most) { _, x in x } }
  /// Number of the member that has the least, the lowest one of equals.
  public var minimumMember: [Int32] { sums.shape.unpad(sums.leastMember) { _, x in x } }
  /// Number of the member that has the greatest.
  public var maximumMember: [Int32] { sums.shape.unpad(sums.mostMember) { _, x in x } }

  /// Members above a bound, [point].
  /// - Parameters:
  ///   - lead: place among `leadHours`.
  ///   - channel: place among `channels`.
  ///   - bound: place among the row's bounds.
  public func above(lead: Int, channel: Int, bound: Int) -> UnsafeBufferPointer<UInt16> {
    let row = sums.bounds.first[lead * channels.count + channel] + bound
    return UnsafeBufferPointer(start: sums.counts.pointer + row * sums.shape.stride, count: sums.shape.points)
  }

  /// A channel's members' mean power, sum over orders -l...l of the squared coefficients, of degrees 0... in the
  /// channel's unit squared; 0 at degree 0, where it is not kept. Exact to 2^-40 of the analysis' variance.
  public func power(lead: Int, channel: Int) -> [Double] {
    let degrees = sums.power.count / sums.shape.rows
    let scale = EnsembleProducts.scale(sums.ticks[channel])
    return (0..<degrees).map {
      Double(sums.power.pointer[(lead * channels.count + channel) * degrees + $0]) * 0x1p-40 * scale * scale
        / Double(members)
    }
  }

  /// The standard deviation that a tick was made of.
  static func scale(_ tick: Float) -> Double { Double(tick) * 0x1p16 }

  @inline(__always) private func tick(_ place: Int) -> Double {
    Double(sums.ticks[place / sums.shape.stride % sums.shape.channels])
  }
}
