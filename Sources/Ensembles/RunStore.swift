import Fields

/// How trajectories become files and come back.
public protocol RunStore: Sendable {
  /// A member as its file has it, rounded: what products are made of, whether a file is written or not.
  func rounded(_ trajectory: Trajectory) -> Trajectory
  /// Writes one member that `rounded` gave, or the part of it that the run keeps; nothing stands under `path` before the
  /// file is whole.
  func write(_ trajectory: Trajectory, of member: MemberIdentity, to path: String) throws
  /// Reads a member's file back, bit for bit; only of runs that keep members whole.
  func read(_ path: String) throws -> Trajectory
  /// Writes a statistic over members, values shaped as those of `shape`.
  func write(
    _ product: RunDirectory.Product, values: [Float], like shape: Trajectory, members: Int, to path: String)
    throws
}
