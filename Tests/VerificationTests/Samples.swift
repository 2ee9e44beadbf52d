import Basics
import Foundation
import Verification

/// Draws for the tests.
enum Samples {
  /// [member][point] of independent standard normals, scaled.
  static func normal(
    _ members: Int, _ points: Int, seed: UInt64, mean: Double = 0, deviation: Double = 1
  ) -> [Double] {
    Philox(seed: seed, purpose: .test).normals(members * points).map { mean + deviation * $0 }
  }

  /// The CRPS of one point straight from the kernel form, O(M^2); `fairness` 0 empirical, 1 fair.
  static func kernelCRPS(_ x: [Double], _ y: Double, fairness: Double = 0) -> Double {
    let m = Double(x.count)
    let error = x.reduce(0) { $0 + abs($1 - y) } / m
    var pairs = 0.0
    for a in x { for b in x { pairs += abs(a - b) } }
    let empirical = pairs / (2 * m * m)
    let fair = fairness == 0 ? 0 : pairs / (2 * m * (m - 1))
    return error - (fairness * fair + (1 - fairness) * empirical)
  }

  /// CRPS of a normal distribution (Gneiting et al. 2005).
  static func gaussianCRPS(mean: Double, deviation: Double, truth: Double) -> Double {
    let z = (truth - mean) / deviation
    let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    let cumulative = erfc(-z / 2.0.squareRoot()) / 2
    return deviation * (z * (2 * cumulative - 1) + 2 * density - 1 / Double.pi.squareRoot())
  }

  /// Members of one point.
  static func column(_ values: [Double], _ point: Int, points: Int) -> [Double] {
    stride(from: point, to: values.count, by: points).map { values[$0] }
  }

  static func nearlyEqual(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
    (a.isNaN && b.isNaN) || abs(a - b) <= tolerance * max(1, abs(a), abs(b))
  }
}
