import Basics
import Fields
import Operators
import Sphere

/// Scratch of one thread for `Checkpoint.step`.
public final class CheckpointWorkspace: @unchecked Sendable {
  fileprivate let network: SFNOWorkspace
  fileprivate let input: AlignedBuffer<Float>
  fileprivate let output: AlignedBuffer<Float>

  /// Room for one sample of `checkpoint`.
  public init(_ checkpoint: Checkpoint) {
    network = checkpoint.network.makeWorkspace()
    let points = checkpoint.grid.pointCount
    input = AlignedBuffer((checkpoint.channels.count + checkpoint.features.features.count) * points)
    output = AlignedBuffer(checkpoint.channels.count * points)
  }
}

extension Checkpoint {
  /// The state one step later: z-score, append features of the input time, network, physical units again.
  ///
  /// One sample at a time with fixed shapes, so a state's bits do not depend on what else is computed.
  public func step(_ state: State, _ workspace: CheckpointWorkspace) -> State {
    precondition(state.channels == channels && state.grid == grid)
    let points = grid.pointCount
    state.values.withUnsafeBufferPointer { values in
      if let base = values.baseAddress {
        normalisation.normalise(base, into: workspace.input.pointer, points: points)
      }
    }
    features.fill(workspace.input.pointer + channels.count * points, at: state.time)
    network.forward(
      weights, input: workspace.input.pointer, output: workspace.output.pointer, workspace.network)
    let values = [Float](unsafeUninitializedCapacity: channels.count * points) { target, filled in
      if let base = target.baseAddress {
        normalisation.restore(workspace.output.pointer, into: base, points: points)
      }
      filled = channels.count * points
    }
    return State(channels: channels, grid: grid, time: state.time.adding(hours: stepHours), values: values)
  }
}
