import Basics
import Ensembles
import Foundation
import Testing

@Suite struct StreamingStatisticsTests {
  let members = (0..<7).map { member in
    Philox(seed: 3, purpose: .test, UInt64(member)).normals(50).map { Float(5500 * 9.8 + $0) }
  }

  @Test func agreeWithTheDefinitions() {
    var statistics = StreamingStatistics(count: 50)
    for member in members { statistics.add(member) }
    for i in 0..<50 {
      let values = members.map { Double($0[i]) }
      let mean = values.reduce(0, +) / 7
      let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 6
      #expect(abs(Double(statistics.mean[i]) - mean) < 4e-3)  // half a unit in the last place of Float
      #expect(abs(Double(statistics.spread[i]) / variance.squareRoot() - 1) < 1e-6)
      #expect(Double(statistics.minimum[i]) == values.min())
      #expect(Double(statistics.maximum[i]) == values.max())
    }
  }

  @Test func mergedPartsEqualTheWhole() {
    var whole = StreamingStatistics(count: 50)
    for member in members { whole.add(member) }
    var (first, second) = (StreamingStatistics(count: 50), StreamingStatistics(count: 50))
    for member in members[..<3] { first.add(member) }
    for member in members[3...] { second.add(member) }
    first.merge(second)
    first.merge(StreamingStatistics(count: 50))
    #expect(first.members == 7)
    for i in 0..<50 {
      #expect(abs(first.mean[i] - whole.mean[i]) < 4e-3)
      #expect(abs(first.spread[i] / whole.spread[i] - 1) < 1e-6)
    }
    #expect(first.minimum == whole.minimum && first.maximum == whole.maximum)
  }

  @Test func oneMemberHasNoSpread() {
    var statistics = StreamingStatistics(count: 50)
    statistics.add(members[0])
    #expect(statistics.spread.allSatisfy { $0 == 0 })
    #expect(statistics.mean == members[0])
  }
}
