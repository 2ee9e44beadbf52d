import Basics
import Fields
import Sphere

/// The random fields that perturbations start from.
///
/// Keyed by (run seed, initial time in hours since 1970, checkpoint, pair), so the noise of a pair is
/// the same whatever else runs. Channel number i of those perturbed takes its stream from pair + i 2^32.
public struct SeedingNoise: Sendable {
  private let field: GaussianRandomField
  private let seed: UInt64

  /// Noise on `grid` with the correlation length given.
  public init(grid: SphereGrid, lengthScaleKilometres: Double, seed: UInt64) {
    field = GaussianRandomField(grid: grid, lengthScaleKilometres: lengthScaleKilometres)
    self.seed = seed
  }

  /// A perturbation of all `channels`: amplitude times unit noise on those in `perturbed`, 0 elsewhere.
  /// - Returns: [channel][latitude][longitude], physical units.
  public func sample(
    channels: [String], perturbed: [String], amplitudes: [Double], at time: Instant, checkpoint: Int,
    pair: Int
  ) -> [Float] {
    let points = field.grid.pointCount
    var values = [Float](repeating: 0, count: channels.count * points)
    for (order, name) in perturbed.enumerated() {
      guard let channel = channels.firstIndex(of: name) else { continue }
      let stream = Philox(
        seed: seed, purpose: .perturbation, UInt64(bitPattern: Int64(time.seconds / 3600)),
        UInt64(checkpoint),
        UInt64(pair) | UInt64(order) << 32)
      let noise = field.sample(stream)
      let amplitude = Float(amplitudes[channel])
      for point in 0..<points { values[channel * points + point] = amplitude * noise[point] }
    }
    return values
  }
}
