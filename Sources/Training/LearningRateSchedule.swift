import Foundation

/// Linear warm-up, then half a cosine down to the final rate.
public struct LearningRateSchedule: Sendable, Hashable {
  /// Rate after the warm-up.
  public var peak: Double
  /// Rate at the end.
  public var final: Double
  /// Steps of the warm-up.
  public var warmupSteps: Int
  /// All steps.
  public var steps: Int

  /// A schedule.
  public init(peak: Double, final: Double, warmupSteps: Int, steps: Int) {
    self.peak = peak
    self.final = final
    self.warmupSteps = warmupSteps
    self.steps = steps
  }

  /// The rate of a step, counted from 0.
  public func rate(_ step: Int) -> Double {
    if step < warmupSteps { return peak * Double(step + 1) / Double(warmupSteps) }
    let progress = Double(step - warmupSteps) / Double(max(steps - warmupSteps, 1))
    return final + (peak - final) * 0.5 * (1 + cos(.pi * min(progress, 1)))
  }
}
