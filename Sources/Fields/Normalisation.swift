/// Mean and standard deviation of each channel: z-scores in, physical units out (spec/hens.md 1.4).
///
/// Area means by the grid's quadrature, over all times of the training data.
public struct Normalisation: Sendable, Codable, Hashable {
  /// Channel names.
  public var channels: [String]
  /// Mean of each channel, physical units.
  public var mean: [Double]
  /// Standard deviation of each channel over space and time.
  public var deviation: [Double]
  /// Standard deviation of the change over one step: what the loss is measured in.
  public var tendencyDeviation: [Double]

  enum CodingKeys: String, CodingKey {
    case channels, mean
    case deviation = "standard_deviation"
    case tendencyDeviation = "tendency_standard_deviation"
  }

  /// A normalisation from its numbers, one of each a channel.
  public init(channels: [String], mean: [Double], deviation: [Double], tendencyDeviation: [Double]) {
    self.channels = channels
    self.mean = mean
    self.deviation = deviation
    self.tendencyDeviation = tendencyDeviation
  }

  /// z = (x - mean) / deviation, channel by channel of `points` values each.
  public func normalise(
    _ values: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, points: Int
  ) {
    for channel in channels.indices {
      let (mean, scale) = (Float(mean[channel]), Float(1 / deviation[channel]))
      let (x, z) = (values + channel * points, target + channel * points)
      for i in 0..<points { z[i] = (x[i] - mean) * scale }
    }
  }

  /// x = mean + deviation z.
  public func restore(
    _ values: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, points: Int
  ) {
    for channel in channels.indices {
      let (mean, scale) = (Float(mean[channel]), Float(deviation[channel]))
      let (z, x) = (values + channel * points, target + channel * points)
      for i in 0..<points { x[i] = mean + scale * z[i] }
    }
  }
}
