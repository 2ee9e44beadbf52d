/// What one case gives: means by region, counts, and the fields themselves.
public struct CaseResult: Sendable {
  /// Area means, [region][PointScore]; NaN where no point had a value.
  public var means: [[Double]]
  /// Area means, [region][event][EventScore].
  public var eventMeans: [[[Double]]]
  /// Area means of extreme forecast index and shifts of tails: EFI, SOT 90, SOT 10, [region][3]; empty without climate.
  public var extremes: [[Double]]
  /// Ranks of the truth, [region].
  public var ranks: [RankHistogram]
  /// [region][event]
  public var events: [[EventCounts]]
  /// [region]
  public var decomposition: [CRPSDecomposition]
  /// [region]
  public var spreadBins: [SpreadBins]
  /// Points without a complete set of values.
  public var missing: Int
}

/// Fields that are kept of every point, summed over dates.
public struct ScoreMaps: Sendable {
  /// What is kept.
  public let scores: [PointScore]
  /// Sums and numbers of dates, [score][point].
  public internal(set) var sums: [[Double]]
  public internal(set) var counts: [[Int32]]

  /// Empty maps.
  public init(_ scores: [PointScore], points: Int) {
    self.scores = scores
    sums = scores.map { _ in [Double](repeating: 0, count: points) }
    counts = scores.map { _ in [Int32](repeating: 0, count: points) }
  }

  /// Maps whose sums were kept.
  public init(_ scores: [PointScore], sums: [[Double]], counts: [[Int32]]) {
    self.scores = scores
    self.sums = sums
    self.counts = counts
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
