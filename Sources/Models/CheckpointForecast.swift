import Fields

/// A forecast by one checkpoint from one state, as far as it has come.
public struct CheckpointForecast {
  /// What makes the steps.
  public let checkpoint: Checkpoint
  /// The state that it has come to, physical units.
  public private(set) var state: State
  /// Steps made.
  public private(set) var steps = 0
  private let workspace: CheckpointWorkspace

  /// A forecast that starts from `state`, on the checkpoint's grid and with its channels.
  public init(_ checkpoint: Checkpoint, from state: State) {
    self.checkpoint = checkpoint
    self.state = state
    workspace = CheckpointWorkspace(checkpoint)
  }

  /// Hours since its start.
  public var leadHours: Int { steps * checkpoint.stepHours }
  /// Whether every value is a number.
  public var isFinite: Bool { state.values.allSatisfy(\.isFinite) }

  /// One step on.
  public mutating func step() {
    state = checkpoint.step(state, workspace)
    steps += 1
  }

  /// Steps on until `hours` after the start, or the first step beyond.
  public mutating func advance(toHours hours: Int) {
    while leadHours < hours { step() }
  }
}
