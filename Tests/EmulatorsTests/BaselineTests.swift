import Basics
import Emulators
import Fields
import Foundation
import Sphere
import Testing

@Suite struct BaselineTests {
  let draw = LabelDraw(seedCounts: [1, 2], truthShare: 0, keepsPairsApart: false)

  /// spec/emulators.md 1.5: for exchangeable Gaussian members, m^ = tau^2 m / (tau^2 + s^2/K) and variance
  /// s^2 + 1 / (1/tau^2 + K/s^2).
  @Test func shrinkageIsTheClosedForm() throws {
    let world = try EmulatorWorld(starts: 60)
    let fitted = GaussianShrinkage.fit(world.hindcasts, draw, seed: 1)
    let (t2, s2) = (EmulatorWorld.tau * EmulatorWorld.tau, EmulatorWorld.spread * EmulatorWorld.spread)
    let white = 4 * Double.pi / 64
    for (number, count) in [1, 2].enumerated() {
      let k = Double(count)
      let (slope, variance) = (t2 / (t2 + s2 / k), s2 + 1 / (1 / t2 + k / s2))
      for channel in 0..<2 {
        let slopes = fitted.slopes[number].map { $0[channel] }
        let deviations = fitted.deviations[number].map { $0[channel] }
        for l in 2..<8 {
          // The mean of two lead times; 60 starts of 2 l + 1 modes each.
          let error = 3 / (2 * 60 * Double(2 * l + 1)).squareRoot()
          #expect(abs((slopes[0][l] + slopes[1][l]) / 2 - slope) < error)
          let found = (deviations[0][l] * deviations[0][l] + deviations[1][l] * deviations[1][l]) / 2
          #expect(abs(found / (white * variance) - 1) < 2 * error)
        }
      }
    }
  }

  /// Labels are further members: of all emulators' draws from two seeds the mean square about the seeds' mean.
  @Test func drawsHaveTheRightSpread() throws {
    let world = try EmulatorWorld(starts: 80)
    let test = try EmulatorWorld(starts: 40, seed: 7)
    let bootstrap = try ResidualBootstrap.fit(world.hindcasts, draw, seed: 1)
    let emos = try EMOS.fit(world.hindcasts, draw, seed: 1, threads: 2)
    let gaussian = GaussianShrinkage.fit(world.hindcasts, draw, seed: 1)
    let (t2, s2) = (EmulatorWorld.tau * EmulatorWorld.tau, EmulatorWorld.spread * EmulatorWorld.spread)
    // About the seeds' mean: (1 - b)^2 var m + v for the fitted ones, s^2 (1 + 1/K) for the bootstrap.
    let b = t2 / (t2 + s2 / 2)
    let fitted = (1 - b) * (1 - b) * (t2 + s2 / 2) + s2 + 1 / (1 / t2 + 2 / s2)
    for (emulator, expected) in [(bootstrap, s2 * 1.5), (emos, fitted), (gaussian, fitted)]
      as [(any Emulator, Double)]
    {
      let found = BaselineTests.square(emulator, test)
      #expect(abs(found / expected - 1) < 0.1, "\(type(of: emulator)): \(found), \(expected)")
    }
  }

  /// The mean square of draws about the mean of their two seeds.
  static func square(_ emulator: any Emulator, _ world: EmulatorWorld) -> Double {
    let generator = emulator.makeGenerator()
    let size = world.domain.fieldSize
    let result = AlignedBuffer<Float>(size)
    let weights = world.domain.grid.quadratureWeights
    var (sum, total) = (0.0, 0.0)
    for (index, item) in world.hindcasts.cases.enumerated() {
      let seeds = [world.hindcasts.member(index, 0), world.hindcasts.member(index, 1)]
      for member in 1...4 {
        generator.generate(
          EmulatorDraw(
            seeds: seeds, lead: item.lead, validTime: item.valid, seed: 3, initial: item.initial,
            member: member), into: result.pointer)
        for i in 0..<size {
          let w = weights[i / world.domain.grid.longitudeCount % world.domain.grid.latitudeCount]
          let d = Double(result.pointer[i]) - Double(seeds[0][i] + seeds[1][i]) / 2
          sum += w * d * d
          total += w
        }
      }
    }
    return sum / total
  }

  /// With the truth as label and a biased ensemble, EMOS takes the bias away.
  @Test func emosTakesBiasAway() throws {
    let world = try EmulatorWorld(starts: 60, offset: 0.8)
    let truth = LabelDraw(seedCounts: [2], truthShare: 1, keepsPairsApart: false)
    let emos = try EMOS.fit(world.hindcasts, truth, seed: 1, threads: 2)
    let generator = emos.makeGenerator()
    let size = world.domain.fieldSize
    let result = AlignedBuffer<Float>(size)
    var bias = 0.0
    for (index, item) in world.hindcasts.cases.enumerated() {
      let seeds = [world.hindcasts.member(index, 2), world.hindcasts.member(index, 3)]
      generator.generate(
        EmulatorDraw(
          seeds: seeds, lead: item.lead, validTime: item.valid, seed: 3, initial: item.initial, member: 1),
        into: result.pointer)
      for i in 0..<size {
        bias += Double(result.pointer[i] - world.hindcasts.truth(index)[i]) / Double(size)
      }
    }
    #expect(abs(bias / Double(world.hindcasts.cases.count)) < 0.05)
  }

  /// A draw follows from its own numbers, and survives its file.
  @Test func drawsAreReproducible() throws {
    let world = try EmulatorWorld(starts: 20)
    let (network, weights) = try EmulatorWorld.network(
      channels: 2, grid: world.domain.grid, features: 0, seed: 6)
    let shrinkage = GaussianShrinkage.fit(world.hindcasts, draw, seed: 1)
    let fields = FeatureFields(InputFeatures(), grid: world.domain.grid, staticFields: [])
    let networks = try NetworkEmulator.Kind.allCases.map { kind in
      try NetworkEmulator(
        kind: kind, network: network, parameters: weights, shrinkage: shrinkage, features: fields,
        staticFields: [], provenance: "{}")
    }
    let all: [any Emulator] =
      networks + [
        GaussianShrinkage.fit(world.hindcasts, draw, seed: 1),
        try ResidualBootstrap.fit(world.hindcasts, draw, seed: 1),
        try EMOS.fit(world.hindcasts, draw, seed: 1, threads: 2),
      ]
    for (number, emulator) in all.enumerated() {
      let path =
        NSTemporaryDirectory() + "apus-emulator-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try EmulatorFile.write(emulator, to: path, provenance: "{}", half: false)
      let read = try EmulatorFile.read(path)
      let (a, b, c) = (emulator.makeGenerator(), emulator.makeGenerator(), read.makeGenerator())
      let size = world.domain.fieldSize
      let results = (0..<4).map { _ in AlignedBuffer<Float>(size) }
      func request(_ member: Int) -> EmulatorDraw {
        EmulatorDraw(
          seeds: [world.hindcasts.member(2, 0), world.hindcasts.member(2, 3)], lead: 0,
          validTime: world.hindcasts.cases[2].valid, seed: 9, initial: world.hindcasts.cases[2].initial,
          member: member)
      }
      a.generate(request(4), into: results[0].pointer)
      b.generate(request(1), into: results[1].pointer)
      b.generate(request(4), into: results[1].pointer)
      c.generate(request(4), into: results[2].pointer)
      a.generate(request(5), into: results[3].pointer)
      #expect(results[0].array == results[1].array)
      // Tables of EMOS are kept in single precision.
      for (x, y) in zip(results[0].array, results[2].array) { #expect(abs(x - y) < 1e-4) }
      #expect(results[0].array != results[3].array)
      #expect(results[0].array.allSatisfy { $0.isFinite })
    }
  }

  /// Draws of 0.7 times the members' amplitude get a gain of 0.8/0.7 where the truth's is 0.8 times the members', and
  /// their file keeps it.
  @Test func finishGivesTheTruthsPower() throws {
    let world = try EmulatorWorld(starts: 60, truthFactor: 0.8)
    let two = LabelDraw(seedCounts: [2], truthShare: 0, keepsPairsApart: false)
    let right = GaussianShrinkage.fit(world.hindcasts, two, seed: 1)
    func scaled(_ table: [[[[Double]]]]) -> [[[[Double]]]] {
      table.map { $0.map { $0.map { $0.map { 0.7 * $0 } } } }
    }
    let weak = GaussianShrinkage(
      domain: world.domain, seedCounts: [2], slopes: scaled(right.slopes),
      deviations: scaled(right.deviations))
    let finish = try SpectralFinish.fit(weak, world.hindcasts, two, seed: 2, threads: 2)
    #expect(finish.gains == (try SpectralFinish.fit(weak, world.hindcasts, two, seed: 2, threads: 1)).gains)
    let gains = try #require(finish.gains)
    for lead in 0..<2 {
      for channel in 0..<2 {
        for l in 3..<8 {
          // Sums of 60 and 120 times 2 l + 1 squares.
          let error = 4 / (60 * Double(2 * l + 1)).squareRoot()
          #expect(abs(gains[0][lead][channel][l] * 0.7 / 0.8 - 1) < error)
        }
      }
    }
    let path = NSTemporaryDirectory() + "apus-finish-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try EmulatorFile.write(weak, finish: finish, to: path, provenance: "{}", half: false)
    #expect(try EmulatorFile.readWithFinish(path).1.gains == gains)
    // Without gains a field is its anomaly times the deviation, plus the mean.
    let plain = SpectralFinish(world.domain, gains: nil)
    let scale = Standardisation(world.domain.climate, at: world.hindcasts.cases[0].valid)
    let size = world.domain.fieldSize
    let (a, b) = (AlignedBuffer<Float>(size), AlignedBuffer<Float>(size))
    a.pointer.update(from: world.hindcasts.member(0, 0), count: size)
    b.pointer.update(from: world.hindcasts.member(0, 0), count: size)
    plain.apply(a.pointer, scale, seeds: 0, lead: 0, plain.makeWorkspace())
    scale.restore(b.pointer)
    for i in 0..<size { #expect(abs(a.pointer[i] - b.pointer[i]) < 0.05) }
  }
}
