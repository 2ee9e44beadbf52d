import Basics
import Fields
import Foundation
import Sphere
import Testing

@Suite struct NormalisationTests {
  let grid: SphereGrid
  init() throws { grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 32) }

  /// Field sin(latitude) times `amplitude` plus `offset`: area mean offset, variance amplitude^2 / 3.
  func field(_ offset: Double, _ amplitude: Double) -> [Float] {
    grid.latitudes.flatMap { latitude in
      (0..<grid.longitudeCount).map { _ in Float(offset + amplitude * sin(latitude * .pi / 180)) }
    }
  }

  @Test func areaMeansAreExact() throws {
    // Two states that differ by a constant 2: mean 1 higher, tendency 2 everywhere.
    var sums = NormalisationSums(channels: ["msl"], grid: grid)
    try sums.add(field(100_000, 300) + field(100_002, 300), times: 2)
    let found = try sums.normalisation()
    #expect(abs(found.mean[0] - 100_001) < 0.01)
    #expect(abs(found.deviation[0] - (300 * 300 / 3.0 + 1).squareRoot()) < 0.01)
    #expect(abs(found.tendencyDeviation[0] - 2) < 0.01)
  }

  @Test func threadsDoNotMatter() throws {
    let states = (0..<7).flatMap { field(Double($0), Double($0 + 1)) }
    var results: [Normalisation] = []
    for threads in [1, 2, 3] {
      var sums = NormalisationSums(channels: ["msl"], grid: grid)
      try sums.add(states, times: 7, threads: threads)
      results.append(try sums.normalisation())
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test func aChannelThatNeverChangesIsAnError() throws {
    var sums = NormalisationSums(channels: ["msl"], grid: grid)
    try sums.add(field(5, 0) + field(5, 0), times: 2)
    #expect(throws: ApusError.self) { try sums.normalisation() }
  }

  @Test func roundTrip() {
    let normalisation = Normalisation(
      channels: ["a", "b"], mean: [5500, 1e-5], deviation: [300, 3e-5], tendencyDeviation: [1, 1])
    let values: [Float] = [5000, 5500, 6000, 0, 1e-5, 9e-5]
    var scores = [Float](repeating: 0, count: 6)
    var back = scores
    normalisation.normalise(values, into: &scores, points: 3)
    normalisation.restore(scores, into: &back, points: 3)
    #expect(abs(scores[1]) < 1e-6)
    #expect(abs(scores[5] - 8 / 3) < 1e-5)
    for (old, new) in zip(values, back) { #expect(abs(old - new) <= 2e-7 * max(abs(old), 1e-5)) }
  }
}

@Suite struct FeatureTests {
  @Test func sunStandsHighestAtNoonAndItsMeanIsItsDeclination() throws {
    let grid = try SphereGrid(.equiangular, latitudes: 37, longitudes: 72)
    // 2024-06-20 20:51 UTC was the solstice: declination 23.44 degrees.
    let time = Instant(year: 2024, month: 6, day: 20, hour: 12)
    let cosine = SolarZenith.cosine(at: time, grid: grid)
    let best = cosine.indices.max { cosine[$0] < cosine[$1] } ?? 0
    #expect(abs(grid.latitudes[best / 72] - 23.44) <= 2.5)
    #expect(min(grid.longitudes[best % 72], 360 - grid.longitudes[best % 72]) <= 5)
    // At the north pole the cosine is the sine of the declination all day.
    #expect(abs(Double(cosine[0]) - sin(23.44 * .pi / 180)) < 1e-3)
    // Half the globe is day.
    let weights = grid.areaWeights
    let mean =
      cosine.indices.reduce(0.0) { $0 + weights[$1 / 72] * Double(cosine[$1]) } / Double(cosine.count)
    #expect(abs(mean) < 1e-6)
  }

  @Test func channelsInTheirOrder() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 4, longitudes: 8)
    let features = InputFeatures(
      positionFrequencies: 2, positionCosines: true, season: true, solarZenith: true, staticFields: ["orog"])
    #expect(features.count == 1 + 8 + 2 + 1)
    let statics = (0..<grid.pointCount).map { Float($0) }
    let fields = FeatureFields(features, grid: grid, staticFields: statics)
    var values = [Float](repeating: .nan, count: features.count * grid.pointCount)
    let time = Instant(year: 2025, month: 4, day: 2, hour: 6)
    fields.fill(&values, at: time)
    let points = grid.pointCount
    func channel(_ i: Int) -> [Float] { Array(values[i * points..<(i + 1) * points]) }
    #expect(channel(0) == SolarZenith.cosine(at: time, grid: grid))
    let latitude = grid.latitudes[0] * .pi / 180
    #expect(abs(Double(channel(1)[0]) - sin(latitude)) < 1e-6)
    #expect(abs(Double(channel(2)[1]) - sin(.pi / 4)) < 1e-6)
    #expect(abs(Double(channel(3)[0]) - cos(latitude)) < 1e-6)
    #expect(abs(Double(channel(5)[0]) - sin(2 * latitude)) < 1e-6)
    #expect(abs(Double(channel(9)[0]) - sin(2 * .pi * time.yearFraction)) < 1e-6)
    #expect(channel(11) == statics)
  }
}
