import Basics
import Foundation
import Kernels
import Testing
import Verification

@Suite struct ScorePassTests {
  static let (rows, columns) = (7, 11)
  static let latitudes = (0..<rows).map { 80 - 160 * Double($0) / Double(rows - 1) }
  static let longitudes = (0..<columns).map { 360 * Double($0) / Double(columns) }
  static var points: Int { rows * columns }
  static let regions = [
    Region("global", latitudes: latitudes, longitudes: longitudes) { _, _ in true },
    Region("tropics", latitudes: latitudes, longitudes: longitudes) { latitude, _ in abs(latitude) <= 30 },
  ]

  static func input(_ members: Int, seed: UInt64 = 5, isSingle: Bool = true) -> CaseInput {
    let values = Samples.normal(members, points, seed: seed, mean: 280, deviation: 3)
    let truth = Samples.normal(1, points, seed: seed + 1, mean: 280, deviation: 3).map { Double(Float($0)) }
    var input = CaseInput(
      ensemble: isSingle
        ? EnsembleValues(values.map(Float.init), members: members) : EnsembleValues(values, members: members),
      truth: truth, ties: Philox(seed: 3, purpose: .tieBreak))
    input.control = members - 1
    input.persistence = Samples.normal(1, points, seed: seed + 2, mean: 280, deviation: 4)
    input.climateMean = Samples.normal(1, points, seed: seed + 3, mean: 280, deviation: 1)
    input.events = [
      .init(threshold: Samples.normal(1, points, seed: seed + 4, mean: 282, deviation: 1), isBelow: false),
      .init(threshold: [Double](repeating: 277, count: points), isBelow: true),
      .init(threshold: [Double](repeating: 400, count: points), isBelow: false),
    ]
    return input
  }

  static func mean(_ region: Int, _ value: (Int) -> Double) -> Double {
    var (sum, weight) = (0.0, 0.0)
    for point in 0..<points where regions[region].weights[point] > 0 {
      let x = value(point)
      if !x.isNaN {
        sum += regions[region].weights[point] * x
        weight += regions[region].weights[point]
      }
    }
    return weight > 0 ? sum / weight : .nan
  }

  /// A truth on one of the members is beyond none; where the climate has no value the CRPS beside it has none either; points
  /// that are missing are told by `pointsScored`, whichever they are.
  @Test func tiesClimateAndMissingPoints() throws {
    let (members, points) = (4, Self.points)
    let pass = ScorePass(
      regions: Self.regions, rows: Self.rows, columns: Self.columns, alpha: 0.9, threads: 1)
    func score(_ change: (inout CaseInput) -> Void) throws -> CaseResult {
      var input = Self.input(members)
      change(&input)
      var none: ScoreMaps?
      return try pass.run(input, maps: &none)
    }
    let dry = try score {
      $0 = CaseInput(
        ensemble: EnsembleValues([Float](repeating: 0, count: members * points), members: members),
        truth: [Double](repeating: 0, count: points), ties: Philox(seed: 3, purpose: .tieBreak))
    }
    #expect(dry.mean(.outlier, region: 0) == 0)
    let climate = Samples.normal(1, points, seed: 9, mean: 2, deviation: 0.1)
    let all = try score { $0.climateCRPS = climate }
    #expect(all.mean(.crpsFairBesideClimate, region: 0) == all.mean(.crpsFair, region: 0))
    let half = try score {
      $0.climateCRPS = climate.indices.map { $0 < points / 2 ? .nan : climate[$0] }
    }
    let input = Self.input(members)
    let expected = Self.mean(0) { point in
      point < points / 2
        ? .nan
        : Samples.kernelCRPS(
          (0..<members).map { input.ensemble[$0, point] }, input.truth[point], fairness: 1)
    }
    #expect(Samples.nearlyEqual(half.mean(.crpsFairBesideClimate, region: 0), expected, 1e-12))
    #expect(half.mean(.crpsFair, region: 0) == all.mean(.crpsFair, region: 0))
    // The tropics are the middle rows.
    let first = try score { $0.truth[0] = .nan }
    let second = try score { $0.truth[1] = .nan }
    #expect(first.mean(.pointsScored, region: 0) != all.mean(.pointsScored, region: 0))
    #expect(first.mean(.pointsScored, region: 0) != second.mean(.pointsScored, region: 0))
    #expect(first.mean(.pointsScored, region: 1) == all.mean(.pointsScored, region: 1))
  }

  /// Every score of every region from its definition, the long way.
  @Test(arguments: [1, 2, 3, 10, 51, 130], [true, false])
  func everyScoreIsItsDefinition(members: Int, isSingle: Bool) throws {
    let input = Self.input(members, isSingle: isSingle)
    let pass = ScorePass(
      regions: Self.regions, rows: Self.rows, columns: Self.columns, alpha: 0.9, threads: 1)
    var none: ScoreMaps?
    let result = try pass.run(input, maps: &none)
    let m = Double(members)
    func column(_ point: Int) -> [Double] { (0..<members).map { input.ensemble[$0, point] } }
    let c = try #require(input.climateMean)
    let persistence = try #require(input.persistence)
    func average(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    func squares(_ x: [Double]) -> Double { x.reduce(0) { $0 + ($1 - average(x)) * ($1 - average(x)) } }
    func definition(_ score: PointScore, _ point: Int) -> Double {
      let (x, y) = (column(point), input.truth[point])
      let mean = average(x)
      switch score {
      case .crps: return Samples.kernelCRPS(x, y)
      case .crpsFair: return members > 1 ? Samples.kernelCRPS(x, y, fairness: 1) : .nan
      case .crpsAlmostFair: return members > 1 ? Samples.kernelCRPS(x, y, fairness: 0.9) : .nan
      case .meanSquareError: return (mean - y) * (mean - y)
      case .meanAbsoluteError: return abs(mean - y)
      case .bias: return mean - y
      case .variance: return members > 1 ? squares(x) / (m - 1) : .nan
      case .controlSquareError: return (x[members - 1] - y) * (x[members - 1] - y)
      case .controlAbsoluteError: return abs(x[members - 1] - y)
      case .persistenceSquareError: return (persistence[point] - y) * (persistence[point] - y)
      case .climatologySquareError, .truthAnomalySquare: return (c[point] - y) * (c[point] - y)
      case .climatologyCRPS: return .nan
      case .logScore:
        guard members > 1 else { return .nan }
        let variance = squares(x) / (m - 1)
        return -log(exp(-(y - mean) * (y - mean) / (2 * variance)) / (2 * .pi * variance).squareRoot())
      case .bestMemberSquareError: return x.map { ($0 - y) * ($0 - y) }.min() ?? .nan
      case .gain:
        guard members > 1 else { return .nan }
        return (x.map { abs($0 - mean) }.max() ?? .nan) / (squares(x) / m).squareRoot()
      case .outlier: return y < (x.min() ?? 0) || y > (x.max() ?? 0) ? 1 : 0
      case .anomalyProduct: return (mean - c[point]) * (y - c[point])
      case .forecastAnomalySquare: return (mean - c[point]) * (mean - c[point])
      case .crpsFairBesideClimate: return .nan
      case .pointsScored:
        let word = UInt64(point + 1) &* 0x9E37_79B9_7F4A_7C15
        return Double(word >> 11) / Double(UInt64(1) << 53)
      }
    }
    for region in Self.regions.indices {
      for score in PointScore.allCases {
        let expected = Self.mean(region) { definition(score, $0) }
        let found = result.mean(score, region: region)
        #expect(
          Samples.nearlyEqual(found, expected, 1e-10),
          "\(score) of \(Self.regions[region].name): \(found), \(expected)")
      }
      let ranks = RankHistogram(
        members: members,
        ranks: (0..<Self.points).filter { Self.regions[region].weights[$0] > 0 }.map { point in
          Int32(column(point).count { $0 < input.truth[point] })
        })
      #expect(result.ranks[region] == ranks)
      for (number, event) in input.events.enumerated() {
        let sign = event.isBelow ? -1.0 : 1
        func z(_ x: Double, _ point: Int) -> Double { sign * (x - event.threshold[point]) }
        func definition(_ score: EventScore, _ point: Int) -> Double {
          let (x, y) = (column(point).map { z($0, point) }, z(input.truth[point], point))
          let k = Double(x.count { $0 > 0 })
          let (p, o) = (k / m, y > 0 ? 1.0 : 0)
          switch score {
          case .twcrps: return Samples.kernelCRPS(x.map { max($0, 0) }, max(y, 0))
          case .twcrpsFair:
            return members > 1 ? Samples.kernelCRPS(x.map { max($0, 0) }, max(y, 0), fairness: 1) : .nan
          case .owcrps:
            guard y > 0 else { return .nan }
            let inside = x.filter { $0 > 0 }
            return inside.isEmpty ? abs((x.max() ?? 0) - y) : Samples.kernelCRPS(inside, y)
          case .twmaeControl: return abs(max(x[members - 1], 0) - max(y, 0))
          case .brier: return (p - o) * (p - o)
          case .brierFair: return members > 1 ? (p - o) * (p - o) - p * (1 - p) / (m - 1) : .nan
          case .logScore:
            let q = (k + 0.5) / (m + 1)
            return -log(o == 1 ? q : 1 - q)
          case .probability: return p
          case .frequency: return o
          }
        }
        for score in EventScore.allCases {
          let expected = Self.mean(region) { definition(score, $0) }
          let found = result.mean(score, event: number, region: region)
          #expect(
            Samples.nearlyEqual(found, expected, 1e-10), "\(score), event \(number): \(found), \(expected)")
        }
      }
      // Reliability and potential CRPS add up to the CRPS.
      let parts = result.decomposition[region].parts
      #expect(
        Samples.nearlyEqual(parts.reliability + parts.potential, result.mean(.crps, region: region), 1e-10))
      #expect(parts.reliability >= -1e-12 && parts.potential >= -1e-12)
    }
  }

  @Test func theBrierScoreIsTheSumOfItsParts() throws {
    let input = Self.input(20)
    let even = Region("even", latitudes: Self.latitudes, longitudes: Self.longitudes) { _, _ in true }
    let pass = ScorePass(regions: [even], rows: Self.rows, columns: Self.columns)
    var maps: ScoreMaps? = ScoreMaps(["crps", "rmse_mean"].compactMap(MapScore.named), points: Self.points)
    let counts = try pass.run(input, maps: &maps).events[0][0]
    let (reliability, resolution, uncertainty) = counts.brierDecomposition
    var brier = 0.0
    for point in 0..<Self.points {
      let p = Double((0..<20).count { input.ensemble[$0, point] > input.events[0].threshold[point] }) / 20
      let o = input.truth[point] > input.events[0].threshold[point] ? 1.0 : 0
      brier += (p - o) * (p - o) / Double(Self.points)
    }
    #expect(Samples.nearlyEqual(reliability - resolution + uncertainty, brier))
    #expect(counts.total == Self.points)
    let map = try #require(maps).mean(0)
    for point in 0..<Self.points {
      let x = (0..<20).map { input.ensemble[$0, point] }
      #expect(Samples.nearlyEqual(map[point], Samples.kernelCRPS(x, input.truth[point])))
    }
  }

  @Test func threadsDoNotMatterAndMissingValuesAreLeftOut() throws {
    var input = Self.input(13)
    input.truth[3] = .nan
    var values = (0..<13).flatMap { input.ensemble.member($0) }.map(Float.init)
    values[5 * Self.points + 20] = .nan
    input.ensemble = EnsembleValues(values, members: 13)
    var none: ScoreMaps?
    let results = try [1, 2, 3].map {
      try ScorePass(regions: Self.regions, rows: Self.rows, columns: Self.columns, threads: $0).run(
        input, maps: &none)
    }
    func bits(_ result: CaseResult) -> [[UInt64]] {
      result.sums.map { $0.flatMap { [$0.x.bitPattern, $0.y.bitPattern] } }
    }
    for result in results.dropFirst() {
      #expect(bits(result) == bits(results[0]))
      #expect(result.decomposition[0].alpha == results[0].decomposition[0].alpha)
    }
    // A few rows at a time.
    let pass = ScorePass(regions: Self.regions, rows: Self.rows, columns: Self.columns)
    var total: CaseResult?
    for range in [0..<2, 2..<3, 3..<7] {
      var part = input
      let rows = pass.rows(range)
      part.ensemble = EnsembleValues(
        members: (0..<13).map { member in
          input.ensemble.member(member)[rows.lowerBound * Self.columns..<rows.upperBound * Self.columns].map(
            Float.init)
        })
      total = try pass.run(part, bands: range, after: total, maps: &none)
    }
    #expect(total.map(bits) == bits(results[0]))
    #expect(total?.ranks == results[0].ranks && total?.events == results[0].events)
    #expect(results[0].missing == 2)
    #expect(results[0].ranks[0].counts.reduce(0, +) == Self.points - 2)
    let expected = Self.mean(0) { point in
      point == 3 || point == 20
        ? .nan : abs((0..<13).reduce(0) { $0 + input.ensemble[$1, point] } / 13 - input.truth[point])
    }
    #expect(Samples.nearlyEqual(results[0].mean(.meanAbsoluteError, region: 0), expected))
  }

  @Test(arguments: [1, 2, 7, 50, 64, 511, 512, 513, 1000, 2047, 5000])
  func columnsAreSorted(count: Int) {
    let draws = Philox(seed: UInt64(count), purpose: .test).normals(count * 16).map {
      Float(($0 * 8).rounded())
    }
    let rows = AlignedBuffer<SIMD16<Float>>(ColumnSort.room(count))
    for i in 0..<count { for lane in 0..<16 { rows.pointer[i][lane] = draws[i * 16 + lane] } }
    ColumnSort.sort(rows.pointer, count)
    for lane in 0..<16 {
      let expected = (0..<count).map { draws[$0 * 16 + lane] }.sorted()
      #expect((0..<count).map { rows.pointer[$0][lane] } == expected)
    }
  }
}
