import Basics
import Fields
import Foundation
import Testing
import Verification

@Suite struct HindcastScoreTests {
  let weights = AreaWeights(latitudes: [45, 0, -45], columns: 8)

  func scores(_ date: UInt64, members: Int = 5, error: Double = 1) throws -> CaseScores {
    let truth = Samples.normal(1, 24, seed: 100 + date)
    let noise = Samples.normal(members, 24, seed: 200 + date, deviation: error)
    let ensemble = EnsembleValues(
      noise.enumerated().map { $1 + truth[$0 % 24] }, members: members)
    let climate = EnsembleValues(Samples.normal(40, 24, seed: 7), members: 40)
    return try CaseScores(
      ensemble, truth: truth, weights: weights, control: 0,
      persistence: Samples.normal(1, 24, seed: 300 + date), climate: try climate.sorted(),
      threshold: .init(repeating: 0.5, count: 24))
  }

  func hindcast(_ dates: [UInt64], error: Double = 1) throws -> HindcastScores {
    var hindcast = HindcastScores()
    for date in dates {
      try hindcast.add(
        scores(date, error: error), initial: Instant(year: 2026, month: 2, day: 1 + Int(date)),
        variable: "msl", leadHours: 24)
    }
    return hindcast
  }

  @Test func rootsComeAfterMeansOverDates() throws {
    let dates: [UInt64] = Array(0..<10)
    let hindcast = try hindcast(dates)
    let summary = try #require(hindcast.summaries.first)
    let cases = try dates.map { try scores($0) }
    func mean(_ value: (CaseScores) -> Double) -> Double { cases.reduce(0) { $0 + value($1) } / 10 }
    #expect(summary.dateCount == 10)
    #expect(Samples.nearlyEqual(try #require(summary[.rmseMean]), mean(\.meanSquareError).squareRoot()))
    #expect(Samples.nearlyEqual(try #require(summary[.spread]), mean(\.variance).squareRoot()))
    #expect(Samples.nearlyEqual(try #require(summary[.crpsFair]), mean(\.crpsFair)))
    #expect(
      Samples.nearlyEqual(
        try #require(summary[.rmseControl]), mean { $0.control?.meanSquareError ?? .nan }.squareRoot()))
    #expect(
      Samples.nearlyEqual(
        summary.spreadSkillRatio,
        (6.0 / 5).squareRoot() * (mean(\.variance) / mean(\.meanSquareError)).squareRoot()))
    #expect(summary.rankHistogram.counts.reduce(0, +) == 240)
    #expect(Set(summary.scores.keys) == Set(HindcastScore.allCases.map(\.rawValue)))
    let area = try #require(summary.rocArea)
    #expect(area > 0.5 && area < 1)
    // The climate sample is a forecast like any other; its mean is near 0, the truth standard normal.
    let climatology = try #require(summary[.rmseClimatology])
    #expect(abs(climatology - 1) < 0.2)
    #expect(abs(try #require(summary[.crpsClimatology]) - 1 / Double.pi.squareRoot()) < 0.1)
  }

  @Test func orderOfAddingAndMergingDoNotMatter() throws {
    let forward = try hindcast(Array(0..<6))
    let backward = try hindcast((0..<6).reversed())
    var merged = try hindcast([4, 1])
    try merged.merge(try hindcast([5, 0, 3, 2]))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = try encoder.encode(forward.summaries)
    #expect(try encoder.encode(backward.summaries) == text)
    #expect(try encoder.encode(merged.summaries) == text)
    let decoded = try JSONDecoder().decode(HindcastScores.self, from: JSONEncoder().encode(forward))
    #expect(try encoder.encode(decoded.summaries) == text)
  }

  @Test func otherEnsembleSizesAreRefused() throws {
    var hindcast = try hindcast([0])
    let other = try scores(1, members: 4)
    #expect(throws: ApusError.self) {
      try hindcast.add(other, initial: Instant(year: 2026, month: 3, day: 1), variable: "msl", leadHours: 24)
    }
  }

  @Test func clearDifferencesAreSignificantAndNoneAreNot() throws {
    let good = try hindcast(Array(0..<20), error: 0.5)
    let poor = try hindcast(Array(0..<20), error: 1.5)
    let place = HindcastScores.Place("msl", leadHours: 24)
    let clear = try good.compare(.rmseMean, with: poor, at: place)
    #expect(clear.difference < 0 && clear.upper < 0 && clear.isSignificant && clear.pValue < 0.001)
    let same = try good.compare(.crps, with: good, at: place)
    #expect(same.difference == 0 && same.lower == 0 && same.upper == 0 && same.pValue == 1)
    let against = try good.compare(.rmseMean, with: .rmsePersistence, at: place)
    #expect(against.difference < 0 && against.isSignificant)
    #expect(throws: ApusError.self) { try good.compare(.rmseMean, with: .crps, at: place) }
    #expect(throws: ApusError.self) {
      try good.compare(.crps, with: poor, at: .init("msl", leadHours: 48))
    }
  }
}

@Suite struct PairedBlockBootstrapTests {
  @Test func repeatsToTheBitOnAnyThreads() throws {
    let (a, b) = (Samples.normal(1, 30, seed: 1), Samples.normal(1, 30, seed: 2))
    let one = try PairedBlockBootstrap(a, minus: b, resamples: 2000, seed: 5, threads: 1)
    #expect(try PairedBlockBootstrap(a, minus: b, resamples: 2000, seed: 5, threads: 3) == one)
    #expect(try PairedBlockBootstrap(a, minus: b, resamples: 2000, seed: 6) != one)
    #expect(one.blockLength == 4 && one.dateCount == 30)
    #expect(one.lower <= one.difference && one.difference <= one.upper)
  }

  @Test func intervalHasTheWidthOfTheTheory() throws {
    // Independent dates, blocks of one: the bootstrap's deviation is the sample's over sqrt n.
    let n = 400
    let a = Samples.normal(1, n, seed: 3, mean: 0.2)
    let result = try PairedBlockBootstrap(
      a, minus: .init(repeating: 0, count: n), blockLength: 1, resamples: 20_000)
    let mean = a.reduce(0, +) / Double(n)
    let deviation = (a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)).squareRoot()
    #expect(Samples.nearlyEqual(result.difference, mean))
    #expect(abs((result.upper - result.lower) / (2 * 1.96 * deviation / Double(n).squareRoot()) - 1) < 0.04)
  }

  @Test func blocksWidenTheIntervalOfPersistentSeries() throws {
    // First-order autoregression with 0.8: the mean's variance is (1 + 0.8) / (1 - 0.8) = 9 times larger.
    let noise = Samples.normal(1, 2000, seed: 9)
    var series = [0.0]
    for e in noise { series.append(0.8 * (series.last ?? 0) + e) }
    let zero = [Double](repeating: 0, count: series.count)
    let single = try PairedBlockBootstrap(series, minus: zero, blockLength: 1, resamples: 4000)
    let blocks = try PairedBlockBootstrap(series, minus: zero, blockLength: 40, resamples: 4000)
    let ratio = (blocks.upper - blocks.lower) / (single.upper - single.lower)
    #expect(ratio > 2.3 && ratio < 3.4)
  }

  @Test func falseAlarmsAreAsRareAsStated() throws {
    // Two forecasts of equal skill, 200 times: the 95 % interval misses 0 about 10 times.
    var misses = 0
    var small = 0
    for trial in 0..<200 {
      let a = Samples.normal(1, 60, seed: 1000 + UInt64(trial))
      let b = Samples.normal(1, 60, seed: 5000 + UInt64(trial))
      let result = try PairedBlockBootstrap(a, minus: b, blockLength: 2, resamples: 500)
      if result.isSignificant { misses += 1 }
      if result.pValue < 0.05 { small += 1 }
    }
    #expect(misses >= 2 && misses <= 24)
    #expect(abs(misses - small) <= 6)
  }

  @Test func rootsAreTakenAfterMeans() throws {
    let a = Samples.normal(1, 25, seed: 11).map { $0 * $0 }
    let b = Samples.normal(1, 25, seed: 12).map { $0 * $0 }
    let result = try PairedBlockBootstrap(a, minus: b, rootsOfMeans: true, resamples: 100)
    let expected = (a.reduce(0, +) / 25).squareRoot() - (b.reduce(0, +) / 25).squareRoot()
    #expect(Samples.nearlyEqual(result.difference, expected))
  }

  @Test func sumsOfRowsCompareAsMeansDo() throws {
    // Whole numbers, which single precision holds: the mean as a score of sums is the mean.
    let a = Samples.normal(1, 25, seed: 13).map { ($0 * 100).rounded() }
    let b = Samples.normal(1, 25, seed: 14).map { ($0 * 100).rounded() }
    let means = try PairedBlockBootstrap(a, minus: b, resamples: 200)
    let sums = try #require(
      try PairedBlockBootstrap(
        rows: a.map { [Float($0), 1] }, minus: b.map { [2, Float($0), 1] }, resamples: 200,
        scores: ({ $0[0] / $0[1] }, { $0[1] / $0[2] })))
    #expect(sums == means)
    // A score that no draw has.
    #expect(
      try PairedBlockBootstrap(
        rows: [[1], [2]], minus: [[1], [2]], scores: ({ _ in .nan }, { $0[0] })) == nil)
  }

  /// Few dates prove nothing: with n different blocks p is 2^(1 - n) at least, and one block has no interval.
  @Test func fewDatesProveNothing() throws {
    for (dates, block, least) in [(2, 1, 0.5), (3, 1, 0.25), (4, 2, 0.25), (5, 2, 0.125), (6, 2, 0.0625)] {
      let alike = try PairedBlockBootstrap(
        [Double](repeating: 1, count: dates), minus: [Double](repeating: 2, count: dates), resamples: 200)
      #expect(alike.blockLength == block && alike.pValue == least && !alike.isSignificant)
      #expect(alike.lower == -1 && alike.upper == -1)
    }
    let whole = try PairedBlockBootstrap([1, 2, 3], minus: [3, 4, 6], blockLength: 3, resamples: 200)
    #expect(whole.lower.isNaN && whole.upper.isNaN && whole.pValue == 1 && !whole.isSignificant)
    #expect(BlockBootstrap(dates: 5, blockLength: 9).interval([[1, 2, 3, 4, 5]]) { $0[0] }.lower.isNaN)
    // The cube root of a cube is whole.
    for root in [3, 6, 9, 12] {
      let count = root * root * root
      let found = try PairedBlockBootstrap(
        [Double](repeating: 1, count: count), minus: [Double](repeating: 2, count: count), resamples: 2)
      #expect(found.blockLength == root)
    }
  }

  @Test func tooLittleOrBrokenIsRefused() {
    #expect(throws: ApusError.self) { try PairedBlockBootstrap([1], minus: [2]) }
    #expect(throws: ApusError.self) { try PairedBlockBootstrap([1, 2], minus: [2]) }
    #expect(throws: ApusError.self) { try PairedBlockBootstrap([1, .nan], minus: [2, 3]) }
  }
}
