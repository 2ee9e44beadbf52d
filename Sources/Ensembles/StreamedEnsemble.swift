import Basics
import Fields
import Sphere

/// Mean, spread, minimum and maximum of members that come one at a time, from wherever: the exact sums of huge
/// ensembles. Any order of adding, on any number of threads, gives the same bits.
///
/// Memory: 36 bytes for every value of a trajectory, whatever the number of members (at most 65,535).
public final class StreamedEnsemble: Sendable {
  private let sums: EnsembleSums
  private let shape: Trajectory

  /// An ensemble without members.
  /// - Parameter reference: a trajectory that members are near, such as the mean of seeds: sums are of differences.
  public init(near reference: Trajectory) {
    shape = reference
    let size = SumsShape(
      leads: reference.leadHours.count, channels: reference.channels.count,
      points: reference.grid.pointCount)
    sums = EnsembleSums(
      shape: size, control: reference.values,
      bounds: CountedBounds(rows: .init(repeating: [], count: size.rows)), degrees: 0)
  }

  /// Adds a member; several threads may at once.
  /// - Parameters:
  ///   - values: [lead time][channel][point].
  ///   - number: the member's number.
  public func add(_ values: [Float], number: Int) {
    let padded = AlignedBuffer<Float>(sums.shape.count)
    sums.shape.pad(values, into: padded.pointer)
    sums.add([padded], numbers: [Int32(number)], power: [], first: number % max(sums.shape.leads, 1))
  }

  /// What `members` members that were added say.
  public func products(members: Int) -> EnsembleProducts {
    EnsembleProducts(
      sums, memberRows: AlignedBuffer(0), members: members, initialTime: shape.initialTime,
      channels: shape.channels, grid: shape.grid, leadHours: shape.leadHours)
  }
}
