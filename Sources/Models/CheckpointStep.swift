import Basics
import Fields
import Operators
import Sphere

/// Scratch of one thread for `Checkpoint.step`.
public final class CheckpointWorkspace: @unchecked Sendable {
  fileprivate let network: SFNOWorkspace
  fileprivate let input: AlignedBuffer<Float>
  fileprivate let output: AlignedBuffer<Float>
  fileprivate let spectrum: AlignedBuffer<Float>
  fileprivate let transform: TransformWorkspace<Float>?
  /// Powers, then factors, of degrees.
  fileprivate let gain: AlignedBuffer<Double>

  /// Room for one sample of `checkpoint`.
  public init(_ checkpoint: Checkpoint) {
    network = checkpoint.network.makeWorkspace()
    let points = checkpoint.grid.pointCount
    input = AlignedBuffer((checkpoint.channels.count + checkpoint.features.features.count) * points)
    output = AlignedBuffer(checkpoint.channels.count * points)
    let count = checkpoint.channels.count
    spectrum = AlignedBuffer(checkpoint.truncation?.coefficientCount(count) ?? 0)
    transform = checkpoint.truncation?.makeWorkspace(count)
    gain = AlignedBuffer(checkpoint.tuning == nil ? 0 : count * checkpoint.degrees)
  }
}

extension Checkpoint {
  /// The state one step later: z-score, append features of the input time, network, physical units again.
  ///
  /// Degrees that analyses do not have are taken out of the forecast too: no data ever told the network what
  /// to do with them, and fed back they grow from rounding to a blow-up within some 200 steps.
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
    if let truncation, let transform = workspace.transform {
      let (fields, spectrum) = (workspace.output.pointer, workspace.spectrum.pointer)
      truncation.forward(fields, count: channels.count, into: spectrum, transform)
      tuning?.apply(to: spectrum, truncation, workspace.gain.pointer)
      truncation.inverse(spectrum, count: channels.count, into: fields, transform)
      tuning?.limits?.apply(to: fields, count: channels.count * points)
    }
    let values = [Float](unsafeUninitializedCapacity: channels.count * points) { target, filled in
      if let base = target.baseAddress {
        normalisation.restore(workspace.output.pointer, into: base, points: points)
      }
      filled = channels.count * points
    }
    return State(channels: channels, grid: grid, time: state.time.adding(hours: stepHours), values: values)
  }
}
