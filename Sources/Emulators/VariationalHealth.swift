import Foundation

/// What tells whether prior and posterior carry anything (spec/emulators.md 5a): measured on validation samples.
public struct VariationalHealth: Sendable, Codable, CustomStringConvertible {
  /// Divergence of posterior from prior, nat a cell, by latent channel.
  public var divergence: [Double]
  /// Mean of |mu| of the prior, and the standard deviation over space and samples of its lambda: what depends on the flow.
  public var priorMean, priorLogVarianceDeviation: Double
  /// Almost fair CRPS of one step: members of the prior, of the posterior, without noise (e = 0), and with the prior's
  /// mean distribution in place of today's.
  public var priorCRPS, posteriorCRPS, noiselessCRPS, constantPriorCRPS: Double
  /// Spread of the prior's members over their mean's error, after one step.
  public var spreadSkillRatio: Double

  /// Whether the prior collapsed: what it says of today makes no difference to the score.
  public var priorHasCollapsed: Bool {
    priorLogVarianceDeviation < 0.05 && (constantPriorCRPS - priorCRPS) / priorCRPS < 0.002
  }

  /// One line for the log.
  public var description: String {
    let largest = divergence.max() ?? 0
    let mean = divergence.reduce(0, +) / Double(max(divergence.count, 1))
    return String(
      format:
        "KL %.4f (largest channel %.4f) | prior |mu| %.3f, sd(lambda) %.3f | CRPS prior %.4f posterior %.4f noiseless %.4f constant prior %.4f | spread/skill %.2f%@",
      mean, largest, priorMean, priorLogVarianceDeviation, priorCRPS, posteriorCRPS, noiselessCRPS,
      constantPriorCRPS, spreadSkillRatio, priorHasCollapsed ? " | THE PRIOR HAS COLLAPSED" : "")
  }
}
