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

  public var channels: [String] { checkpoint.channels }
  public var grid: SphereGrid { checkpoint.grid }
  public var stepHours: Int { checkpoint.stepHours }
  public var identifier: String { checkpoint.digest }

  private final class Workspace: ForecastWorkspace {
    let inner: CheckpointWorkspace
    init(_ checkpoint: Checkpoint) { inner = CheckpointWorkspace(checkpoint) }
  }

  public func makeWorkspace() -> any ForecastWorkspace { Workspace(checkpoint) }

  public func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    try requireFitting(state)
    guard let workspace = workspace as? Workspace else {
      throw ApusError(.internalFault, "workspace of another model", file: checkpoint.file)
    }
    return checkpoint.step(state, workspace.inner)
  }
}
