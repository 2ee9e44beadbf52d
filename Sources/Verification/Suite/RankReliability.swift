extension RankHistogram {
  /// How far from flat the histogram is (Candille and Talagrand 2005): sum over ranks of (s_k - n/(M + 1))^2, over
  /// its expectation n M/(M + 1). 1 on average for a reliable ensemble with independent cases; points and dates
  /// that are alike make it larger. NaN without counts.
  public var unreliability: Double { Self.unreliability(counts.map(Double.init)) }

  /// The same of counts by rank or by class of ranks.
  static func unreliability(_ counts: [Double]) -> Double {
    let n = counts.reduce(0, +)
    let ranks = Double(counts.count)
    let expected = n / ranks
    let sum = counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) }
    return n > 0 ? sum / (n * (ranks - 1) / ranks) : .nan
  }

  /// The histogram with neighbouring ranks added up, in at most `classes` classes: class of rank k is
  /// k classes / (M + 1).
  public func coarsened(classes: Int) -> [Int] { Self.coarsened(counts, classes: classes) }

  /// The same of counts by rank or by class of ranks.
  public static func coarsened(_ counts: [Int], classes: Int) -> [Int] {
    guard counts.count > classes else { return counts }
    var result = [Int](repeating: 0, count: classes)
    for (rank, count) in counts.enumerated() { result[rank * classes / counts.count] += count }
    return result
  }
}
