import Foundation

/// Nodes and weights on the colatitude axis: exact integration of polynomials in cos(theta).
///
/// All in float64. Weights integrate over x = cos(theta) in [-1, 1] and sum to 2 (spec/hens.md 2.2).
public enum Quadrature {
  /// Gauss-Legendre: nodes as colatitudes in radians, north to south, exact to degree 2n - 1.
  ///
  /// Newton's method on P_n from Tricomi's estimate; converges to the last bit in a few steps.
  public static func gaussLegendre(_ count: Int) -> (colatitudes: [Double], weights: [Double]) {
    var colatitudes = [Double](repeating: 0, count: count)
    var weights = [Double](repeating: 0, count: count)
    for k in 0..<((count + 1) / 2) {
      var x = cos(.pi * (Double(k) + 0.75) / (Double(count) + 0.5))
      var derivative = 1.0
      for _ in 0..<100 {
        let (value, slope) = legendre(count, x)
        derivative = slope
        let step = value / slope
        x -= step
        if abs(step) < 1e-16 { break }
      }
      if count % 2 == 1 && k == count / 2 { x = 0 }
      derivative = legendre(count, x).slope
      let weight = 2 / ((1 - x * x) * derivative * derivative)
      colatitudes[k] = acos(x)
      colatitudes[count - 1 - k] = .pi - acos(x)
      weights[k] = weight
      weights[count - 1 - k] = weight
    }
    return (colatitudes, weights)
  }

  /// Clenshaw-Curtis with both poles: colatitudes pi k / (n - 1), exact to degree n - 1.
  public static func clenshawCurtis(_ count: Int) -> (colatitudes: [Double], weights: [Double]) {
    let intervals = count - 1
    let colatitudes = (0..<count).map { Double.pi * Double($0) / Double(intervals) }
    let weights = (0..<count).map { k in
      var sum = 0.0
      for j in stride(from: 1, through: intervals / 2, by: 1) {
        let b = 2 * j == intervals ? 1.0 : 2.0
        // Reduce the angle first: cos of a large multiple of theta loses digits.
        let angle = Double.pi * Double((2 * j * k) % (2 * intervals)) / Double(intervals)
        sum += b * cos(angle) / Double(4 * j * j - 1)
      }
      let end = k == 0 || k == intervals ? 1.0 : 2.0
      return end / Double(intervals) * (1 - sum)
    }
    return (colatitudes, weights)
  }

  /// P_n(x) and its derivative by the three-term recurrence.
  private static func legendre(_ n: Int, _ x: Double) -> (value: Double, slope: Double) {
    var (previous, current) = (1.0, x)
    if n == 0 { return (1, 0) }
    for l in stride(from: 2, through: n, by: 1) {
      let next = (Double(2 * l - 1) * x * current - Double(l - 1) * previous) / Double(l)
      (previous, current) = (current, next)
    }
    return (current, Double(n) * (x * current - previous) / (x * x - 1))
  }
}
