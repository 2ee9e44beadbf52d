import Basics
import Foundation
import Sphere

/// What a perturbed forecast's fields get when they are written, after all steps, so that at every lead time members have
/// the truth's mean power, degree by degree.
///
///     x_cl -> g_cl(t) x_cl,   l > 0
///
/// `StepTuning` acts on every step and knows no lead time, so that it can only be right on average: too little power on day 1
/// and too much on day 10, or more error where it holds what grows later. This acts on no step. Between measured lead times log
/// g is linear in t, with g(0) = 1; after the last it is the last's.
public struct LeadTimeFinish: Sendable, Codable, Hashable {
  /// Measured lead times [h], ascending, above 0.
  public let leadHours: [Int]
  /// g [lead time][channel][degree], without unit.
  public let gains: [[[Double]]]

  enum CodingKeys: String, CodingKey {
    case leadHours = "lead_hours"
    case gains
  }

  /// Gains [lead time][channel][degree] of ascending lead times [h].
  public init(leadHours: [Int], gains: [[[Double]]]) {
    (self.leadHours, self.gains) = (leadHours, gains)
  }

  /// Makes sure that lead times ascend and that there is a positive gain of every channel and degree.
  /// - Throws: `ApusError` of kind `badData` where it is not so.
  public func requireFitting(channels: Int, degrees: Int, file: String) throws {
    let ascending = zip([0] + leadHours, leadHours).allSatisfy { $0 < $1 }
    let whole =
      gains.count == leadHours.count
      && gains.allSatisfy { lines in
        lines.count == channels
          && lines.allSatisfy { $0.count == degrees && $0.allSatisfy { $0.isFinite && $0 > 0 } }
      }
    guard leadHours.isEmpty || !ascending || !whole else { return }
    throw ApusError(
      .badData, "the finish does not fit the channels", file: file, variable: "variational_finish",
      found: "lead times \(leadHours), gains of \(gains.count), \(gains.first?.count ?? 0) channels, "
        + "\(gains.first?.first?.count ?? 0) degrees",
      expected: "ascending lead times, for each \(channels) lines of \(degrees) numbers above 0")
  }

  /// g [channel][degree] at a lead time [h].
  public func gains(at hours: Int) -> [[Double]] {
    let after = leadHours.firstIndex { $0 >= hours } ?? leadHours.count - 1
    let (start, end) = (after == 0 ? 0 : leadHours[after - 1], leadHours[after])
    let part = min(max(Double(hours - start) / Double(end - start), 0), 1)
    return gains[after].indices.map { c in
      gains[after][c].indices.map { l in
        let before = after == 0 ? 0 : log(gains[after - 1][c][l])
        return exp(before + part * (log(gains[after][c][l]) - before))
      }
    }
  }

  /// Multiplies coefficients [order m][degree l][re, im][channel] of all channels, as `SphericalTransform` leaves
  /// them.
  public func apply(
    to spectrum: UnsafeMutablePointer<Float>, at hours: Int, _ transform: SphericalTransform<Float>
  ) {
    let factors = gains(at: hours)
    transform.eachRow(factors.count) { l, _, place in
      let row = spectrum + place
      for c in factors.indices { row[c] *= Float(factors[c][l]) }
    }
  }
}
