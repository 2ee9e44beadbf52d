import Kernels

/// How a network is trained: what a run file says under `optimisation`, with lengths in steps.
public struct TrainerSettings: Sendable {
  /// Decides the order of samples.
  public var seed: UInt64
  /// Samples a step.
  public var batchSize: Int
  /// Learning rates and number of steps.
  public var schedule: LearningRateSchedule
  /// Which optimiser.
  public var optimiser: OptimiserKind
  /// Decay of the optimiser's two moments.
  public var betas: (Double, Double)
  /// Decoupled weight decay.
  public var weightDecay: Double
  /// Largest norm of the gradient; nil: unlimited.
  public var gradientClip: Double?
  /// Decay of the weights' moving average; nil: the last weights are the result.
  public var averageDecay: Double?
  /// Network steps of a sample: 1, or more to train through a short forecast.
  public var rolloutSteps: Int
  /// Degrees l below this are what a forecast keeps after every step of a rollout; nil: all.
  public var degrees: Int?
  /// Of the 1x1 convolutions' products in training; validation is exact.
  public var precision: ProductPrecision
  /// Steps between two saved states.
  public var saveEvery: Int
  /// Steps between two validations.
  public var validateEvery: Int
  /// Whether the weights of the best validation are kept.
  public var keepsBest: Bool
  /// Steps between two snapshots; nil: none.
  public var snapshotEvery: Int?

  /// Settings, one by one.
  public init(
    seed: UInt64, batchSize: Int, schedule: LearningRateSchedule, optimiser: OptimiserKind = .adamw,
    betas: (Double, Double) = (0.9, 0.95), weightDecay: Double = 0, gradientClip: Double? = nil,
    averageDecay: Double? = nil, rolloutSteps: Int = 1, degrees: Int? = nil,
    precision: ProductPrecision = .highest, saveEvery: Int = 500, validateEvery: Int = 500,
    keepsBest: Bool = false, snapshotEvery: Int? = nil
  ) {
    self.seed = seed
    self.batchSize = batchSize
    self.schedule = schedule
    self.optimiser = optimiser
    self.betas = betas
    self.weightDecay = weightDecay
    self.gradientClip = gradientClip
    self.averageDecay = averageDecay
    self.rolloutSteps = rolloutSteps
    self.degrees = degrees
    self.precision = precision
    self.saveEvery = saveEvery
    self.validateEvery = validateEvery
    self.keepsBest = keepsBest
    self.snapshotEvery = snapshotEvery
  }
}
