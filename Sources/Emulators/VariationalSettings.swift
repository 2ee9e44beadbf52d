/// How a variational forecaster is trained.
public struct VariationalSettings: Sendable, Hashable {
  /// Members of a sample, of the prior and, where it has a share, of the posterior.
  public var members: Int
  /// beta: weight of the divergence of posterior from prior.
  public var divergenceWeight: Double
  /// Steps over which beta rises from 0.
  public var warmupSteps: Int
  /// gamma: weight of the CRPS of the posterior's members; it falls to 0 over the training.
  public var posteriorWeight: Double
  /// Network steps of a sample.
  public var rolloutSteps: Int
  /// Samples a training step has, and training steps there are.
  public var batchSize, steps: Int

  /// Settings, one by one.
  public init(
    members: Int = 2, divergenceWeight: Double = 1e-4, warmupSteps: Int = 0, posteriorWeight: Double = 0.5,
    rolloutSteps: Int = 1, batchSize: Int, steps: Int
  ) {
    (self.members, self.divergenceWeight, self.warmupSteps) = (members, divergenceWeight, warmupSteps)
    (self.posteriorWeight, self.rolloutSteps) = (posteriorWeight, rolloutSteps)
    (self.batchSize, self.steps) = (batchSize, steps)
  }
}
