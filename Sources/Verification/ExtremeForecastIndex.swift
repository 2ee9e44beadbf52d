import Foundation

/// The extreme forecast index (Lalaurette 2003; Zsoter 2006):
/// EFI = 2/pi integral_0^1 (p - F(p)) / sqrt(p (1 - p)) dp, F(p) the fraction of members at or below the
/// climate's p-quantile. F is taken as linear between the 101 levels and the integral solved exactly in
/// each interval, as ECMWF's earthkit-meteo does.
public struct ExtremeForecastIndex: Sendable {
  /// For the 101 levels of `ClimateQuantiles`.
  public static let standard = ExtremeForecastIndex(levels: ClimateQuantiles.levelCount)

  /// Differences between neighbouring levels of acos sqrt p and of sqrt(p (1 - p)), and the weight of F's
  /// slope; summed in earthkit-meteo's order, so that results near 0 agree too.
  private let angles: [Double]
  private let products: [Double]
  private let slopes: [Double]
  private let scale: Double

  init(levels: Int) {
    let n = levels - 1
    let p = (0..<levels).map { $0 == n ? 1 : Double($0) * (1 / Double(n)) }
    let angle = p.map { acos($0.squareRoot()) }
    let product = p.map { ($0 * (1 - $0)).squareRoot() }
    angles = (0..<n).map { angle[$0 + 1] - angle[$0] }
    products = (0..<n).map { product[$0 + 1] - product[$0] }
    slopes = zip(p, zip(angles, products)).map { (1 - 2 * $0) * $1.0 + $1.1 }
    scale = Double(n)
  }

  /// The index at one point from members in ascending order, `stride` apart, and the climate's quantiles.
  func value(sorted: UnsafePointer<Double>, stride: Int, _ members: Int, _ quantiles: UnsafePointer<Double>)
    -> Double
  {
    var member = 0
    return value { k in
      while member < members && sorted[member * stride] <= quantiles[k] { member += 1 }
      return Double(member) / Double(members)
    }
  }

  /// The index from the fractions of members at or below each of the climate's quantiles, asked for in order.
  public func value(_ fraction: (_ level: Int) -> Double) -> Double {
    var result = 0.0
    var before = fraction(0)
    for k in angles.indices {
      let after = fraction(k + 1)
      result += (2 * before - 1) * angles[k] + slopes[k] * ((after - before) * scale) - products[k]
      before = after
    }
    return result * (2 / .pi)
  }
}

/// The shift of tails (Zsoter 2006): (Q_f - Q_tail) / (Q_tail - Q_c), Q_f the forecast's and Q_c the
/// climate's percentile (90 or 10), Q_tail the climate's 99th or 1st; limited to [-10, 10], NaN where the
/// climate's percentiles coincide: as ECMWF's earthkit-meteo.
enum ShiftOfTails {
  /// The shift at one point from members in ascending order, `stride` apart, and the climate's quantiles.
  static func value(
    sorted: UnsafePointer<Double>, stride: Int, _ members: Int, _ quantiles: UnsafePointer<Double>,
    percent: Int, tailPercent: Int
  ) -> Double {
    let place = OrderStatistic.position(Double(percent) / 100, members)
    let forecast = place.value(
      sorted[place.index * stride], sorted[min(place.index + 1, members - 1) * stride])
    let width = quantiles[tailPercent] - quantiles[percent]
    guard width != 0 else { return .nan }
    return min(10, max(-10, (forecast - quantiles[tailPercent]) / width))
  }
}
