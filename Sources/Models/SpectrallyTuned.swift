import Fields
import Sphere

/// A forecaster whose diffusion can be tuned (`StepTuning`).
public protocol SpectrallyTuned: Sendable {
  /// The grid of states.
  var grid: SphereGrid { get }
  /// States have degrees l below this.
  var degrees: Int { get }
  /// Hours of a step.
  var stepHours: Int { get }
  /// z-scores of states, and their channels.
  var normalisation: Normalisation { get }
  /// The file that it is from, for messages.
  var file: String { get }

  /// The same forecaster with another tuning.
  /// - Throws: `ApusError` of kind `badData` where it does not fit.
  func with(tuning: StepTuning) throws -> Self

  /// What takes a forecast from `initial` a step on, again and again; for one thread.
  func stepper(from initial: Instant) -> (State) -> State
}

extension Checkpoint: SpectrallyTuned {
  /// The same checkpoint, its provenance too, with another tuning.
  /// - Throws: `ApusError` of kind `badData` where it does not fit.
  public func with(tuning: StepTuning) throws -> Checkpoint {
    try with(tuning: tuning, provenance: provenance)
  }

  /// Steps of the control.
  public func stepper(from initial: Instant) -> (State) -> State {
    let workspace = CheckpointWorkspace(self)
    return { self.step($0, workspace) }
  }
}
