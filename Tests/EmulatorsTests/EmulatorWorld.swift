import Basics
import Emulators
import Fields
import Foundation
import Operators
import Sphere

/// A small world with a known law: standardised anomalies are exchangeable Gaussian members about an ensemble mean,
/// mode by mode, and the truth is one more member, times a factor.
struct EmulatorWorld {
  static let (tau, spread) = (1.0, 0.6)
  let domain: EmulatorDomain
  let hindcasts: HindcastSet
  let transform: SphericalTransform<Float>

  init(
    starts: Int, members: Int = 6, seed: UInt64 = 1, offset: Double = 0, truthFactor: Double = 1
  ) throws {
    let grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let transform = SphericalTransform<Float>(grid: grid, degrees: 8)
    let channels = 2
    let size = channels * grid.pointCount
    // A climate of mean 0 and deviation 1.
    let times = (0..<40).map { Instant(seconds: $0 * 86_400 * 9) }
    let climate = try SeasonalClimate.fit(channels: channels, points: grid.pointCount, times: times) { some in
      some.flatMap { time in
        (0..<size).map { _ in (time.seconds / (86_400 * 9)) % 2 == 0 ? Float(1) : -1 }
      }
    }
    let domain = EmulatorDomain(
      channels: ["z500", "msl"], units: ["m", "Pa"], grid: grid, degrees: 8, leadHours: [24, 72],
      climate: climate)
    let white = SpectralWhitening(
      transform: transform,
      deviations: [[[Double]](repeating: .init(repeating: 1, count: 8), count: channels)])
    let space = white.makeWorkspace()
    var cases: [HindcastSet.Case] = []
    var values: [Float] = []
    let (mean, noise) = (AlignedBuffer<Float>(size), AlignedBuffer<Float>(size))
    for start in 0..<starts {
      let initial = Instant(seconds: start * 86_400 * 7)
      for (lead, hours) in domain.leadHours.enumerated() {
        cases.append(.init(initial: initial, lead: lead, valid: initial.adding(hours: hours)))
        white.noise(
          Philox(seed: seed, purpose: .test, UInt64(start), UInt64(lead), 1000), into: mean.pointer, space)
        for member in 0...members {
          white.noise(
            Philox(seed: seed, purpose: .test, UInt64(start), UInt64(lead), UInt64(member)),
            into: noise.pointer, space)
          let (factor, shift) = member == members ? (Float(truthFactor), Float(offset)) : (1, 0)
          for i in 0..<size {
            values.append(
              factor
                * (Float(EmulatorWorld.tau) * mean.pointer[i] + Float(EmulatorWorld.spread) * noise.pointer[i])
                + shift)
          }
        }
      }
    }
    self.domain = domain
    self.transform = transform
    hindcasts = HindcastSet(
      domain: domain, cases: cases, members: Array(1...members), values: values)
  }

  /// A network of random weights, output included, so that nothing is zero.
  static func network(channels: Int, grid: SphereGrid, features: Int, seed: UInt64) throws -> (
    ConditionalSFNO, AlignedBuffer<Float>
  ) {
    let configuration = SFNOConfiguration(
      shape: [grid.latitudeCount, grid.longitudeCount], inputChannels: 3 * channels + features,
      outputChannels: channels, embedding: 16, blocks: 2, scaleFactor: 2, modelGridType: "legendre-gauss")
    let network = try ConditionalSFNO(configuration, embedding: .forEmulators)
    let weights = network.layout.initialise(seed: seed, decoderScale: nil)
    for segment in network.layout.segments where segment.name.hasPrefix("embedding.fwd.2") {
      let normals = Philox(seed: seed, purpose: .test).normals(segment.count)
      for i in 0..<segment.count { weights.pointer[segment.offset + i] = 0.1 * Float(normals[i]) }
    }
    return (network, weights)
  }
}
