import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing

/// A forecast holds no degree that analyses do not hold, and what it does hold is the network's.
@Suite struct StepTruncationTests {
  @Test(arguments: [5, 8]) func aStepKeepsTheDegreesOfTheCheckpoint(degrees: Int) throws {
    let configuration = SFNOConfiguration(
      shape: [8, 16], inputChannels: 2, outputChannels: 2, embedding: 16, blocks: 2,
      modelGridType: "legendre-gauss")
    let network = try SFNO(configuration)
    let parameters = network.layout.initialise(seed: 9, decoderScale: nil)
    let normalisation = Normalisation(
      channels: ["z500", "msl"], mean: [0, 0], deviation: [1, 1], tendencyDeviation: [1, 1])
    let checkpoint = try Checkpoint(
      network: network, parameters: parameters, channels: ["z500", "msl"], units: ["m", "Pa"],
      normalisation: normalisation, features: InputFeatures(solarZenith: false), staticFields: [],
      degrees: degrees, stepHours: 6, provenance: "{}")
    let grid = network.grid
    let values = Philox(seed: 8, purpose: .test).normals(2 * grid.pointCount).map { Float($0) }
    let state = State(
      channels: ["z500", "msl"], grid: grid, time: Instant(year: 2001, month: 1, day: 1), values: values)
    let next = checkpoint.step(state, CheckpointWorkspace(checkpoint))

    let (input, plain) = (AlignedBuffer(values), AlignedBuffer<Float>(values.count))
    network.forward(
      SFNOWeights(network, parameters), input: input.pointer, output: plain.pointer,
      network.makeWorkspace())
    let whole = SphericalTransform<Float>(grid: grid, degrees: 8)
    let (found, expected) = (
      whole.forward(next.values, count: 2), whole.forward(plain.array, count: 2)
    )
    for channel in 0..<2 {
      for l in 0..<8 {
        for m in 0...min(l, whole.orders - 1) {
          for part in 0..<2 {
            let at = ((channel * 8 + l) * whole.orders + m) * 2 + part
            #expect(abs(found[at] - (l < degrees ? expected[at] : 0)) < 2e-5)
          }
        }
      }
    }
  }
}
