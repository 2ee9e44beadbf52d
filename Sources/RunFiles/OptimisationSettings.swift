import Basics

/// Loss, optimiser and schedule (linear warm-up, then cosine).
public struct OptimisationSettings: Sendable, Hashable, Encodable {
  /// Losses of spec/hens.md 1.9.
  public enum Loss: String, Sendable, Hashable, Codable, CaseIterable {
    /// Squared error over the squared target, channel by channel, with tendency weights.
    case hens
    /// Squared error, with tendency weights.
    case hensAbsolute = "hens-absolute"
  }

  /// What the spectral part of the loss sums over degrees l.
  public enum SpectralLoss: String, Sendable, Hashable, Codable, CaseIterable {
    /// The power of the error.
    case squared
    /// Errors of amplitude and of pattern apart (Subich et al. 2025): smoothing does not pay.
    case adjusted
  }

  /// Rules that move the weights.
  public enum Optimiser: String, Sendable, Hashable, Codable, CaseIterable {
    /// Adam with decoupled weight decay.
    case adamw
    /// Layer-wise adaptive moments, for large batches.
    case lamb
  }

  /// A key that is not as by default and says something of a forecaster's loss, of which emulators know nothing.
  var foreignToEmulators: CodingKeys? {
    if rolloutSteps != 1 { return .rolloutSteps }
    if spectralWeight != 0 { return .spectralWeight }
    if loss != .hens { return .loss }
    return channelWeights.isEmpty ? nil : .channelWeights
  }

  /// How long: a number of steps or of passes over the data.
  public enum Length: Sendable, Hashable {
    case steps(Int)
    case epochs(Double)
  }

  /// How long.
  public var length: Length
  /// Samples a step.
  public var batchSize: Int
  /// Learning rate after the warm-up.
  public var learningRate: Double
  /// Learning rate at the end.
  public var finalLearningRate: Double
  /// Steps over which the learning rate rises from 0.
  public var warmupSteps: Int
  /// Which optimiser.
  public var optimiser: Optimiser
  /// Decoupled weight decay.
  public var weightDecay: Double
  /// Decay of the optimiser's two moments.
  public var betas: [Double]
  /// Largest L2 norm of the whole gradient; nil: unlimited.
  public var gradientClip: Double?
  /// What is minimised.
  public var loss: Loss
  /// Weights w_c of the loss by channel; channels left out take HENS' own (spec/hens.md 1.9).
  public var channelWeights: [String: Double]
  /// Factor on the part of the loss that weighs every degree l by its change in a step; 0 for none.
  public var spectralWeight: Double
  /// What that part sums.
  public var spectralLoss: SpectralLoss
  /// Decay of the moving average of the weights that is saved; nil: the last weights are saved.
  public var emaDecay: Double?
  /// Network steps of a sample: the loss is averaged over a forecast of so many steps.
  public var rolloutSteps: Int
  /// Of the 1x1 convolutions' products.
  public var matmulPrecision: MatmulPrecision

  enum CodingKeys: String, CodingKey, CaseIterable {
    case steps, epochs, betas, loss, optimiser
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case finalLearningRate = "final_learning_rate"
    case warmupSteps = "warmup_steps"
    case weightDecay = "weight_decay"
    case gradientClip = "gradient_clip"
    case channelWeights = "channel_weights"
    case spectralWeight = "spectral_weight"
    case spectralLoss = "spectral_loss"
    case emaDecay = "ema_decay"
    case rolloutSteps = "rollout_steps"
    case matmulPrecision = "matmul_precision"
  }

  init(_ section: Section<CodingKeys>) throws {
    switch (
      try section.optionalInteger(.steps, in: 1...1_000_000_000),
      try section.optionalNumber(.epochs, in: 0.0001...1_000_000)
    ) {
    case (let steps?, nil): length = .steps(steps)
    case (nil, let epochs?): length = .epochs(epochs)
    case (_?, _?): throw section.refuse(.epochs, "given beside steps", expected: "one of the two")
    case (nil, nil): throw section.refuse(.steps, "missing key in optimisation", expected: "steps or epochs")
    }
    batchSize = try section.integer(.batchSize, in: 1...65_536)
    learningRate = try section.number(.learningRate, above: 0)
    finalLearningRate = try section.number(.finalLearningRate, in: 0...learningRate, default: 0)
    warmupSteps = try section.integer(.warmupSteps, in: 0...Int.max, default: 0)
    optimiser = try section.choice(.optimiser, default: Optimiser.adamw)
    weightDecay = try section.number(.weightDecay, in: 0...1, default: 0)
    betas = try section.numbers(.betas) ?? [0.9, 0.95]
    if betas.count != 2 || !betas.allSatisfy({ (0..<1).contains($0) }) {
      throw section.refuse(.betas, "out of range", found: "\(betas)", expected: "two numbers in [0, 1)")
    }
    gradientClip = try section.optionalNumber(.gradientClip, above: 0)
    loss = try section.choice(.loss, default: Loss.hens)
    channelWeights = try section.numbersByName(.channelWeights)
    spectralWeight = try section.number(.spectralWeight, in: 0...1000, default: 0)
    spectralLoss = try section.choice(.spectralLoss, default: SpectralLoss.squared)
    emaDecay = try section.optionalNumber(.emaDecay, in: 0...0.999_999)
    rolloutSteps = try section.integer(.rolloutSteps, in: 1...64, default: 1)
    matmulPrecision = try section.choice(.matmulPrecision, default: MatmulPrecision.highest)
  }

  /// Writes the keys of the run file.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    switch length {
    case .steps(let steps): try box.encode(steps, forKey: .steps)
    case .epochs(let epochs): try box.encode(epochs, forKey: .epochs)
    }
    try box.encode(batchSize, forKey: .batchSize)
    try box.encode(learningRate, forKey: .learningRate)
    try box.encode(finalLearningRate, forKey: .finalLearningRate)
    try box.encode(warmupSteps, forKey: .warmupSteps)
    try box.encode(optimiser, forKey: .optimiser)
    try box.encode(weightDecay, forKey: .weightDecay)
    try box.encode(betas, forKey: .betas)
    try box.encodeIfPresent(gradientClip, forKey: .gradientClip)
    try box.encode(loss, forKey: .loss)
    try box.encode(channelWeights, forKey: .channelWeights)
    if spectralWeight > 0 {
      try box.encode(spectralWeight, forKey: .spectralWeight)
      try box.encode(spectralLoss, forKey: .spectralLoss)
    }
    try box.encodeIfPresent(emaDecay, forKey: .emaDecay)
    try box.encode(rolloutSteps, forKey: .rolloutSteps)
    // What was trained before there was a choice keeps its fingerprint.
    if matmulPrecision != .highest { try box.encode(matmulPrecision, forKey: .matmulPrecision) }
  }
}
