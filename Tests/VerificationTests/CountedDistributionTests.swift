import Basics
import Foundation
import Testing
import Verification

@Suite struct CountedDistributionTests {
  /// Members, bounds and counts of a Gaussian ensemble.
  func sample(_ members: Int, bounds: [Double], stream: UInt64) -> (values: [Double], CountedDistribution) {
    let values = Philox(seed: 8, purpose: .test, stream).normals(members).map { Double($0) }
    let above = bounds.map { bound in values.count { $0 > bound } }
    return (
      values,
      CountedDistribution(
        bounds: bounds, above: above, least: values.min() ?? 0, most: values.max() ?? 0, members: members)
    )
  }

  func exact(_ values: [Double], _ truth: Double) -> Double {
    let n = Double(values.count)
    let error = values.reduce(0) { $0 + abs($1 - truth) } / n
    let pairs = values.reduce(0) { sum, x in sum + values.reduce(0) { $0 + abs($1 - x) } } / (2 * n * n)
    return error - pairs
  }

  @Test func aUniformDistributionHasItsClosedForm() {
    let members = 1000
    let bounds = (1..<10).map { Double($0) / 10 }
    let distribution = CountedDistribution(
      bounds: bounds, above: bounds.map { Int(((1 - $0) * Double(members)).rounded()) }, least: 0, most: 1,
      members: members)
    // integral_0^y x^2 + integral_y^1 (1 - x)^2 = (y^3 + (1 - y)^3) / 3, and |y| beyond.
    for y in [0.0, 0.25, 0.5, 0.93, 1.0] {
      #expect(abs(distribution.crps(y) - (pow(y, 3) + pow(1 - y, 3)) / 3) < 1e-12)
    }
    #expect(abs(distribution.crps(1.5) - (0.5 + 1.0 / 3)) < 1e-12)
    #expect(abs(distribution.crps(-2) - (2 + 1.0 / 3)) < 1e-12)
    #expect(abs(distribution.quantile(0.37) - 0.37) < 1e-12)
    // Half the mean distance of two members is 1/6.
    #expect(abs(distribution.crps(0.5) - distribution.fairCRPS(0.5) - 1.0 / 6 / 999) < 1e-12)
  }

  @Test(arguments: [200, 2000]) func closeToTheMembersOwn(members: Int) {
    // Bounds as the ladder has them for a spread of a tenth of the climate's.
    let step = asinh(500.0 as Double) / 48
    let bounds = (-48...48).map { 10 * 0.02 * sinh(Double($0) * step) }
    for stream in 0..<4 as Range<UInt64> {
      let (values, distribution) = sample(members, bounds: bounds, stream: stream)
      for truth in [-3.0, -1, 0.1, 0.8, 2.5] {
        #expect(abs(distribution.crps(truth) - exact(values, truth)) < 0.01)
      }
    }
  }

  @Test func boundsBeyondTheMembersChangeNothing() {
    let bounds = stride(from: -2.0, through: 2, by: 0.1).map { $0 }
    let (_, near) = sample(500, bounds: bounds, stream: 1)
    let (_, far) = sample(500, bounds: [-90, -50] + bounds + [40, 80], stream: 1)
    #expect(near.crps(0.3) == far.crps(0.3))
  }
}
