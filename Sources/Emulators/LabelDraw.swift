import Basics

/// Which members of a hindcast are seeds and which one, or the truth, is to be drawn (SEEDS' two objectives,
/// spec/emulators.md 1.4).
public struct LabelDraw: Sendable {
  /// Numbers of seeds, one drawn at random a sample.
  public let seedCounts: [Int]
  /// Probability that the label is the truth: 0 for generative ensemble emulation, above 0 for generative
  /// post-processing.
  public let truthShare: Double
  /// Members that come in plus-minus pairs (1 and 2, 3 and 4...) are anti-correlated at short lead times: of a pair at
  /// most one is seed or label.
  public let keepsPairsApart: Bool

  /// Settings, one by one.
  public init(seedCounts: [Int], truthShare: Double, keepsPairsApart: Bool) {
    (self.seedCounts, self.truthShare) = (seedCounts, truthShare)
    self.keepsPairsApart = keepsPairsApart
  }

  /// Seeds by place, and the label's place or nil for the truth.
  func choose(_ members: [Int], _ stream: Philox, seeds fixed: Int? = nil) -> (seeds: [Int], label: Int?) {
    let count = fixed ?? seedCounts[stream.integer(below: seedCounts.count, 1 << 42)]
    var chosen: [Int] = []
    var used: Set<Int> = []
    // Numbers of this permutation are 1... members.count.
    for place in stream.permutation(members.count) {
      let pair = keepsPairsApart ? (members[place] + 1) / 2 : members[place]
      if used.insert(pair).inserted { chosen.append(place) }
      if chosen.count > count { break }
    }
    let isTruth = stream.uniform(1 << 42 + 1) < truthShare || chosen.count <= count
    return (Array(chosen.prefix(count)), isTruth ? nil : chosen[count])
  }
}
