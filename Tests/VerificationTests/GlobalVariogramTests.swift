import Basics
import Foundation
import Testing
import Verification

@Suite struct GlobalVariogramTests {
  static let latitudes = (0..<19).map { 90 - 10 * Double($0) }
  static let longitudes = (0..<36).map { 10 * Double($0) }

  @Test func pointsLieEvenlyOnTheSphere() {
    let score = GlobalVariogram(latitudes: Self.latitudes, longitudes: Self.longitudes, points: 100)
    #expect(score.points.count > 90 && score.points == Array(Set(score.points)).sorted())
    // The mean of sin^2(latitude) over the sphere is 1/3.
    let squares = score.points.map { point -> Double in
      let s = sin(Self.latitudes[point / 36] * .pi / 180)
      return s * s
    }
    let mean: Double = squares.reduce(0, +) / Double(squares.count)
    #expect(abs(mean - 1.0 / 3) < 0.02)
  }

  /// The sum over all pairs as the paper writes it.
  @Test(arguments: [1, 2]) func itIsTheSumOverAllPairs(threads: Int) throws {
    let (members, count) = (5, Self.latitudes.count * Self.longitudes.count)
    let values = Samples.normal(members, count, seed: 7)
    let truth = Samples.normal(1, count, seed: 8)
    let score = GlobalVariogram(latitudes: Self.latitudes, longitudes: Self.longitudes, points: 30)
    let found = try score.score(EnsembleValues(values, members: members), truth: truth, threads: threads)
    var (sum, weight) = (0.0, 0.0)
    for j in score.points {
      for k in score.points where k != j {
        let (a, b) = (Self.direction(j), Self.direction(k))
        let angle = acos(min(1, max(-1, zip(a, b).reduce(0) { $0 + $1.0 * $1.1 })))
        guard angle > 1e-6 else { continue }
        let mean = (0..<members).reduce(0.0) {
          $0 + abs(values[$1 * count + j] - values[$1 * count + k]).squareRoot()
        }
        let d = abs(truth[j] - truth[k]).squareRoot() - mean / Double(members)
        sum += d * d / angle
        weight += 1 / angle
      }
    }
    #expect(Samples.nearlyEqual(found, sum / weight, 1e-12))
    var holed = truth
    holed[score.points[3]] = .nan
    #expect(try score.score(EnsembleValues(values, members: members), truth: holed).isNaN)
    // Members that are the truth have its variogram.
    let perfect = try score.score(EnsembleValues(truth + truth, members: 2), truth: truth)
    #expect(perfect == 0)
  }

  static func direction(_ point: Int) -> [Double] {
    let (phi, lambda) = (
      latitudes[point / 36] * .pi / 180, longitudes[point % 36] * .pi / 180
    )
    return [cos(phi) * cos(lambda), cos(phi) * sin(lambda), sin(phi)]
  }
}
