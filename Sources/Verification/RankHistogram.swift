/// How often the truth had each rank among the members (Hamill 2001): M + 1 counts, unweighted; flat for an
/// ensemble that cannot be told from the truth.
public struct RankHistogram: Sendable, Hashable, Codable {
  /// Counts of ranks 0 (truth below all members) ... M.
  public private(set) var counts: [Int]

  /// An empty histogram for so many members.
  public init(members: Int) { counts = [Int](repeating: 0, count: members + 1) }

  /// The histogram of `ranks` [point]; negative ones (missing) are left out.
  public init(members: Int, ranks: [Int32]) {
    self.init(members: members)
    for rank in ranks where rank >= 0 { counts[Int(rank)] += 1 }
  }

  /// Adds to the count of one rank, 0...M.
  public mutating func add(_ count: Int, rank: Int) { counts[rank] += count }

  /// Adds another histogram of as many members.
  public mutating func add(_ other: RankHistogram) {
    precondition(counts.count == other.counts.count)
    for i in counts.indices { counts[i] += other.counts[i] }
  }
}
