import Basics
import Foundation
import Testing
import Verification

/// Smaller ensembles drawn in groups.
@Suite struct GroupDrawTests {
  static let (groups, members) = (6, 3)

  func sizes(
    _ values: [Double], members: Int, truth: Double, threshold: Double, sizes: [Int], group: GroupDraw?
  ) throws -> EnsembleSizes {
    var sums = EnsembleSizes(sizes: sizes, events: 1, group: group)
    try sums.add(
      EnsembleValues(values, members: members), truth: [truth], weights: [1],
      events: [.init(threshold: [threshold], isBelow: false)], bands: [0..<1])
    return sums
  }

  @Test func groupsOfOneAreMembers() throws {
    let values = Samples.normal(17, 1, seed: 2)
    let single = try sizes(values, members: 17, truth: 0.3, threshold: 0.5, sizes: [2, 5, 40], group: nil)
    let grouped = try sizes(
      values, members: 17, truth: 0.3, threshold: 0.5, sizes: [2, 5, 40],
      group: GroupDraw(name: "one", members: 1, control: nil))
    for (a, b) in [
      (single.outlier, grouped.outlier), (single.bestMemberError, grouped.bestMemberError),
      (single.gain, grouped.gain), (single.probabilityWidth(event: 0), grouped.probabilityWidth(event: 0)),
    ] {
      for (x, y) in zip(a, b) { #expect(Samples.nearlyEqual(x, y, 1e-12)) }
    }
  }

  /// A truth on members or between them is beyond none that are drawn, of whatever groups.
  @Test(arguments: [nil, GroupDraw(name: "pairs", members: 2, control: nil)])
  func tiesAreNotBeyond(_ group: GroupDraw?) throws {
    let dry = try sizes(
      [Double](repeating: 0, count: 6), members: 6, truth: 0, threshold: 1, sizes: [2, 6], group: group)
    #expect(dry.outlier == [0, 0])
    // Two of six on the truth, four above it: all drawn lie above, one pair after the other or one by one.
    let some = try sizes(
      [0, 0, 1, 2, 3, 4], members: 6, truth: 0, threshold: 9, sizes: [2, 4], group: group)
    let share = 2.0 / 3
    let expected = group == nil ? [pow(share, 2), pow(share, 4)] : [share, pow(share, 2)]
    #expect(zip(some.outlier, expected).allSatisfy { Samples.nearlyEqual($0, $1, 1e-12) })
  }

  /// A point without a threshold counts for everything but its event.
  @Test(arguments: [nil, GroupDraw(name: "pairs", members: 2, control: nil)])
  func pointsWithoutThresholdLeaveTheEvent(_ group: GroupDraw?) throws {
    let (members, points) = (8, 6)
    let values = Samples.normal(members * points, 1, seed: 41)
    let truth = Samples.normal(points, 1, seed: 42)
    let weights = (0..<points).map { 1 + Double($0) / 3 }
    func sums(_ threshold: [Double], _ chosen: [Int]) throws -> EnsembleSizes {
      var sums = EnsembleSizes(sizes: [2, 6], events: 2, group: group)
      let own = (0..<members).flatMap { member in chosen.map { values[member * points + $0] } }
      let events = [[Double](repeating: 0.1, count: points), threshold].map { threshold in
        CaseInput.Event(threshold: chosen.map { threshold[$0] }, isBelow: false)
      }
      try sums.add(
        EnsembleValues(own, members: members), truth: chosen.map { truth[$0] },
        weights: chosen.map { weights[$0] }, events: events, bands: [0..<chosen.count])
      return sums
    }
    let half = (0..<points).map { $0 % 2 == 0 ? 0.2 : .nan }
    let (all, even) = try (sums(half, Array(0..<points)), sums(half, [0, 2, 4]))
    let plain = try sums([Double](repeating: 0.2, count: points), Array(0..<points))
    #expect(all.probabilityWidth(event: 1) == even.probabilityWidth(event: 1))
    #expect(all.probabilityWidth(event: 0) == plain.probabilityWidth(event: 0))
    #expect(all.outlier == plain.outlier && all.bestMemberError == plain.bestMemberError)
    let none = try sums([Double](repeating: .nan, count: points), Array(0..<points))
    #expect(none.probabilityWidth(event: 1).allSatisfy(\.isNaN) && none.gain == plain.gain)
  }

  /// Pairs of twins count as half as many members.
  @Test func twinsCountOnce() throws {
    let own = Samples.normal(9, 1, seed: 21)
    let twins = own.flatMap { [$0, $0] }
    let single = try sizes(own, members: 9, truth: -0.2, threshold: 0.1, sizes: [3, 4], group: nil)
    let pairs = try sizes(
      [99] + twins, members: 19, truth: -0.2, threshold: 0.1, sizes: [6, 8],
      group: GroupDraw(name: "pairs", members: 2, control: 0))
    #expect(zip(single.outlier, pairs.outlier).allSatisfy { Samples.nearlyEqual($0, $1, 1e-12) })
    #expect(zip(single.gain, pairs.gain).allSatisfy { Samples.nearlyEqual($0, $1, 1e-12) })
    #expect(
      zip(single.bestMemberError, pairs.bestMemberError).allSatisfy { Samples.nearlyEqual($0, $1, 1e-12) })
    let widths = (single.probabilityWidth(event: 0), pairs.probabilityWidth(event: 0))
    #expect(zip(widths.0, widths.1).allSatisfy { Samples.nearlyEqual($0, $1, 1e-12) })
  }

  /// Expectations against a hundred thousand draws.
  @Test func expectationsAreThoseOfDraws() throws {
    let (groups, members) = (Self.groups, Self.members)
    // Members of a group are alike.
    let shared = Samples.normal(groups, 1, seed: 31)
    let own = Samples.normal(groups * members, 1, seed: 32, deviation: 0.3)
    let values = own.indices.map { own[$0] + shared[$0 / members] }
    let (y, t, draws, k) = (0.35, 0.2, 100_000, 4)
    let found = try sizes(
      values, members: values.count, truth: y, threshold: t, sizes: [k * members],
      group: GroupDraw(name: "three", members: members, control: nil))
    let stream = Philox(seed: 33, purpose: .test)
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    var (outliers, best, most, probability, square) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for draw in 0..<draws {
      let drawn = (0..<k).flatMap { place -> ArraySlice<Double> in
        let group = stream.integer(below: groups, UInt64(draw * k + place))
        return values[group * members..<(group + 1) * members]
      }
      let (low, high) = (drawn.min() ?? 0, drawn.max() ?? 0)
      outliers += y < low || y > high ? 1 : 0
      best += drawn.map { ($0 - y) * ($0 - y) }.min() ?? 0
      most += (high - mean) / deviation
      let p = Double(drawn.count { $0 > t }) / Double(drawn.count)
      probability += p
      square += p * p
    }
    let n = Double(draws)
    let variance = square / n - probability / n * probability / n
    #expect(abs(found.outlier[0] - outliers / n) < 0.006)
    #expect(abs(found.bestMemberError[0] - (best / n).squareRoot()) < 0.006)
    #expect(abs(found.gain[0] - most / n) < 0.01)
    #expect(abs(found.probabilityWidth(event: 0)[0] - 2 * 1.96 * variance.squareRoot()) < 0.01)
    #expect((1000...99_000).contains(outliers))
  }

  @Test func whatPartsIntoGroups() {
    let pairs = GroupDraw(name: "pairs", members: 2, control: nil)
    #expect(pairs.divides(8) && !pairs.divides(7) && !pairs.divides(2))
    #expect(GroupDraw(name: "pairs", members: 2, control: 0).divides(9))
  }
}
