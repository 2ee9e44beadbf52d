import Basics
import Foundation
import Testing
import Verification

/// A calibrated ensemble must be found calibrated: truth and members drawn from one distribution, 200 times.
@Suite struct CalibrationTests {
  static let (trials, dates, members, rows, columns) = (200, 60, 10, 6, 8)

  @Test func ofTwoHundredCalibratedEnsemblesNinetyFivePercentLieWithinTheirIntervals() throws {
    let points = Self.rows * Self.columns
    // Rows of one weight: then every point counts the same, and counts are binomial.
    let region = Region(
      "band", latitudes: [Double](repeating: 10, count: Self.rows),
      longitudes: (0..<Self.columns).map { 360 * Double($0) / Double(Self.columns) }
    ) { _, _ in true }
    let pass = ScorePass(regions: [region], rows: Self.rows, columns: Self.columns)
    var (ratioWithin, ranksWithin, binsWithin, bins) = (0, 0, 0, 0)
    var ratios: [Double] = []
    for trial in 0..<Self.trials {
      var ranks = RankHistogram(members: Self.members)
      var counts = EventCounts(members: Self.members)
      var (errors, variances) = ([Double](), [Double]())
      for date in 0..<Self.dates {
        // A predictable part that differs from point to point, and a spread that does too.
        let random = Philox(seed: 77, purpose: .test, UInt64(trial), UInt64(date))
        let draws = random.normals((Self.members + 3) * points)
        func sample(_ k: Int, _ point: Int) -> Double {
          let centre = 2 * draws[(Self.members + 1) * points + point]
          let spread = exp(0.5 * draws[(Self.members + 2) * points + point])
          return centre + spread * draws[k * points + point]
        }
        let values = (0..<Self.members).flatMap { k in (0..<points).map { sample(k, $0) } }
        var input = CaseInput(
          ensemble: EnsembleValues(values, members: Self.members),
          truth: (0..<points).map { sample(Self.members, $0) }, ties: Philox(seed: 1, purpose: .tieBreak))
        input.events = [.init(threshold: [Double](repeating: 1, count: points), isBelow: false)]
        var none: ScoreMaps?
        let result = try pass.run(input, maps: &none, decomposes: false)
        ranks.add(result.ranks[0])
        counts.add(result.events[0][0])
        errors.append(result.mean(.meanSquareError, region: 0))
        variances.append(result.mean(.variance, region: 0))
      }
      let m = Double(Self.members)
      func ratio(_ means: [Double]) -> Double { ((m + 1) / m * means[0] / means[1]).squareRoot() }
      let interval = BlockBootstrap(dates: Self.dates, blockLength: 1, resamples: 400, seed: UInt64(trial))
        .interval([variances, errors], ratio)
      ratios.append(ratio([variances.reduce(0, +), errors.reduce(0, +)]))
      if interval.lower <= 1 && 1 <= interval.upper { ratioWithin += 1 }
      // Unreliability times M is chi-square with M degrees of freedom: its 95th percentile (Wilson and Hilferty 1931).
      let limit = pow(1 - 2 / (9 * m) + 1.6449 * (2 / (9 * m)).squareRoot(), 3)
      if ranks.unreliability <= limit { ranksWithin += 1 }
      // The probability k/M of a finite ensemble is not quite that of the event, whose odds are known only through
      // exchangeability: of M + 1 values k + 1 exceed, and any of them is the truth with the same chance. So of the
      // cases (k members and the truth) and (k + 1 members, not the truth) the share (k + 1)/(M + 1) is the first kind.
      for k in 0..<Self.members {
        let (came, not) = (Double(counts.events[k]), Double(counts.nonEvents[k + 1]))
        guard came + not >= 30 else { continue }
        let share = Double(k + 1) / Double(Self.members + 1)
        let deviation = ((came + not) * share * (1 - share)).squareRoot()
        bins += 1
        if abs(came - (came + not) * share) <= 1.96 * deviation { binsWithin += 1 }
      }
    }
    let mean = ratios.reduce(0, +) / Double(Self.trials)
    #expect(abs(mean - 1) < 0.005, "mean ratio \(mean)")
    // 95 % of 200 within three binomial standard deviations: 181 to 199.
    #expect((181...199).contains(ratioWithin), "spread-skill: \(ratioWithin) of 200")
    #expect((181...199).contains(ranksWithin), "ranks: \(ranksWithin) of 200")
    let share = Double(binsWithin) / Double(bins)
    #expect(share > 0.93 && share < 0.97, "reliability: \(share) of \(bins) bins")
  }

  @Test func theExtremeForecastIndexOfAShiftedClimateIsItsClosedForm() throws {
    // Climate and forecast uniform; the forecast is shifted by s. F(p) = max(0, p - s) above the climate's p-quantile,
    // so EFI = 2/pi (integral_0^s p/sqrt(p(1-p)) dp + s integral_s^1 1/sqrt(p(1-p)) dp)
    //        = 2/pi (asin sqrt s - sqrt(s(1 - s)) + s (pi - 2 asin sqrt s)).
    let climate = try ClimateQuantiles(
      EnsembleValues((0...2000).map { Double($0) / 2000 }, members: 2001))
    for shift in [0.0, 0.1, 0.25, 0.5] {
      let members = (0..<4000).map { (Double($0) + 0.5) / 4000 + shift }
      let scores = try PointwiseScores(
        EnsembleValues(members, members: 4000), truth: [0.5], climate: climate)
      let found = try #require(scores.extremes).index[0]
      let angle = asin(shift.squareRoot())
      let expected =
        2 / Double.pi * (angle - (shift * (1 - shift)).squareRoot() + shift * (Double.pi - 2 * angle))
      #expect(abs(found - expected) < 2e-3, "\(shift): \(found), \(expected)")
    }
    // A climatological forecast: 0 within sampling error of its members.
    for members in [10, 50, 1000] {
      var sum = 0.0
      var squares = 0.0
      let trials = 200
      for trial in 0..<trials {
        let random = Philox(seed: 5, purpose: .test, UInt64(members), UInt64(trial))
        let draws = (0..<members).map { random.uniform(UInt64($0)) }
        let scores = try PointwiseScores(
          EnsembleValues(draws, members: members), truth: [0.5], climate: climate, threads: 1)
        let index = try #require(scores.extremes).index[0]
        sum += index
        squares += index * index
      }
      let mean = sum / Double(trials)
      let error = (squares / Double(trials) / Double(trials)).squareRoot()
      #expect(abs(mean) < 3 * error + 0.005, "\(members): \(mean) +- \(error)")
    }
  }
}
