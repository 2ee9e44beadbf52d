import Basics
import Foundation
import Testing
import Verification

@Suite struct ExtremesTests {
  @Test func quantilesOfAUniformSampleAreItsLevels() throws {
    // 0, 0.5 ... 100 at each of ten points, in another order each.
    let sample = (0...200).map { Double($0) / 2 }
    var values = [Double](repeating: 0, count: 201 * 10)
    for point in 0..<10 {
      for (place, k) in Philox(seed: 3, purpose: .test, UInt64(point)).permutation(201).enumerated() {
        values[place * 10 + point] = sample[k]
      }
    }
    let climate = try ClimateQuantiles(EnsembleValues(values, members: 201))
    for percent in 0...100 {
      #expect(climate.quantile(percent: percent).allSatisfy { abs($0 - Double(percent)) < 1e-12 })
    }
    let variance = sample.reduce(0) { $0 + ($1 - 50) * ($1 - 50) } / 201
    #expect(climate.mean.allSatisfy { abs($0 - 50) < 1e-12 })
    #expect(climate.standardDeviation.allSatisfy { abs($0 - variance.squareRoot()) < 1e-12 })
    #expect(climate.meanPlus(standardDeviations: 1)[3] == climate.mean[3] + climate.standardDeviation[3])
  }

  @Test func linearInterpolationBetweenTwoValues() throws {
    let climate = try ClimateQuantiles(EnsembleValues([Double]([3, 1]), members: 2))
    for percent in 0...100 {
      #expect(Samples.nearlyEqual(climate.quantile(percent: percent)[0], 1 + 0.02 * Double(percent)))
    }
  }

  func extremes(_ members: [Double]) throws -> PointwiseScores.Extremes {
    let sample = EnsembleValues((0...100).map(Double.init), members: 101)
    let scores = try PointwiseScores(
      EnsembleValues(members, members: members.count), truth: [0], climate: ClimateQuantiles(sample))
    return try #require(scores.extremes)
  }

  @Test func indexIsOneBeyondAndMinusOneBelowTheClimate() throws {
    #expect(Samples.nearlyEqual(try extremes([101, 150, 200]).index[0], 1))
    #expect(Samples.nearlyEqual(try extremes([-1, -5, -9]).index[0], -1))
    // The climate itself: F(p) = p up to the step of a finite sample.
    #expect(abs(try extremes((0..<1000).map { Double($0) / 10 }).index[0]) < 0.01)
    #expect(Samples.nearlyEqual(try extremes([-1, 101]).index[0], 0))
    // All members between the 74th and 75th percentile: F is a step at s = 0.745, and the integral
    // 4/pi asin sqrt s - 1.
    let exact = 4 / Double.pi * asin(0.745.squareRoot()) - 1
    #expect(abs(try extremes([74.5, 74.6]).index[0] - exact) < 1e-3)
  }

  @Test func mirroredForecastsHaveMirroredIndices() throws {
    let members = Samples.normal(15, 1, seed: 8, mean: 62, deviation: 20).map { $0.rounded() + 0.5 }
    let there = try extremes(members)
    let back = try extremes(members.map { 100 - $0 })
    #expect(Samples.nearlyEqual(there.index[0], -back.index[0], 1e-12))
    #expect(Samples.nearlyEqual(there.shiftOfUpperTail[0], back.shiftOfLowerTail[0], 1e-10))
  }

  @Test func shiftOfTailsByHand() throws {
    // Eleven members 90, 91 ... 100: their 90th percentile is 99, the climate's 99th 99 and 90th 90.
    #expect(Samples.nearlyEqual(try extremes((90...100).map(Double.init)).shiftOfUpperTail[0], 0))
    #expect(Samples.nearlyEqual(try extremes([108, 108]).shiftOfUpperTail[0], 1))
    #expect(try extremes([1e6, 1e6]).shiftOfUpperTail[0] == 10)
    #expect(Samples.nearlyEqual(try extremes([-8]).shiftOfLowerTail[0], 1))
    let flat = EnsembleValues([Double](repeating: 4, count: 20), members: 20)
    let scores = try PointwiseScores(
      EnsembleValues([5.0, 6], members: 2), truth: [5], climate: ClimateQuantiles(flat))
    #expect(try #require(scores.extremes).shiftOfUpperTail[0].isNaN)
  }
}
