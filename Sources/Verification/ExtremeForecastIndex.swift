import Foundation

/// The extreme forecast index (Lalaurette 2003; Zsoter 2006):
/// EFI = 2/pi integral_0^1 (p - F(p)) / sqrt(p (1 - p)) dp, F(p) the fraction of members at or below the
/// climate's p-quantile.
public struct ExtremeForecastIndex: Sendable {
  /// F linear between the 101 even levels and the integral solved exactly in each interval, as ECMWF's
  /// earthkit-meteo does.
  public static let standard = ExtremeForecastIndex(exact: ClimateQuantiles.evenCount)
  /// The trapezoidal rule on 54 levels, 0.0001, 0.001, 0.01, 0.03 ... 0.99, 0.999, 0.9999, without the ends: as the
  /// scripts of HENS (Part I). Members that lie all beyond the climate have 1.039 there instead of 1.
  public static let hens = ExtremeForecastIndex(
    trapezoids: [0.01, 0.1] + stride(from: 1, through: 99, by: 2) + [99.9, 99.99])

  /// Places of the levels among those of `ClimateQuantiles`.
  private let places: [Int]
  /// EFI = sum over intervals of (2 F - 1) `angles` + `slopes` `scale` (change of F) - `products`, F at the lower level.
  private let angles: [Double]
  private let products: [Double]
  private let slopes: [Double]
  private let scale: Double

  /// Differences between neighbouring levels of acos sqrt p and of sqrt(p (1 - p)), and the weight of F's
  /// slope; summed in earthkit-meteo's order, so that results near 0 agree too.
  private init(exact levels: Int) {
    let n = levels - 1
    let p = (0..<levels).map { $0 == n ? 1 : Double($0) * (1 / Double(n)) }
    let angle = p.map { acos($0.squareRoot()) }
    let product = p.map { ($0 * (1 - $0)).squareRoot() }
    angles = (0..<n).map { angle[$0 + 1] - angle[$0] }
    products = (0..<n).map { product[$0 + 1] - product[$0] }
    slopes = zip(p, zip(angles, products)).map { (1 - 2 * $0) * $1.0 + $1.1 }
    scale = Double(n)
    places = ClimateQuantiles.evenPlaces
  }

  /// Of an interval from p to q, h = (q - p)/2 and w = 1/sqrt(p (1 - p)):
  /// h ((p - F_p) w_p + (q - F_q) w_q) = (2 F_p - 1) a + (F_q - F_p) s - c, with a = -h (w_p + w_q)/2, s = -h w_q and
  /// c = -a - h (p w_p + q w_q): the same three numbers as of the exact rule.
  private init(trapezoids percents: [Double]) {
    places = percents.compactMap { ClimateQuantiles.place(percent: $0) }
    let p = places.map { ClimateQuantiles.levels[$0] }
    let weight = p.map { 1 / ($0 * (1 - $0)).squareRoot() }
    var (angles, products, slopes) = ([Double](), [Double](), [Double]())
    for k in 0..<p.count - 1 {
      let h = (p[k + 1] - p[k]) / 2
      let angle = -h * (weight[k] + weight[k + 1]) / 2
      angles.append(angle)
      slopes.append(-h * weight[k + 1])
      products.append(-angle - h * (p[k] * weight[k] + p[k + 1] * weight[k + 1]))
    }
    (self.angles, self.products, self.slopes) = (angles, products, slopes)
    scale = 1
  }

  /// The index at one point from members in ascending order, `stride` apart, and all quantiles of the climate.
  func value(sorted: UnsafePointer<Double>, stride: Int, _ members: Int, _ quantiles: UnsafePointer<Double>)
    -> Double
  {
    var member = 0
    return value { k in
      let bound = quantiles[places[k]]
      while member < members && sorted[member * stride] <= bound { member += 1 }
      return Double(member) / Double(members)
    }
  }

  /// The index from the fractions of members at or below each of its levels' quantiles (`standard`: 101 even ones),
  /// asked for in order.
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
    let (tail, inner) = (
      quantiles[ClimateQuantiles.evenPlaces[tailPercent]], quantiles[ClimateQuantiles.evenPlaces[percent]]
    )
    let place = OrderStatistic.position(Double(percent) / 100, members)
    let forecast = place.value(
      sorted[place.index * stride], sorted[min(place.index + 1, members - 1) * stride])
    let width = tail - inner
    guard width != 0 else { return .nan }
    return min(10, max(-10, (forecast - tail) / width))
  }
}
