import Basics
import Emulators
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing
import Training

/// Every gradient against central differences along random directions, tensor by tensor.
@Suite struct GradientTests {
  static func direction(_ count: Int, _ seed: UInt64) -> [Float] {
    Philox(seed: seed, purpose: .test).normals(count).map { Float($0) }
  }

  @Test func modulatedNetwork() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let (network, flat) = try EmulatorWorld.network(channels: 2, grid: grid, features: 0, seed: 5)
    let points = grid.pointCount
    let input = AlignedBuffer(GradientTests.direction(6 * points, 1))
    let features = AlignedBuffer(GradientTests.direction(network.embedding.features, 2))
    let slope = AlignedBuffer(GradientTests.direction(2 * points, 3))
    let output = AlignedBuffer<Float>(2 * points)
    let space = network.makeWorkspace(recording: true)
    func value(_ flat: AlignedBuffer<Float>, _ input: AlignedBuffer<Float>) -> Double {
      network.forward(
        SFNOWeights(network.network, flat), flat.pointer, features: features.pointer, input: input.pointer,
        output: output.pointer, space)
      return zip(output.array, slope.array).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    _ = value(flat, input)
    let (gradient, inputGradient) = (AlignedBuffer<Float>(flat.count), AlignedBuffer<Float>(input.count))
    network.adjoint(
      SFNOWeights(network.network, flat, adjoint: true), flat.pointer, features: features.pointer,
      input: input.pointer, outputGradient: slope.pointer, gradient: gradient.pointer,
      inputGradient: inputGradient.pointer, space)
    for (number, segment) in network.layout.segments.enumerated() {
      let d = GradientTests.direction(segment.count, 100 + UInt64(number))
      func moved(_ step: Float) -> AlignedBuffer<Float> {
        let copy = AlignedBuffer(flat.array)
        for i in 0..<segment.count { copy.pointer[segment.offset + i] += step * d[i] }
        return copy
      }
      let numeric = (value(moved(2e-3), input) - value(moved(-2e-3), input)) / 4e-3
      let exact = (0..<segment.count).reduce(0.0) {
        $0 + Double(gradient.pointer[segment.offset + $1]) * Double(d[$1])
      }
      let size = (0..<segment.count).reduce(0.0) {
        $0 + Double(gradient.pointer[segment.offset + $1]) * Double(gradient.pointer[segment.offset + $1])
      }.squareRoot()
      // A bias before a norm has no gradient but rounding.
      #expect(abs(numeric - exact) < 0.02 * max(size, 0.3), "\(segment.name): \(numeric), \(exact)")
    }
    let d = GradientTests.direction(input.count, 7)
    func movedInput(_ step: Float) -> AlignedBuffer<Float> {
      AlignedBuffer(zip(input.array, d).map { $0 + step * $1 })
    }
    let numeric = (value(flat, movedInput(2e-3)) - value(flat, movedInput(-2e-3))) / 4e-3
    let exact = zip(inputGradient.array, d).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(numeric - exact) < 0.01 * abs(exact) + 0.05)
  }

  @Test(arguments: NetworkEmulator.Kind.allCases) func emulators(_ kind: NetworkEmulator.Kind) throws {
    let world = try EmulatorWorld(starts: 3)
    let (network, flat) = try EmulatorWorld.network(
      channels: 2, grid: world.domain.grid, features: 0, seed: 6)
    let draw = LabelDraw(seedCounts: [1, 2], truthShare: 0.5, keepsPairsApart: true)
    let objective = EmulatorObjective(
      kind: kind, network: network, set: world.hindcasts, validation: nil, draw: draw,
      shrinkage: GaussianShrinkage.fit(world.hindcasts, draw, seed: 1),
      features: FeatureFields(InputFeatures(), grid: world.domain.grid, staticFields: []), members: 3, seed: 2
    )
    try GradientTests.check(objective, flat, samples: [0, 3, 5, 1, 2], tolerance: 0.02)
  }

  @Test(arguments: [1, 2]) func variationalForecaster(_ steps: Int) throws {
    let grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let configuration = SFNOConfiguration(
      shape: [12, 24], inputChannels: 4, outputChannels: 2, embedding: 16, blocks: 2,
      modelGridType: "legendre-gauss")
    let network = try SFNO(configuration)
    let channels = ["z500", "msl"]
    let base = try Checkpoint(
      network: network, parameters: network.layout.initialise(seed: 3, decoderScale: 0.5), channels: channels,
      units: ["m", "Pa"],
      normalisation: Normalisation(
        channels: channels, mean: [0, 0], deviation: [1, 1], tendencyDeviation: [0.5, 0.7]),
      features: InputFeatures(season: true), staticFields: [], degrees: 8, stepHours: 6, provenance: "{}")
    let times = (0..<8).map { Instant(seconds: $0 * 21_600) }
    let states = GradientTests.direction(8 * 2 * grid.pointCount, 9)
    let set = TrainingSet(
      stretches: [(states, times)], normalisation: base.normalisation, points: grid.pointCount, steps: steps)
    let networks = try VariationalConfiguration(latentChannels: 3, latentDegrees: 5, width: 16, blocks: 1)
      .networks(base)
    let flat = networks.initialWeights(base, seed: 4)
    let objective = VariationalObjective(
      networks: networks, base: base, set: set, validation: nil,
      settings: VariationalSettings(
        divergenceWeight: 0.3, posteriorWeight: 0.7, rolloutSteps: steps, batchSize: 3, steps: 100), seed: 5)
    try GradientTests.check(objective, flat, samples: [0, 2, 4], tolerance: 0.03)
  }

  /// Directional derivatives of a batch's loss: of every tensor, and bits that do not depend on the threads.
  static func check(
    _ objective: some TrainingObjective, _ flat: AlignedBuffer<Float>, samples: [Int], tolerance: Double
  ) throws {
    let loss = try objective.compute(flat, samples: samples, firstDraw: 10, threads: 1)
    #expect(loss.isFinite)
    let gradient = objective.gradient.array
    let again = try objective.compute(flat, samples: samples, firstDraw: 10, threads: 2)
    #expect(loss == again && gradient == objective.gradient.array)
    var checked = 0
    for (number, tensor) in objective.tensors.enumerated() {
      var d = GradientTests.direction(tensor.count, 500 + UInt64(number))
      let size = (0..<tensor.count).reduce(0.0) {
        $0 + Double(gradient[tensor.offset + $1]) * Double(gradient[tensor.offset + $1])
      }.squareRoot()
      guard size > 1e-4 else { continue }
      // Partly along the gradient, so that there is something to see above single precision.
      for i in 0..<tensor.count {
        d[i] = 0.5 * d[i] / Float(tensor.count).squareRoot() + gradient[tensor.offset + i] / Float(size)
      }
      func value(_ step: Float) throws -> Double {
        let copy = AlignedBuffer(flat.array)
        for i in 0..<tensor.count { copy.pointer[tensor.offset + i] += step * d[i] }
        return try objective.compute(copy, samples: samples, firstDraw: 10, threads: 2)
      }
      let step: Float = 4e-3
      let numeric = (try value(step) - value(-step)) / Double(2 * step)
      let exact = (0..<tensor.count).reduce(0.0) { $0 + Double(gradient[tensor.offset + $1]) * Double(d[$1]) }
      #expect(abs(numeric - exact) < tolerance * size + 1e-4, "tensor \(number): \(numeric), \(exact)")
      checked += 1
    }
    #expect(checked > 10)
  }
}
