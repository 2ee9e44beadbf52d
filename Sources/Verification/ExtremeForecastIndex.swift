import Foundation

/// The extreme forecast index (Lalaurette 2003; Zsoter 2006):
/// EFI = 2/pi integral_0^1 (p - F(p)) / sqrt(p (1 - p)) dp, F(p) the fraction of members at or below the
/// climate's p-quantile. F is taken as linear between the 101 levels and the integral solved exactly in
/// each interval, as ECMWF's earthkit-meteo does.
struct ExtremeForecastIndex: Sendable {
  /// For the 101 levels of `ClimateQuantiles`.
  static let standard = ExtremeForecastIndex(levels: ClimateQuantiles.levelCount)

  /// Per interval: EFI = sum (offset + level x F(p_k) + slope x (F(p_k+1) - F(p_k))).
  private let offset: [Double]
  private let level: [Double]
  private let slope: [Double]

  init(levels: Int) {
    let n = Double(levels - 1)
    let p = (0..<levels).map { Double($0) / n }
    let angles = p.map { acos($0.squareRoot()) }
    let products = p.map { ($0 * (1 - $0)).squareRoot() }
    var (offset, level, slope) = ([Double](), [Double](), [Double]())
    for k in 0..<levels - 1 {
      let angle = angles[k + 1] - angles[k]
      let product = products[k + 1] - products[k]
      offset.append((-angle - product) * 2 / .pi)
      level.append(2 * angle * 2 / .pi)
      slope.append(((1 - 2 * p[k]) * angle + product) * n * 2 / .pi)
    }
    (self.offset, self.level, self.slope) = (offset, level, slope)
  }

  /// The index at one point from members in ascending order, `stride` apart, and the climate's quantiles.
  func value(sorted: UnsafePointer<Double>, stride: Int, _ members: Int, _ quantiles: UnsafePointer<Double>)
    -> Double
  {
    var member = 0
    func fraction(_ k: Int) -> Double {
      while member < members && sorted[member * stride] <= quantiles[k] { member += 1 }
      return Double(member) / Double(members)
    }
    var result = 0.0
    var before = fraction(0)
    for k in offset.indices {
      let after = fraction(k + 1)
      result += offset[k] + level[k] * before + slope[k] * (after - before)
      before = after
    }
    return result
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
