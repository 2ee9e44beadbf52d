/// What a forecaster's states are held within: for every channel the least and the largest value that the data ever held,
/// widened by a part of their distance.
///
/// A network knows no bound. Where noise at every step carries a point of a state beyond all that it was trained on, its
/// answer there may be further out still, and in a day a wind of 60 m/s is one of 600. A limit that no weather comes near
/// takes that away and touches nothing else.
public struct ValueLimits: Sendable, Codable, Hashable {
  /// Least and largest z-score by channel.
  public private(set) var least, largest: [Float]

  /// Limits of states that were seen, widened.
  /// - Parameters:
  ///   - seen: least and largest z-score by channel.
  ///   - margin: part of their distance that is added on either side.
  public init(_ seen: [(least: Float, largest: Float)], margin: Float) {
    least = seen.map { $0.least - margin * ($0.largest - $0.least) }
    largest = seen.map { $0.largest + margin * ($0.largest - $0.least) }
  }

  /// Whether there are finite limits of so many channels.
  func fits(channels: Int) -> Bool {
    least.count == channels && largest.count == channels
      && zip(least, largest).allSatisfy { $0.isFinite && $1.isFinite && $0 <= $1 }
  }

  /// Holds z-scores [channel][point] within the limits; what is no number stays none.
  public func apply(to values: UnsafeMutablePointer<Float>, points: Int) {
    for channel in least.indices {
      let (low, high) = (least[channel], largest[channel])
      for i in channel * points..<(channel + 1) * points {
        let value = values[i]
        values[i] = value < low ? low : value > high ? high : value
      }
    }
  }
}
