import Basics
import Emulators
import Foundation
import Sphere
import Testing

@Suite struct LossTests {
  let grid: SphereGrid
  init() throws { grid = try SphereGrid(.gaussian, latitudes: 6, longitudes: 8) }

  func fields(_ count: Int, channels: Int, seed: UInt64) -> [AlignedBuffer<Float>] {
    (0..<count).map { number in
      AlignedBuffer(
        Philox(seed: seed, purpose: .test, UInt64(number)).normals(channels * grid.pointCount).map {
          Float($0)
        })
    }
  }

  /// The definition, written out.
  func naive(_ x: [AlignedBuffer<Float>], _ y: AlignedBuffer<Float>, weights: [Double], alpha: Double)
    -> Double
  {
    let m = Double(x.count)
    var total = 0.0
    for (channel, weight) in weights.enumerated() {
      for point in 0..<grid.pointCount {
        let i = channel * grid.pointCount + point
        let area = grid.quadratureWeights[point / grid.longitudeCount] / (2 * Double(grid.longitudeCount))
        var (error, spread) = (0.0, 0.0)
        for a in x {
          error += abs(Double(a.pointer[i] - y.pointer[i]))
          for b in x { spread += abs(Double(a.pointer[i] - b.pointer[i])) }
        }
        let fair = error / m - spread / (2 * m * (m - 1))
        let empirical = error / m - spread / (2 * m * m)
        total += weight / weights.reduce(0, +) * area * (alpha * fair + (1 - alpha) * empirical)
      }
    }
    return total
  }

  @Test(arguments: [(2, 0.95), (3, 1.0), (5, 0.0)])
  func isTheDefinition(_ members: Int, _ alpha: Double) {
    let x = fields(members, channels: 2, seed: 1)
    let y = fields(1, channels: 2, seed: 2)[0]
    let loss = AlmostFairCRPS(grid: grid, channelWeights: [1, 3], alpha: alpha)
    let found = withExtendedLifetime((x, y)) {
      loss.evaluate(x.map { UnsafePointer($0.pointer) }, y.pointer, factor: 1, addingTo: [])
    }
    #expect(abs(found - naive(x, y, weights: [1, 3], alpha: alpha)) < 1e-6)
  }

  /// Along a random direction, by central differences.
  @Test(arguments: [2, 4])
  func gradient(_ members: Int) {
    let x = fields(members, channels: 2, seed: 3)
    let y = fields(1, channels: 2, seed: 4)[0]
    let d = fields(members, channels: 2, seed: 5)
    let loss = AlmostFairCRPS(grid: grid, channelWeights: [2, 1])
    let g = fields(members, channels: 2, seed: 6)
    for field in g { field.pointer.update(repeating: 0, count: field.count) }
    _ = loss.evaluate(
      x.map { UnsafePointer($0.pointer) }, y.pointer, factor: 1.5, addingTo: g.map(\.pointer))
    func value(_ step: Float) -> Double {
      let moved = zip(x, d).map { a, b in
        AlignedBuffer(zip(a.array, b.array).map { $0 + step * $1 })
      }
      return naive(moved, y, weights: [2, 1], alpha: 0.95) * 1.5
    }
    let slope = (value(1e-4) - value(-1e-4)) / 2e-4
    let expected = zip(g, d).reduce(0.0) { sum, pair in
      sum + zip(pair.0.array, pair.1.array).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    #expect(abs(slope - expected) < 2e-3 * max(abs(slope), 0.1))
  }

  /// Fair: its mean does not depend on the number of members (spec/emulators.md 6.1).
  @Test func fairScoresDoNotDependOnSize() {
    let fair = AlmostFairCRPS(grid: grid, channelWeights: [1], alpha: 1)
    func mean(_ members: Int) -> Double {
      (0..<400).reduce(0.0) { sum, number in
        let all = fields(members + 1, channels: 1, seed: UInt64(100 + 1000 * members + number))
        // The array must outlive the pointers.
        return withExtendedLifetime(all) {
          sum
            + fair.evaluate(
              all.dropLast().map { UnsafePointer($0.pointer) }, all[members].pointer, factor: 1, addingTo: [])
        }
      } / 400
    }
    // 1 / sqrt(pi) for a perfect normal ensemble.
    #expect(abs(mean(2) - 0.5642) < 0.02)
    #expect(abs(mean(8) - 0.5642) < 0.02)
  }

  /// The band energy score: its gradient, and what it is for. Members whose channels belong together as the truth's do
  /// score better than members of the same marginals whose channels were drawn apart.
  @Test func bandsSeeChannelsTogether() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let transform = SphericalTransform<Float>(grid: grid, degrees: 10)
    let loss = BandEnergyScore(transform: transform, channels: 2)
    let white = SpectralWhitening(
      transform: transform, deviations: [[[Double]](repeating: .init(repeating: 1, count: 10), count: 1)])
    let space = white.makeWorkspace()
    func field(_ number: Int, together: Bool) -> AlignedBuffer<Float> {
      let field = AlignedBuffer<Float>(2 * grid.pointCount)
      white.noise(Philox(seed: 8, purpose: .test, UInt64(number)), into: field.pointer, space)
      white.noise(
        Philox(seed: 8, purpose: .test, UInt64(number) + (together ? 0 : 1_000_000)),
        into: field.pointer + grid.pointCount, space)
      return field
    }
    let work = loss.makeWorkspace(members: 3)
    func mean(together: Bool) -> Double {
      (0..<60).reduce(0.0) { sum, number in
        let members = (0..<3).map { field(10 * number + $0, together: together) }
        let truth = field(10 * number + 5, together: true)
        return withExtendedLifetime((members, truth)) {
          sum
            + loss.evaluate(
              members.map { UnsafePointer($0.pointer) }, truth.pointer, factor: 1.0 / 60, addingTo: [], work)
        }
      }
    }
    let (right, wrong) = (mean(together: true), mean(together: false))
    #expect(right < 0.96 * wrong, "\(right), \(wrong)")
    // Fields of one and the same number twice: the score of a single one, 1/sqrt(pi) but for alpha.
    #expect(abs(right - 0.575) < 0.02)

    let x = (0..<3).map { field($0, together: false) }
    let y = field(7, together: false)
    let d = (0..<3).map { field(20 + $0, together: false) }
    let g = (0..<3).map { _ in AlignedBuffer<Float>(2 * grid.pointCount) }
    func value(_ step: Float, _ gradients: [UnsafeMutablePointer<Float>] = []) -> Double {
      let moved = zip(x, d).map { a, b in AlignedBuffer(zip(a.array, b.array).map { $0 + step * $1 }) }
      return withExtendedLifetime(moved) {
        loss.evaluate(
          moved.map { UnsafePointer($0.pointer) }, y.pointer, factor: 2, addingTo: gradients, work)
      }
    }
    _ = value(0, g.map(\.pointer))
    let numeric = (value(5e-3) - value(-5e-3)) / 1e-2
    let exact = zip(g, d).reduce(0.0) { sum, pair in
      sum + zip(pair.0.array, pair.1.array).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    #expect(abs(numeric - exact) < 1e-3 * max(abs(exact), 0.1), "\(numeric), \(exact)")
  }
}
