import Basics
import Emulators
import Fields
import Foundation
import Testing

@Suite struct SeasonalClimateTests {
  /// A year's wave of amplitude 10 about 280 K, deviation 2 K; in January the least.
  static func state(_ time: Instant) -> Double {
    let noise = Philox(seed: 3, purpose: .test, UInt64(time.seconds)).normals(1)[0]
    return 280 - 10 * cos(2 * Double.pi * time.yearFraction) + 2 * noise
  }

  static func fit(_ times: [Instant]) throws -> SeasonalClimate {
    try SeasonalClimate.fit(channels: 1, points: 1, times: times) { $0.map { Float(state($0)) } }
  }

  static func values(_ climate: SeasonalClimate, _ time: Instant) -> (mean: Double, deviation: Double) {
    let (mean, deviation) = (AlignedBuffer<Float>(1), AlignedBuffer<Float>(1))
    climate.mean(at: time, into: mean.pointer)
    climate.deviation(at: time, into: deviation.pointer)
    return (Double(mean.pointer[0]), Double(deviation.pointer[0]))
  }

  @Test func aYearsWaveIsFound() throws {
    let start = Instant(year: 2001, month: 1, day: 1)
    let climate = try Self.fit((0..<4 * 730).map { start.adding(hours: 6 * $0) })
    for (month, mean) in [(1, 270.0), (4, 280), (7, 290)] {
      let found = Self.values(climate, Instant(year: 2002, month: month, day: 1))
      #expect(abs(found.mean - mean) < 0.4 && abs(found.deviation - 2) < 0.2, "\(month): \(found)")
    }
  }

  /// Two months know nothing of a year's terms: what they say holds after them, too.
  @Test func aSeasonAloneIsNotExtrapolated() throws {
    let start = Instant(year: 2001, month: 12, day: 1)
    let times = (0..<248).map { start.adding(hours: 6 * $0) }
    let climate = try Self.fit(times)
    let mean = times.reduce(0) { $0 + Self.state($1) } / 248
    for time in [times[10], Instant(year: 2002, month: 2, day: 28), Instant(year: 2002, month: 7, day: 1)] {
      let found = Self.values(climate, time)
      #expect(abs(found.mean - mean) < 0.3 && abs(found.deviation - 2) < 0.3, "\(time): \(found)")
    }
  }
}
