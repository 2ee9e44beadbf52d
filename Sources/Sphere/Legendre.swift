import Foundation

/// Fully normalised associated Legendre functions with the Condon-Shortley phase, in float64.
///
/// Y_lm(theta, lambda) = P_lm(cos theta) exp(i m lambda), integral of |Y_lm|^2 over the sphere = 1
/// ("ortho" of torch-harmonics; spec/hens.md 2.1). Stored triangularly: for each order m the degrees
/// l = m..<degrees, each a row of latitudes.
public struct LegendreTable: Sendable {
  /// Degrees l are 0..<degrees.
  public let degrees: Int
  /// Orders m are 0..<orders.
  public let orders: Int
  /// Number of colatitudes in a row.
  public let latitudeCount: Int
  /// P_lm(cos theta_k) at `offset(order) + (degree - order) * latitudeCount + k`.
  public private(set) var values: [Double]

  /// Tabulates P_lm at `colatitudes` [radian] for m <= l < degrees, m < orders.
  ///
  /// Upward recursion in l at fixed m, the numerically stable direction:
  /// P(m,l) = a (x P(m,l-1) - b P(m,l-2)) with a^2 = (4l^2-1)/(l^2-m^2), b^2 = ((l-1)^2-m^2)/(4(l-1)^2-1).
  /// Values below 1e-308 underflow to 0, harmless below about a thousand degrees.
  public init(colatitudes: [Double], degrees: Int, orders: Int) {
    self.degrees = degrees
    self.orders = min(orders, degrees)
    latitudeCount = colatitudes.count
    values = [Double](repeating: 0, count: LegendreTable.offset(self.orders, degrees, colatitudes.count))
    for (k, theta) in colatitudes.enumerated() {
      let x = cos(theta)
      let s = sin(theta)
      var diagonal = (1 / (4 * Double.pi)).squareRoot()  // P(m, m)
      for m in 0..<self.orders {
        if m > 0 { diagonal *= -s * (Double(2 * m + 1) / Double(2 * m)).squareRoot() }
        var index = LegendreTable.offset(m, degrees, latitudeCount) + k
        values[index] = diagonal
        var (before, current) = (0.0, diagonal)
        for l in stride(from: m + 1, to: degrees, by: 1) {
          let (n, o) = (Double(l * l), Double(m * m))
          let p = Double((l - 1) * (l - 1))
          let a = ((4 * n - 1) / (n - o)).squareRoot()
          let b = ((p - o) / (4 * p - 1)).squareRoot()
          let next = a * (x * current - b * before)
          (before, current) = (current, next)
          index += latitudeCount
          values[index] = next
        }
      }
    }
  }

  /// Where the rows of `order` begin in `values`.
  public func offset(_ order: Int) -> Int { LegendreTable.offset(order, degrees, latitudeCount) }

  /// P_lm at row `latitude`; 0 where the degree or order is out of range, with
  /// P(-m, l) = (-1)^m P(m, l) for negative orders.
  public func value(degree: Int, order: Int, latitude: Int) -> Double {
    let m = abs(order)
    guard degree >= m, degree < degrees, m < orders else { return 0 }
    let value = values[offset(m) + (degree - m) * latitudeCount + latitude]
    return order < 0 && m % 2 == 1 ? -value : value
  }

  private static func offset(_ order: Int, _ degrees: Int, _ latitudes: Int) -> Int {
    (order * degrees - order * (order - 1) / 2) * latitudes
  }
}
