import Foundation

/// What the power of a forecaster's states is held within at large scales: for every channel and degree the least and the
/// largest that the data had, but for a few states (`apus checkpoint calibrate --power-tail`).
///
/// Planetary waves are forecast for days and must not be drawn to a mean; but a network left alone for months may
/// let one grow until no year ever had its like, or an area mean (degree 0, of which there is no least power: z-scores have
/// a mean of about 0) drift out of the climate, which takes all scales along. Inside the bounds nothing is changed.
public struct PowerBounds: Sendable, Codable, Hashable {
  /// Least power [channel][degree], sum over orders -l...l of z-scores' squared coefficients.
  public private(set) var least: [[Double]]
  /// Largest power [channel][degree]; where it is 0, nothing is bounded.
  public private(set) var largest: [[Double]]

  /// Bounds of nothing.
  public init(channels: Int, degrees: Int) {
    least = [[Double]](repeating: [Double](repeating: 0, count: degrees), count: channels)
    largest = least
  }

  /// Bounds a degree by the powers that states had.
  /// - Parameters:
  ///   - powers: of as many states as there are; nothing is bounded where there is none.
  ///   - tail: part of the states that lie below, and as many above, 0 up to 0.5.
  public mutating func bound(channel: Int, degree: Int, by powers: [Double], tail: Double) {
    let sorted = powers.sorted()
    let outside = min(Int(tail * Double(sorted.count)), max(sorted.count - 1, 0) / 2)
    guard let low = sorted.dropFirst(outside).first, let high = sorted.dropLast(outside).last else { return }
    (least[channel][degree], largest[channel][degree]) = (degree == 0 ? 0 : low, high)
  }

  /// Whether there are finite bounds of so many channels and degrees.
  func fits(channels: Int, degrees: Int) -> Bool {
    least.count == channels && largest.count == channels
      && zip(least, largest).allSatisfy { low, high in
        low.count == degrees && high.count == degrees
          && zip(low, high).allSatisfy { $0 >= 0 && $1 >= $0 && $1.isFinite }
      }
  }

  /// Logarithm of the nearest power within the bounds over `power`: 0 inside, and where nothing is bounded.
  @inline(__always) func departure(_ power: Double, channel: Int, degree: Int) -> Double {
    let high = largest[channel][degree]
    if high > 0, power > high { return log(high / power) }
    let low = least[channel][degree]
    return power > 0 && power < low ? log(low / power) : 0
  }
}
