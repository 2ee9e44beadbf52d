import Basics
import Foundation
import Sphere

/// What is done to a forecaster's state after every step: a tuned diffusion, and limits of its values (`ValueLimits`).
///
/// The amplitude at degree l of channel c is multiplied by
///
///     g_cl (Q_cl / P_cl)^(r_l / 2)
///
/// with P the forecast's power at that degree, Q the truth's mean power, r_l the relaxation. Where no Q is given, Q is the
/// nearest power within `bounds`: P itself as long as P is one that states have.
///
/// A network judged by its errors has small scales that gain or lose a hundredth of their power a step, which is
/// nothing in a day and a factor of two in two weeks. Physics models tune a scale-selective diffusion until their
/// spectrum is stationary, or let it follow the spectrum; `apus checkpoint calibrate` measures these numbers. They
/// belong to the weights that they were measured with: an average, an adapter or a fine-tune starts without.
public struct StepTuning: Sendable, Codable, Hashable {
  /// g [channel][degree], without unit.
  public var factors: [[Double]]
  /// Q [channel][degree], sum over orders -l...l of z-scores' squared coefficients; 0 where nothing is relaxed.
  public var power: [[Double]]
  /// r [degree]: the part of log P's departure from log Q that a step takes away, 0 to 1.
  public var relaxation: [Double]

  /// What the power of degrees without Q is held within; nil: nothing.
  public var bounds: PowerBounds?

  /// What the values are held within; nil: nothing.
  public var limits: ValueLimits?

  /// Departures of log P beyond this are treated as this.
  private static let furthest = 2.0

  /// Factors of 1 and no relaxation.
  public init(channels: Int, degrees: Int) {
    let line = [Double](repeating: 1, count: degrees)
    factors = [[Double]](repeating: line, count: channels)
    power = [[Double]](repeating: line.map { _ in 0 }, count: channels)
    relaxation = [Double](repeating: 0, count: degrees)
  }

  /// Makes sure that all is finite and has the shape of these channels and degrees.
  /// - Throws: `ApusError` of kind `badData` where it does not.
  public func requireFitting(channels: Int, degrees: Int, latitudes: Int, file: String) throws {
    let held = limits?.fits(channels: channels, latitudes: latitudes) ?? true
    guard !held || !fits(channels: channels, degrees: degrees) else { return }
    throw ApusError(
      .badData, "the tuning does not fit the channels", file: file, variable: "spectral_gain",
      found: "\(factors.count) and \(power.count) lines of \(factors.first?.count ?? 0) and "
        + "\(power.first?.count ?? 0), relaxation \(relaxation.min() ?? 0) to \(relaxation.max() ?? 0) "
        + "of \(relaxation.count) degrees",
      expected: "\(channels) lines of \(degrees) finite numbers, relaxation 0 to 1")
  }

  private func fits(channels: Int, degrees: Int) -> Bool {
    relaxation.count == degrees && relaxation.allSatisfy((0...1).contains)
      && bounds?.fits(channels: channels, degrees: degrees) ?? true
      && [factors, power].allSatisfy { lines in
        lines.count == channels
          && lines.allSatisfy { $0.count == degrees && $0.allSatisfy { $0.isFinite && $0 >= 0 } }
      }
  }

  /// Multiplies coefficients [order m][degree l][re, im][channel] of all channels, as `SphericalTransform`
  /// leaves them.
  /// - Parameter scratch: [degree][channel].
  public func apply(
    to spectrum: UnsafeMutablePointer<Float>, _ transform: SphericalTransform<Float>,
    _ scratch: UnsafeMutablePointer<Double>
  ) {
    let (channels, degrees) = (factors.count, transform.degrees)
    scratch.update(repeating: 0, count: channels * degrees)
    transform.eachRow(channels) { l, m, place in
      let row = spectrum + place
      let (sums, twice) = (scratch + l * channels, m == 0 ? 1.0 : 2)
      for c in 0..<channels { sums[c] += twice * Double(row[c]) * Double(row[c]) }
    }
    for l in 0..<degrees {
      let relaxation = relaxation[l]
      for c in 0..<channels {
        let (p, q) = (scratch[l * channels + c], power[c][l])
        var departure = 0.0
        if relaxation > 0, p > 0 {
          departure = q > 0 ? log(q / p) : bounds?.departure(p, channel: c, degree: l) ?? 0
          departure = min(max(departure, -Self.furthest), Self.furthest)
        }
        scratch[l * channels + c] = factors[c][l] * exp(0.5 * relaxation * departure)
      }
    }
    transform.eachRow(channels) { l, _, place in
      let row = spectrum + place
      let line = scratch + l * channels
      for c in 0..<channels { row[c] *= Float(line[c]) }
    }
  }
}

extension StepTuning {
  private enum CodingKeys: CodingKey { case factors, power, relaxation, bounds, limits }

  /// Reads what `encode` wrote: a relaxation that is one number is that of every degree.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    factors = try values.decode([[Double]].self, forKey: .factors)
    power = try values.decode([[Double]].self, forKey: .power)
    if let one = try? values.decode(Double.self, forKey: .relaxation) {
      relaxation = [Double](repeating: one, count: factors.first?.count ?? 0)
    } else {
      relaxation = try values.decode([Double].self, forKey: .relaxation)
    }
    bounds = try values.decodeIfPresent(PowerBounds.self, forKey: .bounds)
    limits = try values.decodeIfPresent(ValueLimits.self, forKey: .limits)
  }

  /// Writes a relaxation that is the same at every degree as one number.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(factors, forKey: .factors)
    try values.encode(power, forKey: .power)
    if let one = relaxation.first, relaxation.allSatisfy({ $0 == one }) {
      try values.encode(one, forKey: .relaxation)
    } else {
      try values.encode(relaxation, forKey: .relaxation)
    }
    try values.encodeIfPresent(bounds, forKey: .bounds)
    try values.encodeIfPresent(limits, forKey: .limits)
  }
}
