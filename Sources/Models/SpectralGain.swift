import Basics
import Sphere

/// Factors near 1 on every degree l of every channel of a forecast step: the tuned diffusion of the forecaster.
///
/// A network judged by its errors has small scales that gain or lose a few thousandths of their amplitude a step,
/// which is nothing in a day and a factor of two in two weeks. Physics models tune a scale-selective diffusion until
/// their spectrum is stationary; so does `apus checkpoint calibrate`, which measures these factors. They belong to
/// the weights that they were measured with: an average, an adapter or a fine-tune starts without.
public struct SpectralGain: Sendable, Codable, Hashable {
  /// [channel][degree], without unit.
  public var factors: [[Double]]

  /// Factors [channel][degree].
  public init(_ factors: [[Double]]) { self.factors = factors }

  /// Factors of 1.
  public init(channels: Int, degrees: Int) {
    factors = [[Double]](repeating: [Double](repeating: 1, count: degrees), count: channels)
  }

  /// Multiplies coefficients [order m][degree l][re, im][channel] of all channels, as `SphericalTransform`
  /// leaves them.
  func apply(to spectrum: UnsafeMutablePointer<Float>, degrees: Int, orders: Int) {
    let channels = factors.count
    for (channel, line) in factors.enumerated() {
      for l in 0..<degrees where line[l] != 1 {
        let factor = Float(line[l])
        for m in 0...min(l, orders - 1) {
          let place = (m * degrees + l) * 2 * channels + channel
          spectrum[place] *= factor
          spectrum[place + channels] *= factor
        }
      }
    }
  }
}
