/// A forecaster that perturbs itself, after FuXi-ENS: latent fields, prior and posterior, and their losses.
public struct VariationalSection: Sendable, Hashable, Encodable {
  /// Latent channels.
  public var latentChannels: Int
  /// Degrees l of latent fields are below this.
  public var latentDegrees: Int
  /// Width and blocks of the networks of prior and posterior.
  public var width, blocks: Int
  /// Members of a sample in the loss.
  public var members: Int
  /// Weight of the divergence of posterior from prior.
  public var divergenceWeight: Double
  /// Part of the training over which that weight rises from 0.
  public var divergenceWarmup: Double
  /// Weight of the score of the posterior's members at the start; it falls to 0.
  public var posteriorWeight: Double

  /// Correlation of the noise from one step of a forecast to the next, kept in the file; training does not use it.
  public var noiseMemory: Double
  /// A variational forecaster of the same sizes to start from; nil: `initial_checkpoint` and random heads.
  public var start: InputPath?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case width, blocks, members
    case start = "initial_variational"
    case latentChannels = "latent_channels"
    case latentDegrees = "latent_degrees"
    case divergenceWeight = "divergence_weight"
    case divergenceWarmup = "divergence_warmup"
    case posteriorWeight = "posterior_weight"
    case noiseMemory = "noise_memory"
  }

  init(_ section: Section<CodingKeys>) throws {
    latentChannels = try section.integer(.latentChannels, in: 1...512, default: 16)
    latentDegrees = try section.integer(.latentDegrees, in: 2...1024, default: 17)
    width = try section.integer(.width, in: 1...4096, default: 32)
    blocks = try section.integer(.blocks, in: 1...64, default: 2)
    members = try section.integer(.members, in: 2...16, default: 2)
    divergenceWeight = try section.number(.divergenceWeight, in: 0...1000, default: 1e-4)
    divergenceWarmup = try section.number(.divergenceWarmup, in: 0...1, default: 0.2)
    noiseMemory = try section.number(.noiseMemory, in: 0...0.99, default: 0)
    start = try section.optionalInput(.start)
    posteriorWeight = try section.number(.posteriorWeight, in: 0...100, default: 0.5)
  }
}
