import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing

@Suite struct CheckpointAverageTests {
  let small: SmallTraining
  init() throws { small = try SmallTraining() }

  func checkpoint(_ seed: UInt64) throws -> Checkpoint {
    try small.checkpoint(small.network.layout.initialise(seed: seed, decoderScale: 0.5))
  }

  @Test func theMeanOfEqualWeightsIsThem() throws {
    let one = try checkpoint(1)
    for count in [1, 3, 7] {
      let mean = try CheckpointAverage.mean([Checkpoint](repeating: one, count: count))
      #expect(mean.parameters.array == one.parameters.array)
    }
  }

  @Test func meansAreLinear() throws {
    let (a, b, c) = (try checkpoint(1), try checkpoint(2), try checkpoint(3))
    let mean = try CheckpointAverage.mean([a, b, c], shares: [1, 2, 5]).parameters.array
    for (i, value) in mean.enumerated() {
      let (x, y, z) = (a.parameters.pointer[i], b.parameters.pointer[i], c.parameters.pointer[i])
      #expect(abs(Double(value) - (Double(x) + 2 * Double(y) + 5 * Double(z)) / 8) < 1e-6)
    }
    // What doesn't count changes nothing, and a common factor of the shares does not either.
    let two = try CheckpointAverage.mean([a, b]).parameters.array
    #expect(try CheckpointAverage.mean([a, c, b], shares: [4, 0, 4]).parameters.array == two)
  }

  @Test func linesScalesTheDifferenceByLayer() throws {
    let (base, tuned) = (try checkpoint(1), try checkpoint(2))
    func scaled(_ alpha: Double, _ beta: Double) throws -> [Float] {
      try CheckpointAverage.scaled(tuned, base: base, alpha: alpha, beta: beta).parameters.array
    }
    #expect(try scaled(1, 0) == tuned.parameters.array)
    #expect(try scaled(0, 0) == base.parameters.array)
    let mixed = try scaled(0.25, 0.5)
    // Two blocks: layers 0 encoder, 1, 2, 3 decoder and big skip.
    let depths = ["encoder": 0.0, "blocks.0": 1, "blocks.1": 2, "decoder": 3, "residual_transform": 3]
    var seen: Set<Double> = []
    for segment in small.network.layout.segments {
      let depth = try #require(depths.first { segment.name.contains($0.key) }?.value)
      seen.insert(depth)
      let scale = 0.25 + 0.5 * depth / 3
      for i in segment.offset..<segment.offset + segment.count {
        let (x, y) = (Double(base.parameters.pointer[i]), Double(tuned.parameters.pointer[i]))
        #expect(abs(Double(mixed[i]) - (x + scale * (y - x))) < 1e-6)
      }
    }
    #expect(seen.count == 4)
  }

  @Test func whatDiffersInMoreThanWeightsIsRefused() throws {
    let one = try checkpoint(1)
    func expectRefusal(_ other: Checkpoint, naming key: String) {
      let error = #expect(throws: ApusError.self) { try CheckpointAverage.mean([one, other]) }
      #expect(error?.kind == .badData)
      #expect(error?.variable == key)
    }
    var normalisation = one.normalisation
    normalisation.mean[1] += 1
    expectRefusal(
      try Checkpoint(
        network: one.network, parameters: one.parameters, channels: one.channels, units: one.units,
        normalisation: normalisation, features: one.features.features, staticFields: [], degrees: 8,
        stepHours: 6, provenance: "{}"), naming: "normalisation")
    expectRefusal(
      try Checkpoint(
        network: one.network, parameters: one.parameters, channels: one.channels, units: one.units,
        normalisation: one.normalisation, features: InputFeatures(season: true), staticFields: [],
        degrees: 8, stepHours: 6, provenance: "{}"), naming: "features")
    let wider = try SFNO(
      SFNOConfiguration(
        shape: [8, 16], inputChannels: 4, outputChannels: 2, embedding: 24, blocks: 2,
        modelGridType: "legendre-gauss"))
    expectRefusal(
      try Checkpoint(
        network: wider, parameters: wider.layout.initialise(seed: 1, decoderScale: nil),
        channels: one.channels, units: one.units, normalisation: one.normalisation,
        features: one.features.features, staticFields: [], degrees: 8, stepHours: 6, provenance: "{}"),
      naming: "embed_dim")
    for shares in [[1.0], [0, 0], [-1, 2], [.nan, 1]] {
      let error = #expect(throws: ApusError.self) { try CheckpointAverage.mean([one, one], shares: shares) }
      #expect(error?.kind == .usage)
    }
  }
}
