import Fields

/// How trajectories become files and come back.
public protocol RunStore: Sendable {
  /// Writes one member; nothing stands under `path` before the file is whole.
  /// - Returns: what a reader will find: the trajectory itself, or rounded as the file rounds it.
  func write(_ trajectory: Trajectory, of member: MemberIdentity, to path: String) throws -> Trajectory
  /// Reads a member's file back, bit for bit.
  func read(_ path: String) throws -> Trajectory
  /// Writes a statistic over members, values shaped as those of `shape`.
  func write(
    _ product: RunDirectory.Product, values: [Float], like shape: Trajectory, members: Int, to path: String)
    throws
}
