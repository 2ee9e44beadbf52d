import Basics
import Fields
import Models
import Sphere

/// A checkpoint as a forecast model.
public struct CheckpointForecastModel: ForecastModel {
  /// The checkpoint.
  public let checkpoint: Checkpoint

  /// The model of a checkpoint.
  public init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

  /// See `ForecastModel`.
  public var channels: [String] { checkpoint.channels }
  /// See `ForecastModel`.
  public var grid: SphereGrid { checkpoint.grid }
  /// See `ForecastModel`.
  public var stepHours: Int { checkpoint.stepHours }
  /// See `ForecastModel`.
  public var identifier: String { checkpoint.digest }
  /// See `ForecastModel`.
  public var name: String { checkpoint.file }

  private final class Workspace: ForecastWorkspace {
    let inner: CheckpointWorkspace
    init(_ checkpoint: Checkpoint) { inner = CheckpointWorkspace(checkpoint) }
  }

  /// See `ForecastModel`.
  public func makeWorkspace() -> any ForecastWorkspace { Workspace(checkpoint) }

  /// See `ForecastModel`.
  public func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    try requireFitting(state)
    guard let workspace = workspace as? Workspace else {
      throw ApusError(.internalFault, "workspace of another model", file: checkpoint.file)
    }
    return checkpoint.step(state, workspace.inner)
  }
}
