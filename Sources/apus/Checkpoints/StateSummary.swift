import Fields
import Sphere
import Verification

/// What a long run keeps of a state.
struct StateSummary: Sendable {
  /// Area means, by channel, physical units.
  let means: [Double]
  /// The lowest value of any point, by channel.
  let lowest: [Double]
  /// The highest value of any point, by channel.
  let highest: [Double]
  /// Power by degree from l = 0 of the channels of spectra.
  let power: [[Double]]

  /// - Parameters:
  ///   - channels: numbers of the channels whose values count.
  ///   - spectra: numbers of the channels whose power counts.
  init(
    _ state: State, channels: [Int], spectra: [Int], weights: AreaWeights,
    transform: SphericalTransform<Double>
  ) {
    let fields = channels.map(state.field)
    means = fields.map(weights.mean)
    lowest = fields.map { $0.min() ?? .nan }
    highest = fields.map { $0.max() ?? .nan }
    power = spectra.map { EnsembleSpectra.power(state.field($0), transform, .standard) }
  }
}
