/// What a forecaster's states are held within: for every channel and latitude the least and the largest value that the data
/// ever held, widened by a part of their distance.
///
/// A network knows no bound. Where a state is carried beyond all that it was trained on, by noise at every step or in a month
/// of its own forecasts, its answer there may be further out still: 87 degrees north had air of 327 K in a January that a free
/// run of 2017 made, which is hot for the tropics and unheard of there, and three weeks later no weather was left anywhere.
/// A limit that no weather comes near takes that away and touches nothing else.
public struct ValueLimits: Sendable, Codable, Hashable {
  /// Least and largest z-score [channel][latitude]; [channel] in older files.
  public private(set) var least, largest: [Float]

  /// Limits of states that were seen, widened.
  /// - Parameters:
  ///   - seen: least and largest z-score [channel][latitude] or [channel].
  ///   - margin: part of their distance that is added on either side.
  public init(_ seen: [(least: Float, largest: Float)], margin: Float) {
    least = seen.map { $0.least - margin * ($0.largest - $0.least) }
    largest = seen.map { $0.largest + margin * ($0.largest - $0.least) }
  }

  /// Whether there are finite limits of so many channels, on so many latitudes or on all alike.
  func fits(channels: Int, latitudes: Int) -> Bool {
    [channels, channels * latitudes].contains(least.count) && largest.count == least.count
      && zip(least, largest).allSatisfy { $0.isFinite && $1.isFinite && $0 <= $1 }
  }

  /// Holds `count` z-scores [channel][latitude][longitude] within the limits; what is no number stays none.
  public func apply(to values: UnsafeMutablePointer<Float>, count: Int) {
    let width = count / max(least.count, 1)
    for row in least.indices {
      let (low, high) = (least[row], largest[row])
      for i in row * width..<(row + 1) * width {
        let value = values[i]
        values[i] = value < low ? low : value > high ? high : value
      }
    }
  }
}
