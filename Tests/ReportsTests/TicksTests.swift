import Foundation
import Reports
import Testing

@Suite struct TicksTests {
  @Test(arguments: [
    (0.0, 1.0), (0, 7.3), (-3.2, 18.9), (95_800, 105_400), (1e-5, 9e-5), (-0.07, 0.02), (3, 3.0001),
    (-1e12, 1e11), (1e-200, 5e-200), (0, 0.3),
  ])
  func linearTicksAreRoundAndCoverTheRange(low: Double, high: Double) throws {
    let ticks = Ticks.linear(covering: low, high, target: 8)
    let (first, last) = (try #require(ticks.values.first), try #require(ticks.values.last))
    let slack = ticks.step * 1e-5
    #expect(first <= low + slack && last >= high - slack)
    // Not more than a step too wide, about as many as wanted.
    #expect(first > low - ticks.step * 1.001 && last < high + ticks.step * 1.001)
    #expect((4...18).contains(ticks.values.count))
    let mantissa = ticks.step / pow(10, log10(ticks.step * 1.0000001).rounded(.down))
    #expect([1, 2, 2.5, 5].contains { abs($0 - mantissa) < 1e-6 })
    for value in ticks.values {
      #expect(abs(value / ticks.step - (value / ticks.step).rounded()) < 1e-4)
    }
    #expect(Set(ticks.labels).count == ticks.labels.count)
  }

  @Test(arguments: [
    (5.0, 5.0), (0, 0), (.nan, 1), (-.infinity, .infinity), (1e308, -1e308), (7, 3),
    (.leastNonzeroMagnitude, .leastNormalMagnitude),
    (1e15, 1e15 + 0.125), (-4, -4),
  ])
  func degenerateRangesGiveUsableTicks(low: Double, high: Double) {
    for ticks in [Ticks.linear(covering: low, high, target: 6), .logarithmic(covering: low, high, target: 6)]
    {
      #expect(ticks.values.count >= 2)
      #expect(ticks.values.allSatisfy { $0.isFinite })
      for (a, b) in zip(ticks.values, ticks.values.dropFirst()) { #expect(a < b) }
    }
  }

  @Test func logarithmicTicksAreDecadesThatCoverTheRange() {
    #expect(Ticks.logarithmic(covering: 1, 1000, target: 8).values == [1, 10, 100, 1000])
    let wide = Ticks.logarithmic(covering: 3e-9, 4e7, target: 5)
    #expect(wide.values.count <= 6)
    #expect(wide.values[0] <= 3e-9)
    #expect(
      Ticks.logarithmic(covering: 1e-5, 10, target: 8).labels == [
        "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "0.1", "1", "10",
      ])
  }

  @Test func labelsHaveTheDecimalsTheyNeed() {
    #expect(Ticks.linear(covering: 0, 1, target: 5).labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(Ticks.linear(covering: -20, 20, target: 4).labels == ["−20", "−10", "0", "10", "20"])
    let vorticity = Ticks.linear(covering: 0, 8e-5, target: 4)
    #expect(vorticity.labels == ["0", "20", "40", "60", "80"])
    #expect(vorticity.exponentPrefix == "×10⁻⁶ ")
    #expect(Ticks.linear(covering: 990, 1030, target: 4).exponentPrefix == "")
  }
}
