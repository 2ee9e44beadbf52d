import Basics
import Fields
import Foundation
import Synchronization

/// Runs a plan into a directory: members in parallel, products as soon as an initial time is complete.
///
/// Finished files are kept and not made again, so a run that was interrupted goes on where it stopped, and
/// ends with the same bytes. A member that blows up is noted under `failed/`, its initial time gets no
/// products, all else goes on, and the run ends with the error. Other errors end it at once.
public struct EnsembleRun: Sendable {
  /// What happened.
  public struct Summary: Sendable, Codable, Hashable {
    /// Members forecast now.
    public var made = 0
    /// Members found finished.
    public var kept = 0
    /// Members that blew up.
    public var failed = 0
    /// Initial times whose products were written now.
    public var products = 0
  }

  /// Work of one thread at a time: the members of one perturbation, which is bred once for both.
  struct Unit: Sendable {
    let initialTime: Instant
    let members: [(index: Int, identity: MemberIdentity)]
  }

  private let forecaster: EnsembleForecaster
  private let plan: WorkPlan
  private let directory: RunDirectory
  private let store: any RunStore
  private let threads: Int
  private let keepsMembers: Bool

  /// Prepares a run; nothing is written yet.
  /// - Parameter keepsMembers: false writes products alone.
  public init(
    forecaster: EnsembleForecaster, plan: WorkPlan, directory: RunDirectory, store: any RunStore,
    threads: Int = Parallel.defaultThreads, keepsMembers: Bool = true
  ) {
    self.forecaster = forecaster
    self.plan = plan
    self.directory = directory
    self.store = store
    self.threads = threads
    self.keepsMembers = keepsMembers
  }

  /// Does what is left to do.
  /// - Parameters:
  ///   - initialTimes: those of the plan to work on (a shard); by default all.
  ///   - meter: told about every step.
  ///   - isStopped: asked after every step; true ends the run cleanly with `tryAgainLater`.
  /// - Throws: `ApusError`; `internalFault` at the end where members blew up.
  public func run(
    initialTimes: [Instant]? = nil, meter: any RunMeter = SilentMeter(),
    isStopped: @Sendable () -> Bool = { false }
  ) throws -> Summary {
    let todo = (initialTimes ?? plan.initialTimes).filter(isUnfinished)
    let units = todo.flatMap(units(at:))
    for time in Set(todo) { RunDirectory.remove(plan.members.map { directory.failure($0.number, at: time) }) }
    let done = (initialTimes ?? plan.initialTimes).count - todo.count
    meter.begin(
      members: todo.count * plan.members.count, stepsPerMember: forecaster.stepsPerMember, finishedTimes: done
    )
    defer { meter.end() }

    let statistics = Dictionary(
      uniqueKeysWithValues: todo.map { ($0, OrderedStatistics(members: plan.members.count)) })
    let needsProducts = Set(todo.filter { !directory.hasProducts(at: $0) })
    let pool = WorkspacePool(models: forecaster.models, threads: threads)
    let controls = ControlCache(limit: 8 * forecaster.models.count * max(forecaster.settings.cycles, 1))
    let outcome = Mutex((summary: Summary(kept: done * plan.members.count), failure: ApusError?.none))

    try Parallel.forEach(units.count, threads: threads) { index, thread in
      let unit = units[index]
      let time = unit.initialTime
      var perturbation: [Float]?
      for (place, member) in unit.members {
        let file = directory.memberFile(member.number, at: time)
        var trajectory: Trajectory?
        if keepsMembers, RunDirectory.exists(file) {
          if needsProducts.contains(time) { trajectory = try store.read(file) }
          outcome.withLock { $0.summary.kept += 1 }
          meter.skipped(member, at: time)
        } else {
          do {
            let workspace = pool.workspace(thread: thread, checkpoint: member.checkpoint)
            if let pair = member.perturbation, perturbation == nil {
              perturbation = try forecaster.perturbation(
                at: time, checkpoint: member.checkpoint, pair: pair, workspace: workspace, controls: controls)
            }
            let start = try forecaster.initialState(of: member, at: time, perturbation: perturbation ?? [])
            let made = try forecaster.trajectory(of: member, from: start, workspace: workspace) {
              hours, state in
              if isStopped() {
                throw ApusError(
                  .tryAgainLater, "stopped on request", advice: "Run the same command to go on.")
              }
              meter.stepped(member, leadHours: hours, state: state)
            }
            trajectory = keepsMembers ? try store.write(made, of: member, to: file) : made
            outcome.withLock { $0.summary.made += 1 }
          } catch let error as ApusError where error.kind == .internalFault {
            try note(error, of: member, at: time)
            meter.failed(member, at: time, error)
            outcome.withLock { outcome in
              outcome.summary.failed += 1
              outcome.failure = outcome.failure ?? error
            }
          }
        }
        guard needsProducts.contains(time), let trajectory,
          let (complete, shape) = statistics[time]?.add(trajectory, index: place)
        else { continue }
        try writeProducts(complete, shape: shape, at: time)
        outcome.withLock { $0.summary.products += 1 }
      }
    }
    let (summary, failure) = outcome.withLock { ($0.summary, $0.failure) }
    if let failure {
      throw ApusError(
        .internalFault, "\(summary.failed) of \(plan.items.count) members failed; first: \(failure.problem)",
        file: directory.path + "/failed", variable: failure.variable, found: failure.found,
        expected: failure.expected, advice: failure.advice)
    }
    return summary
  }

  private func isUnfinished(_ time: Instant) -> Bool {
    guard directory.hasProducts(at: time) else { return true }
    return keepsMembers
      && !plan.members.allSatisfy { RunDirectory.exists(directory.memberFile($0.number, at: time)) }
  }

  /// Members of a pair are neighbours in the plan and go together.
  func units(at time: Instant) -> [Unit] {
    var units: [Unit] = []
    for (index, member) in plan.members.enumerated() {
      if let last = units.last?.members.last?.identity, let pair = member.perturbation,
        last.perturbation == pair, last.checkpoint == member.checkpoint, let unit = units.popLast()
      {
        units.append(Unit(initialTime: time, members: unit.members + [(index, member)]))
      } else {
        units.append(Unit(initialTime: time, members: [(index, member)]))
      }
    }
    return units
  }

  private func writeProducts(_ statistics: StreamingStatistics, shape: Trajectory, at time: Instant) throws {
    for product in RunDirectory.Product.allCases {
      let values =
        switch product {
        case .mean: statistics.mean
        case .spread: statistics.spread
        case .minimum: statistics.minimum
        case .maximum: statistics.maximum
        }
      try store.write(
        product, values: values, like: shape, members: statistics.members,
        to: directory.product(product, at: time))
    }
  }

  private func note(_ error: ApusError, of member: MemberIdentity, at time: Instant) throws {
    let fields = ["member": "\(member.number)", "initial_time": "\(time)", "problem": "\(error)"]
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try WholeFile.write(encoder.encode(fields), to: directory.failure(member.number, at: time))
  }
}
