import Basics
import Fields
import Foundation
import Operators
import Sphere

/// What seeds tell a network (spec/emulators.md 5b): their mean, and a contrast between them,
///
///     m = 1/K sum_k x_k,    d = sum_k c_k x_k   with sum c = 0, sum c^2 = 1,
///
/// c drawn at random with the member, so that the order of seeds tells nothing; d has the variance of a member about
/// its ensemble, and is 0 for K = 1.
struct SeedConditioning {
  let size: Int

  /// Writes m and d, each of `size` numbers.
  func fill(
    _ seeds: [UnsafePointer<Float>], _ stream: Philox, mean: UnsafeMutablePointer<Float>,
    contrast: UnsafeMutablePointer<Float>
  ) {
    let count = seeds.count
    let weights = SeedConditioning.contrast(count, stream)
    mean.update(repeating: 0, count: size)
    contrast.update(repeating: 0, count: size)
    for (seed, weight) in zip(seeds, weights) {
      let (share, weight) = (1 / Float(count), Float(weight))
      for i in 0..<size {
        mean[i] += share * seed[i]
        contrast[i] += weight * seed[i]
      }
    }
  }

  /// Weights c: a random direction without mean.
  static func contrast(_ count: Int, _ stream: Philox) -> [Double] {
    guard count > 1 else { return [Double](repeating: 0, count: count) }
    // Numbers far beyond those that noise takes.
    let normals = (0..<count).map { stream.normalPair(1 << 40 + UInt64($0)).0 }
    let mean = normals.reduce(0, +) / Double(count)
    let centred = normals.map { $0 - mean }
    let size = centred.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return centred.map { $0 / size }
  }
}

/// The numbers that modulate an emulator's network: noise level, lead time, number of seeds, global noise.
struct EmbeddingFeatures {
  /// Normals among them.
  static let noiseCount = 8
  /// How many there are.
  static let count = 8 + 5 + 3 + noiseCount

  /// Writes them.
  /// - Parameters:
  ///   - sigma: noise level of a denoiser; nil for a one-step generator, which gets normals from `stream` instead.
  ///   - lead: lead time over the longest.
  static func fill(
    sigma: Double?, lead: Double, seeds: Int, _ stream: Philox, into target: UnsafeMutablePointer<Float>
  ) {
    target.update(repeating: 0, count: count)
    if let sigma {
      let level = log(sigma) / 4
      for k in 0..<4 {
        let angle = Double.pi * level * Double(1 << k)
        target[2 * k] = Float(sin(angle))
        target[2 * k + 1] = Float(cos(angle))
      }
    }
    let angle = Double.pi * lead
    for (k, value) in [lead, sin(angle), cos(angle), sin(2 * angle), cos(2 * angle)].enumerated() {
      target[8 + k] = Float(value)
    }
    target[13 + (seeds == 1 ? 0 : seeds == 2 ? 1 : 2)] = 1
    guard sigma == nil else { return }
    for k in 0..<noiseCount { target[16 + k] = Float(stream.normalPair(1 << 41 + UInt64(k)).0) }
  }
}

extension EmbeddingConfiguration {
  /// The embedding of a `NetworkEmulator`.
  public static var forEmulators: EmbeddingConfiguration {
    EmbeddingConfiguration(features: EmbeddingFeatures.count)
  }
}

extension ConditionalSFNO {
  /// Weights to begin with: random, but for those that make the output, which is 0 then. A denoiser so starts with the
  /// best linear one for white data, a one-step generator with noise of the right spectrum.
  public func initialWeights(seed: UInt64) -> AlignedBuffer<Float> {
    let weights = layout.initialise(seed: seed, decoderScale: nil)
    for segment in layout.segments
    where ["model.decoder.fwd.2.weight", "model.residual_transform.weight"].contains(segment.name) {
      (weights.pointer + segment.offset).update(repeating: 0, count: segment.count)
    }
    return weights
  }
}
