import Basics
import Foundation
import Testing
import Verification

/// What a climate's quantiles say by themselves.
@Suite struct ClimateAsForecastTests {
  @Test func theCRPSOfAUniformClimateIsItsClosedForm() throws {
    // Order statistics 0, 0.001 ... 1: F(x) = x to the last level.
    let sample = EnsembleValues((0...1000).map { Double($0) / 1000 }, members: 1001)
    let climate = try ClimateQuantiles(sample)
    for y in [-0.5, 0, 0.003, 0.25, 0.5, 0.777, 1, 2] {
      // Integral of (x - 1{x >= y})^2 over [0, 1] and what lies outside.
      let inside = min(1, max(0, y))
      // Half the mean distance of two draws is 1/6, of which a fair score takes a thousandth away.
      let exact = inside * inside - inside + 1.0 / 3 + abs(y - inside) - 1.0 / 6000
      #expect(Samples.nearlyEqual(climate.crps([y])[0], exact, 1e-12), "\(y)")
    }
  }

  @Test(arguments: [30, 300, 3000]) func theCRPSOfQuantilesIsTheSamplesTo(states: Int) throws {
    let values = Samples.normal(states, 40, seed: 5, mean: 280, deviation: 3)
    let sample = EnsembleValues(values, members: states)
    let truth = Samples.normal(1, 40, seed: 6, mean: 281, deviation: 4)
    let own = try ClimateQuantiles(sample).crps(truth)
    let fair = try PointwiseScores(sample, truth: truth).crpsFair
    let differences = zip(own, fair).map { $0 - $1 }
    for d in differences { #expect(abs(d) < 12 / Double(states) + 0.006, "\(d)") }
    let mean = differences.reduce(0, +) / 40
    #expect(abs(mean) < 1 / Double(states) + 0.0005, "\(mean)")
    #expect(try ClimateQuantiles(sample).crps([Double](repeating: .nan, count: 40)).allSatisfy(\.isNaN))
  }

  @Test func levelsAreTheInverseOfQuantiles() throws {
    let climate = try ClimateQuantiles(EnsembleValues(Samples.normal(500, 3, seed: 9), members: 500))
    for (place, level) in ClimateQuantiles.levels.enumerated() {
      let found = climate.level(of: climate.quantile(place: place))
      #expect(found.allSatisfy { abs($0 - level) < 1e-12 }, "\(level): \(found)")
    }
    #expect(climate.level(of: [-99, 99, .nan])[..<2] == [0, 1])
    #expect(climate.level(of: [-99, 99, .nan])[2].isNaN)
    // Places of percentages that are kept, and of those that are not.
    #expect(ClimateQuantiles.place(percent: 99.9).map { ClimateQuantiles.levels[$0] } == 0.999)
    #expect(ClimateQuantiles.place(percent: 99.5) == nil)
  }

  /// The definition, as the scripts of HENS take it.
  @Test func theIndexOfHENSIsTheTrapezoidalRuleOnItsLevels() throws {
    let sample = EnsembleValues(Samples.normal(800, 6, seed: 3), members: 800)
    let climate = try ClimateQuantiles(sample)
    let members = Samples.normal(20, 6, seed: 4, mean: 0.4, deviation: 0.8)
    let truth = [Double](repeating: 0, count: 6)
    let levels =
      [0.0001, 0.001] + stride(from: 1, through: 99, by: 2).map { Double($0) / 100 } + [0.999, 0.9999]
    #expect(levels.count == 54)
    let pass = ScorePass(regions: [Self.everywhere(6)], rows: 1, columns: 6)
    var input = CaseInput(
      ensemble: EnsembleValues(members, members: 20), truth: truth, ties: .init(seed: 0, purpose: .tieBreak))
    input.climate = climate
    input.extremeForecastIndex = .hens
    var maps: ScoreMaps? = ScoreMaps([try #require(MapScore.named("efi"))], points: 6)
    _ = try pass.run(input, maps: &maps)
    let found = try #require(maps).mean(0)
    for point in 0..<6 {
      let own = Samples.column(members, point, points: 6)
      let terms = try levels.map { p -> Double in
        let bound = climate.quantile(place: try #require(ClimateQuantiles.place(percent: 100 * p)))[point]
        let fraction = Double(own.count { $0 <= bound }) / 20
        return (p - fraction) / (p * (1 - p)).squareRoot()
      }
      var integral = 0.0
      for k in 1..<levels.count {
        integral += (levels[k] - levels[k - 1]) * (terms[k] + terms[k - 1]) / 2
      }
      #expect(Samples.nearlyEqual(found[point], 2 / .pi * integral, 1e-12))
    }
  }

  @Test func levelsThatTheIndexReachesAreCounted() throws {
    let points = 64
    let climate = try ClimateQuantiles(EnsembleValues(Samples.normal(300, points, seed: 13), members: 300))
    let members = EnsembleValues(Samples.normal(15, points, seed: 14, deviation: 1.5), members: 15)
    let truth = Samples.normal(1, points, seed: 15, deviation: 1.5)
    let regions = [
      Self.everywhere(points),
      Region("none of it", latitudes: [0], longitudes: (0..<points).map { Double($0) }) { _, _ in false },
    ]
    let pass = ScorePass(regions: regions, rows: 4, columns: 16)
    var input = CaseInput(ensemble: members, truth: truth, ties: .init(seed: 0, purpose: .tieBreak))
    input.climate = climate
    let (high, low) = (climate.quantile(percent: 80), climate.quantile(percent: 20))
    input.events = [.init(threshold: high, isBelow: false), .init(threshold: low, isBelow: true)]
    var none: ScoreMaps?
    let result = try pass.run(input, maps: &none)
    let index = try #require(PointwiseScores(members, truth: truth, climate: climate).extremes).index
    for (event, sign) in [(0, 1.0), (1, -1.0)] {
      var expected = IndexCounts()
      for point in 0..<points {
        let came = event == 0 ? truth[point] > high[point] : truth[point] < low[point]
        let reached = max(0, Int((sign * index[point] * 10).rounded(.down)))
        if came { expected.events[reached] += 1 } else { expected.nonEvents[reached] += 1 }
      }
      #expect(result.indices[0][event] == expected)
      #expect(expected.events.reduce(0, +) > 5)
      // The curve ends where everything is called, and the index knows more than nothing here only by luck.
      let curve = result.indices[0][event].curve
      #expect(curve.count == 12 && curve[11].hitRate == 1 && curve[11].falseAlarmRate == 1)
    }
    #expect(result.indices[1] == [IndexCounts(), IndexCounts()])
  }

  static func everywhere(_ points: Int) -> Region {
    Region("all", latitudes: [0], longitudes: (0..<points).map { Double($0) }) { _, _ in true }
  }
}
