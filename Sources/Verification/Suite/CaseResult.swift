/// What one case gives: sums by region and counts.
public struct CaseResult: Sendable {
  /// Sums of weight x value and of weight, [region][field]: the fields are every `PointScore`, the extreme forecast
  /// index and shifts of the upper and the lower tail, then every `EventScore` of each event.
  public internal(set) var sums: [[SIMD2<Double>]]
  /// Ranks of the truth, [region].
  public internal(set) var ranks: [RankHistogram]
  /// [region][event]
  public internal(set) var events: [[EventCounts]]
  /// [region][event]: how the extreme forecast index tells events; nothing without a climate.
  public internal(set) var indices: [[IndexCounts]]
  /// [region]; empty where the CRPS was not taken apart.
  public internal(set) var decomposition: [CRPSDecomposition]
  /// [region]
  public internal(set) var spreadBins: [SpreadBins]
  /// Points without a complete set of values.
  public internal(set) var missing = 0

  init(regions: Int, fields: Int, events: Int, members: Int, decomposes: Bool) {
    sums = .init(repeating: .init(repeating: .zero, count: fields), count: regions)
    ranks = .init(repeating: RankHistogram(members: members), count: regions)
    self.events = .init(
      repeating: .init(repeating: EventCounts(members: members), count: events), count: regions)
    indices = .init(repeating: .init(repeating: IndexCounts(), count: events), count: regions)
    decomposition = .init(repeating: CRPSDecomposition(members: members), count: decomposes ? regions : 0)
    spreadBins = .init(repeating: SpreadBins(), count: regions)
  }

  private func mean(_ region: Int, _ field: Int) -> Double {
    let sum = sums[region][field]
    return sum.y > 0 ? sum.x / sum.y : .nan
  }

  /// Area mean of a score; NaN where no point has a value.
  public func mean(_ score: PointScore, region: Int) -> Double { mean(region, score.index) }

  /// Area means of extreme forecast index, shift of the upper and of the lower tail.
  public func extremes(region: Int) -> [Double] {
    (0..<3).map { mean(region, PointScore.allCases.count + $0) }
  }

  /// Area mean of a score of an event.
  public func mean(_ score: EventScore, event: Int, region: Int) -> Double {
    let place = EventScore.allCases.firstIndex(of: score) ?? 0
    return mean(region, PointScore.allCases.count + 3 + event * EventScore.allCases.count + place)
  }
}

/// A field that maps can be kept of: a `PointScore`, or an index against the climate.
public struct MapScore: Sendable, Hashable {
  /// Its name in files.
  public let name: String
  /// Whether a root is taken after the mean over dates.
  public let isRootOfMean: Bool
  /// Whether it is a number without unit.
  public let isPure: Bool
  /// Place among the fields of a point.
  let field: Int

  /// All there are: every score but those that only serve others, `efi`, `sot90` and `sot10`.
  public static let all: [MapScore] =
    PointScore.allCases.filter { !$0.isInternal }.map {
      MapScore(name: $0.rawValue, isRootOfMean: $0.isRootOfMean, isPure: $0.isPure, field: $0.index)
    }
    + ["efi", "sot90", "sot10"].enumerated().map {
      MapScore(name: $1, isRootOfMean: false, isPure: true, field: PointScore.allCases.count + $0)
    }

  /// The one of a name; nil where there is none.
  public static func named(_ name: String) -> MapScore? { all.first { $0.name == name } }
}

/// Fields that are kept of every point, summed over dates.
public struct ScoreMaps: Sendable {
  /// What is kept.
  public let scores: [MapScore]
  /// Sums over dates, [score][point].
  public internal(set) var sums: [[Double]]
  /// Numbers of dates, [score][point].
  public internal(set) var counts: [[Int32]]

  /// Empty maps.
  public init(_ scores: [MapScore], points: Int) {
    self.scores = scores
    sums = scores.map { _ in [Double](repeating: 0, count: points) }
    counts = scores.map { _ in [Int32](repeating: 0, count: points) }
  }

  /// Maps whose sums were kept.
  public init(_ scores: [MapScore], sums: [[Double]], counts: [[Int32]]) {
    self.scores = scores
    self.sums = sums
    self.counts = counts
  }

  /// Adds maps of the same scores.
  public mutating func add(_ other: ScoreMaps) {
    precondition(scores == other.scores)
    for score in scores.indices {
      for point in sums[score].indices {
        sums[score][point] += other.sums[score][point]
        counts[score][point] += other.counts[score][point]
      }
    }
  }

  /// The mean over dates, roots taken; NaN where there was no date.
  public func mean(_ place: Int) -> [Double] {
    let isRoot = scores[place].isRootOfMean
    return zip(sums[place], counts[place]).map { sum, count in
      guard count > 0 else { return .nan }
      let mean = sum / Double(count)
      return isRoot ? mean.squareRoot() : mean
    }
  }
}
