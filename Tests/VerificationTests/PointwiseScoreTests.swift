import Basics
import Foundation
import Testing
import Verification

@Suite struct PointwiseScoreTests {
  @Test(arguments: [1, 2, 3, 5, 8, 11, 16, 31, 50, 129])
  func sortedFormEqualsTheKernelForm(members: Int) throws {
    let points = 37
    let values = Samples.normal(members, points, seed: UInt64(members), mean: 280, deviation: 3)
    let truth = Samples.normal(1, points, seed: 99, mean: 280, deviation: 3)
    let threshold = Samples.normal(1, points, seed: 98, mean: 280, deviation: 1)
    let scores = try PointwiseScores(
      EnsembleValues(values, members: members), truth: truth, threshold: threshold, alpha: 0.8)
    let above = try #require(scores.aboveThreshold)
    for point in 0..<points {
      let x = Samples.column(values, point, points: points)
      let (y, t) = (truth[point], threshold[point])
      #expect(Samples.nearlyEqual(scores.crps[point], Samples.kernelCRPS(x, y)))
      let tail = Samples.kernelCRPS(x.map { max($0, t) }, max(y, t))
      #expect(Samples.nearlyEqual(above.crps[point], tail))
      #expect(Int(scores.rank[point]) == x.count { $0 < y })
      let p = Double(x.count { $0 > t }) / Double(members)
      let o = y > t ? 1.0 : 0
      #expect(above.probability[point] == p)
      #expect(Samples.nearlyEqual(above.brier[point], (p - o) * (p - o)))
      let mean = x.reduce(0, +) / Double(members)
      #expect(Samples.nearlyEqual(scores.mean[point], mean))
      if members == 1 {
        #expect(Samples.nearlyEqual(scores.crps[point], abs(x[0] - y)))
        #expect(scores.crpsFair[point].isNaN && scores.crpsAlmostFair[point].isNaN)
        #expect(scores.variance[point].isNaN && above.brierFair[point].isNaN)
      } else {
        let m = Double(members)
        #expect(Samples.nearlyEqual(scores.crpsFair[point], Samples.kernelCRPS(x, y, fairness: 1)))
        #expect(Samples.nearlyEqual(scores.crpsAlmostFair[point], Samples.kernelCRPS(x, y, fairness: 0.8)))
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (m - 1)
        #expect(Samples.nearlyEqual(scores.variance[point], variance, 1e-10))
        #expect(Samples.nearlyEqual(above.brierFair[point], (p - o) * (p - o) - p * (1 - p) / (m - 1)))
      }
    }
  }

  @Test func shiftsChangeNothingAndScalesScale() throws {
    // Multiples of 1/8 below 2^20: shifts and scales are exact.
    let values = Samples.normal(20, 24, seed: 5, deviation: 40).map { ($0 * 8).rounded() / 8 }
    let truth = Samples.normal(1, 24, seed: 6, deviation: 40).map { ($0 * 8).rounded() / 8 }
    let plain = try PointwiseScores(EnsembleValues(values, members: 20), truth: truth)
    let shifted = try PointwiseScores(
      EnsembleValues(values.map { $0 + 98_304 }, members: 20), truth: truth.map { $0 + 98_304 })
    let scaled = try PointwiseScores(
      EnsembleValues(values.map { $0 * 4 }, members: 20), truth: truth.map { $0 * 4 })
    for point in 0..<24 {
      #expect(Samples.nearlyEqual(shifted.crps[point], plain.crps[point]))
      #expect(Samples.nearlyEqual(shifted.crpsFair[point], plain.crpsFair[point]))
      #expect(Samples.nearlyEqual(scaled.crps[point], 4 * plain.crps[point]))
      #expect(Samples.nearlyEqual(scaled.variance[point], 16 * plain.variance[point]))
      #expect(shifted.rank[point] == plain.rank[point])
    }
  }

  @Test func fairScoresAreUnbiasedWhateverTheEnsembleSize() throws {
    // Truth fixed at 0.7, members normal: the mean over 40 000 draws of five members must be the score
    // of the distribution itself; the empirical score is too high by E|X - X'| / (2 M).
    let points = 40_000
    let members = 5
    let values = Samples.normal(members, points, seed: 12, mean: 1, deviation: 2)
    let truth = [Double](repeating: 0.7, count: points)
    let threshold = [Double](repeating: 2, count: points)
    let scores = try PointwiseScores(
      EnsembleValues(values, members: members), truth: truth, threshold: threshold)
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    let exact = Samples.gaussianCRPS(mean: 1, deviation: 2, truth: 0.7)
    let standardError = 0.6 / Double(points).squareRoot()
    #expect(abs(mean(scores.crpsFair) - exact) < 4 * standardError)
    let bias = 2 * 2 / Double.pi.squareRoot() / (2 * Double(members))
    #expect(abs(mean(scores.crps) - exact - bias) < 4 * standardError)
    let p = erfc(0.5 / 2.0.squareRoot()) / 2
    let brierFair = mean(try #require(scores.aboveThreshold).brierFair)
    #expect(abs(brierFair - p * p) < 4 * 0.25 / Double(points).squareRoot())
  }

  @Test func almostFairLiesBetween() throws {
    let values = Samples.normal(7, 30, seed: 3)
    let truth = Samples.normal(1, 30, seed: 4)
    let scores = try PointwiseScores(EnsembleValues(values, members: 7), truth: truth, alpha: 0.95)
    for point in 0..<30 {
      #expect(scores.crpsFair[point] < scores.crpsAlmostFair[point])
      #expect(scores.crpsAlmostFair[point] < scores.crps[point])
    }
    let fair = try PointwiseScores(EnsembleValues(values, members: 7), truth: truth, alpha: 1)
    #expect(zip(fair.crpsAlmostFair, fair.crpsFair).allSatisfy { Samples.nearlyEqual($0, $1) })
    let empirical = try PointwiseScores(EnsembleValues(values, members: 7), truth: truth, alpha: 0)
    #expect(zip(empirical.crpsAlmostFair, empirical.crps).allSatisfy { Samples.nearlyEqual($0, $1) })
  }

  @Test func thresholdBelowEverythingGivesTheWholeScore() throws {
    let values = Samples.normal(9, 20, seed: 13)
    let truth = Samples.normal(1, 20, seed: 14)
    let low = try PointwiseScores(
      EnsembleValues(values, members: 9), truth: truth, threshold: .init(repeating: -50, count: 20))
    let high = try PointwiseScores(
      EnsembleValues(values, members: 9), truth: truth, threshold: .init(repeating: 50, count: 20))
    let (below, above) = (try #require(low.aboveThreshold), try #require(high.aboveThreshold))
    for point in 0..<20 {
      #expect(Samples.nearlyEqual(below.crps[point], low.crps[point]))
      #expect(below.probability[point] == 1 && below.brier[point] == 0)
      #expect(above.crps[point] == 0 && above.probability[point] == 0)
    }
  }

  @Test func missingValuesStayWhereTheyAre() throws {
    let (members, points) = (6, 21)
    var values = Samples.normal(members, points, seed: 21)
    var truth = Samples.normal(1, points, seed: 22)
    let threshold = [Double](repeating: 0.1, count: points)
    let climate = try ClimateQuantiles(EnsembleValues(Samples.normal(30, points, seed: 23), members: 30))
    let whole = try PointwiseScores(
      EnsembleValues(values, members: members), truth: truth, threshold: threshold, climate: climate)
    values[3 * points + 4] = .nan
    truth[20] = .nan
    let holed = try PointwiseScores(
      EnsembleValues(values, members: members), truth: truth, threshold: threshold, climate: climate)
    let (above, wholeAbove) = (try #require(holed.aboveThreshold), try #require(whole.aboveThreshold))
    let (extremes, wholeExtremes) = (try #require(holed.extremes), try #require(whole.extremes))
    for point in 0..<points {
      let unknown = point == 4 || point == 20
      for (a, b) in [
        (holed.crps, whole.crps), (holed.crpsFair, whole.crpsFair),
        (holed.crpsAlmostFair, whole.crpsAlmostFair), (above.crps, wholeAbove.crps),
        (above.brier, wholeAbove.brier), (above.brierFair, wholeAbove.brierFair),
      ] { #expect(unknown ? a[point].isNaN : a[point] == b[point]) }
      #expect(unknown ? holed.rank[point] == -1 : holed.rank[point] == whole.rank[point])
      // What does not look at the truth is there where the truth is not.
      for (a, b) in [
        (holed.mean, whole.mean), (holed.variance, whole.variance),
        (above.probability, wholeAbove.probability), (extremes.index, wholeExtremes.index),
        (extremes.shiftOfUpperTail, wholeExtremes.shiftOfUpperTail),
      ] { #expect(point == 4 ? a[point].isNaN : a[point] == b[point]) }
    }
    let weights = AreaWeights(rowWeights: [1, 2, 1], columns: 7)
    let mean = weights.mean(holed.crps)
    var (sum, weight) = (0.0, 0.0)
    for point in 0..<points where point != 4 && point != 20 {
      let w = point / 7 == 1 ? 2.0 : 1.0
      sum += w * whole.crps[point]
      weight += w
    }
    #expect(Samples.nearlyEqual(mean, sum / weight))
    #expect(weights.mean([Double](repeating: .nan, count: points)).isNaN)
  }

  @Test func singlePrecisionMembersAndThreadsGiveTheSameBits() throws {
    let values = Samples.normal(13, 1000, seed: 31, mean: 1e5, deviation: 800).map { Float($0) }
    let truth = Samples.normal(1, 1000, seed: 32, mean: 1e5, deviation: 800)
    let one = try PointwiseScores(EnsembleValues(values, members: 13), truth: truth, threads: 1)
    let four = try PointwiseScores(EnsembleValues(values, members: 13), truth: truth, threads: 4)
    let double = try PointwiseScores(
      EnsembleValues(values.map(Double.init), members: 13), truth: truth, threads: 2)
    #expect(one.crps == four.crps && one.variance == four.variance && one.rank == four.rank)
    #expect(one.crps == double.crps && one.mean == double.mean)
    let sorted = try EnsembleValues(values, members: 13).sorted()
    #expect((1..<13).allSatisfy { sorted[$0, 17] >= sorted[$0 - 1, 17] })
    #expect(try PointwiseScores(sorted, truth: truth).crps == one.crps)
  }

  @Test func ranksOfAnExchangeableEnsembleAreFlat() throws {
    let (members, points) = (9, 20_000)
    let all = Samples.normal(members + 1, points, seed: 41)
    let scores = try PointwiseScores(
      EnsembleValues(Array(all[points...]), members: members), truth: Array(all[..<points]))
    let histogram = RankHistogram(members: members, ranks: scores.rank)
    let expected = Double(points) / Double(members + 1)
    let chiSquare = histogram.counts.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    #expect(histogram.counts.reduce(0, +) == points)
    #expect(chiSquare < 27.9)  // 0.1 % of chi-square with 9 degrees of freedom
  }

  @Test func tiesAreBrokenEvenlyAndTheSameWayEachTime() throws {
    // All members and the truth are equal: every rank is as likely, by the stream alone.
    let (members, points) = (4, 10_000)
    let same = EnsembleValues([Double](repeating: 1, count: members * points), members: members)
    let truth = [Double](repeating: 1, count: points)
    let first = try PointwiseScores(same, truth: truth, threads: 1)
    let second = try PointwiseScores(same, truth: truth, threads: 3)
    #expect(first.rank == second.rank)
    let counts = RankHistogram(members: members, ranks: first.rank).counts
    #expect(counts.allSatisfy { abs($0 - 2000) < 4 * 40 })
    let other = try PointwiseScores(same, truth: truth, ties: Philox(seed: 1, purpose: .tieBreak))
    #expect(other.rank != first.rank)
  }
}
