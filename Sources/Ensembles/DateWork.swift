import Basics
import Fields
import Foundation
import Sphere
import Synchronization

/// The sums of one initial time while its members are made: adds blocks, saves, loads, ends in products.
final class DateWork: Sendable {
  let time: Instant
  let sums: EnsembleSums
  /// [member number][row].
  private let rows: AlignedBuffer<Float>
  private let row: SumsPlan.MemberRow
  private let plan: SumsPlan
  private let forecaster: EnsembleForecaster
  private let members: Int
  private let run: String
  /// Adding shares, saving stops it.
  private let gate = ReadersWriterLock()
  private let done = Mutex<(blocks: Set<Int>, saved: ContinuousClock.Instant)>(([], .now))

  /// Empty sums for the members of an initial time.
  /// - Parameters:
  ///   - control: the control forecast.
  ///   - members: how many there will be.
  ///   - run: fingerprint of the run.
  init(
    _ plan: SumsPlan, control: Trajectory, forecaster: EnsembleForecaster, members: Int, run: String
  ) throws {
    self.plan = plan
    self.forecaster = forecaster
    self.members = members
    self.run = run
    time = control.initialTime
    let shape = SumsShape(
      leads: control.leadHours.count, channels: control.channels.count, points: control.grid.pointCount)
    let scales = (0..<shape.channels).map {
      EnsembleProducts.scale(EnsembleSums.tick(control.values[$0 * shape.points..<($0 + 1) * shape.points]))
    }
    var bounds = try plan.bounds(time, scales)
    if bounds.rows.isEmpty { bounds = CountedBounds(rows: Array(repeating: [], count: shape.rows)) }
    sums = EnsembleSums(shape: shape, control: control.values, bounds: bounds, degrees: plan.degrees)
    row = try plan.memberRow(time)
    rows = AlignedBuffer(members * row.length)
  }

  /// Blocks that are in the sums.
  var blocks: Set<Int> { done.withLock { $0.blocks } }

  /// Adds a block's members.
  func add(_ block: Int, _ trajectories: [(member: MemberIdentity, Trajectory)], workspace: SumsWorkspace)
    throws
  {
    try workspace.prepare(trajectories.map { ($0.member.number, $0.1) }, sums: sums)
    let own = try trajectories.map { try row.values($0.1) }
    gate.sharing {
      sums.add(
        workspace.members, numbers: workspace.numbers, power: workspace.power,
        first: block % max(sums.shape.leads, 1))
      for (values, trajectory) in zip(own, trajectories) {
        for (i, x) in values.enumerated() { rows.pointer[trajectory.member.number * row.length + i] = x }
      }
      done.withLock { _ = $0.blocks.insert(block) }
    }
  }

  private func header(_ blocks: Set<Int>) -> PartialFile.Header {
    PartialFile.Header(
      run: run + " " + plan.fingerprint, initialTime: "\(time)", shape: sums.shape,
      counts: sums.bounds.rowCount, degrees: plan.degrees, rowLength: members * row.length,
      blocks: blocks.sorted())
  }

  /// Whether the sums were last saved longer ago than `interval`; says so once.
  func isDue(_ interval: Duration) -> Bool {
    done.withLock { done in
      guard ContinuousClock.now - done.saved >= interval else { return false }
      done.saved = .now
      return true
    }
  }

  /// Saves the sums.
  func save(to path: String) throws {
    try gate.alone {
      let blocks = done.withLock { $0.blocks }
      guard !blocks.isEmpty else { return }
      try PartialFile.write(sums, rows: rows, header: header(blocks), to: path)
    }
  }

  /// Adds the sums of a file.
  /// - Throws: `ApusError` of kind `badData` where the file is damaged, of another run, or has blocks that are
  ///   in the sums already.
  func merge(_ file: PartialFile) throws {
    try check(file)
    let blocks = Set(file.header.blocks)
    let common = blocks.intersection(self.blocks)
    guard common.isEmpty else {
      throw ApusError(
        .badData, "two files of partial sums hold the same members", file: file.path,
        found: "\(common.count) of its \(blocks.count) blocks are in others too",
        expected: "shards of one split", advice: "Remove it and run the same command again.")
    }
    let other = EnsembleSums(shape: sums.shape, like: sums)
    let otherRows = AlignedBuffer<Float>(rows.count)
    try file.read(into: other, rows: otherRows)
    gate.alone {
      sums.merge(other)
      // A member's row is 0 where the member is not in the file.
      for i in 0..<rows.count { rows.pointer[i] += otherRows.pointer[i] }
      done.withLock { $0.blocks.formUnion(blocks) }
    }
  }

  /// - Throws: `ApusError` of kind `badData` where a file's sums are of another run.
  func check(_ file: PartialFile) throws {
    let expected = header(Set(file.header.blocks))
    guard file.header == expected else {
      throw ApusError(
        .badData, "the partial sums are of another run", file: file.path,
        found: "\(file.header.run), \(file.header.initialTime), \(file.header.rowLength) numbers of members",
        expected: "\(expected.run), \(expected.initialTime), \(expected.rowLength) numbers of members",
        advice:
          "The run file's products or number of pairs changed: remove the file, or choose another --output.")
    }
  }

  /// What the sums say.
  func products() -> EnsembleProducts {
    EnsembleProducts(
      sums, memberRows: rows, members: members, initialTime: time, channels: forecaster.channels,
      grid: forecaster.grid, leadHours: forecaster.leadHours)
  }
}
