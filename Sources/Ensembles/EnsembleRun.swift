import Basics
import Fields
import Foundation
import Synchronization

/// Runs a plan into a directory: blocks of members in parallel, products as soon as an initial time is complete.
///
/// Finished files and blocks are kept and not made again, so a run that was interrupted goes on where it stopped,
/// and ends with the same bytes. Files of finished initial times are compared with their checksums first. A member that
/// blows up is noted under `failed/`, its initial time gets no products, all else goes on, and the run ends with the
/// error. Other errors end it at once.
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
    /// Initial times of which other shards hold members; `apus merge` makes their products.
    public var partial = 0

    /// Counts.
    public init(made: Int = 0, kept: Int = 0, failed: Int = 0, products: Int = 0, partial: Int = 0) {
      self.made = made
      self.kept = kept
      self.failed = failed
      self.products = products
      self.partial = partial
    }
  }

  /// A part of a run: index and count.
  public typealias Shard = (index: Int, count: Int)

  let forecaster: EnsembleForecaster
  let plan: WorkPlan
  let directory: RunDirectory
  let store: any RunStore
  let sums: SumsPlan
  let run: String
  let threads: Int
  let output: MemberOutput
  let saveEvery: Duration
  let blocks: [[MemberIdentity]]

  /// Prepares a run; nothing is written yet.
  /// - Parameters:
  ///   - run: fingerprint of what decides the members; partial sums of another one are refused.
  ///   - output: which members are written, and what of them; products are the same whatever it says.
  ///   - saveEvery: how often partial sums are saved; at most this much work is lost by a kill.
  public init(
    forecaster: EnsembleForecaster, plan: WorkPlan, directory: RunDirectory, store: any RunStore,
    sums: SumsPlan = .momentsOnly, run: String = "", threads: Int = Parallel.defaultThreads,
    output: MemberOutput = .all, saveEvery: Duration = .seconds(300)
  ) {
    self.forecaster = forecaster
    self.plan = plan
    self.directory = directory
    self.store = store
    self.sums = sums
    self.run = run
    self.threads = threads
    self.output = output
    self.saveEvery = saveEvery
    blocks = plan.blocks
  }

  /// Does what is left to do.
  /// - Parameters:
  ///   - shard: only a part of the members; products of initial times that other shards have members of are left
  ///     to `merge`.
  ///   - meter: told about every step.
  ///   - warn: told about files that were damaged and set aside.
  ///   - isStopped: asked after every step; true ends the run cleanly with `tryAgainLater`.
  /// - Throws: `ApusError`; `internalFault` at the end where members blew up.
  public func run(
    shard: Shard? = nil, meter: any RunMeter = SilentMeter(),
    warn: @escaping @Sendable (String) -> Void = { _ in },
    isStopped: @escaping @Sendable () -> Bool = { false }
  ) throws -> Summary {
    guard plan.members.count <= EnsembleSums.mostMembers else {
      throw ApusError(
        .badRunFile, "too many members of one initial time", variable: "perturbation.pairs",
        found: "\(plan.members.count)", expected: "at most \(EnsembleSums.mostMembers)",
        advice: "Split them into runs with other seeds.")
    }
    let all = plan.initialTimes.map { (initialTime: $0, blocks: 0..<blocks.count) }
    let parts = shard.map { plan.shard($0.index, of: $0.count) } ?? all
    try setAsideChanged(parts, warn: warn, isStopped: isStopped)
    var summary = Summary()
    var todo: [(initialTime: Instant, blocks: Range<Int>)] = []
    for part in parts {
      if isUnfinished(part.initialTime) {
        todo.append(part)
      } else {
        summary.kept += blocks[part.blocks].reduce(0) { $0 + $1.count }
        // A run that was killed between its last product and the list.
        try seal(part.initialTime)
      }
    }
    for part in todo {
      RunDirectory.remove(
        blocks[part.blocks].joined().map { directory.failure($0.number, at: part.initialTime) })
    }
    meter.begin(
      members: todo.reduce(0) { $0 + blocks[$1.blocks].reduce(0) { $0 + $1.count } },
      stepsPerMember: forecaster.stepsPerMember, finishedTimes: plan.initialTimes.count - todo.count)
    defer { meter.end() }
    // Dates with sums on disk one by one, so that one date's sums are in memory at a time.
    let begun = todo.filter { !directory.partialFiles(at: $0.initialTime).isEmpty }
    let fresh = todo.filter { directory.partialFiles(at: $0.initialTime).isEmpty }
    let pass = RunPass(self, shard: shard, meter: meter, warn: warn, isStopped: isStopped)
    for part in begun { try pass.work(on: [part]) }
    try pass.work(on: fresh)
    let (passed, failure) = pass.outcome
    summary.made += passed.made
    summary.kept += passed.kept
    summary.failed += passed.failed
    summary.products += passed.products
    summary.partial += passed.partial
    if let failure {
      throw ApusError(
        .internalFault, "\(summary.failed) of \(plan.items.count) members failed; first: \(failure.problem)",
        file: directory.path + "/failed", variable: failure.variable, found: failure.found,
        expected: failure.expected, advice: failure.advice)
    }
    return summary
  }

  /// Makes the products of initial times whose members lie in the partial sums of shards.
  /// - Returns: how many products were written, and the initial times that lack members, with how many.
  /// - Throws: `ApusError` of kind `badData` where a file is damaged, of another run, or two hold the same members.
  public func merge() throws -> (written: Int, lacking: [(Instant, members: Int)]) {
    var (written, lacking) = (0, [(Instant, members: Int)]())
    for time in plan.initialTimes {
      if hasProducts(at: time) {
        // Files that were lost since are not to be passed over.
        let lost = plan.members.count { lacksFile($0, at: time) }
        if lost > 0 { lacking.append((time, lost)) } else { try seal(time) }
        continue
      }
      let work = try dateWork(at: time)
      try PartialFiles(directory, time).merge(into: work)
      let missing = Set(blocks.indices).subtracting(work.blocks)
      if missing.isEmpty {
        try writeProducts(work)
        try seal(time)
        written += 1
      } else {
        lacking.append((time, missing.reduce(0) { $0 + blocks[$1].count }))
      }
    }
    return (written, lacking)
  }

  /// Empty sums of an initial time, about its control forecast.
  func dateWork(at time: Instant) throws -> DateWork {
    try DateWork(
      sums, control: forecaster.member(plan.members[0], at: time), forecaster: forecaster,
      members: plan.members.count, run: run)
  }

  func hasProducts(at time: Instant) -> Bool {
    directory.hasProducts(at: time) && sums.files(time).allSatisfy(RunDirectory.exists)
  }

  func isUnfinished(_ time: Instant) -> Bool {
    !hasProducts(at: time) || plan.members.contains { lacksFile($0, at: time) }
  }

  /// Whether a member is to have a file and has none.
  func lacksFile(_ member: MemberIdentity, at time: Instant) -> Bool {
    output.keeps(member.number) && !RunDirectory.exists(directory.memberFile(member.number, at: time))
  }

  /// Writes the products of complete sums and removes the partial ones.
  func writeProducts(_ work: DateWork) throws {
    let products = work.products()
    try sums.write(products)
    for product in RunDirectory.Product.allCases {
      let values = products.values(of: product)
      let shape = Trajectory(
        initialTime: work.time, channels: products.channels, grid: products.grid,
        leadHours: products.leadHours,
        values: values)
      try store.write(
        product, values: values, like: shape, members: products.members,
        to: directory.product(product, at: work.time))
    }
    RunDirectory.remove([directory.partials(at: work.time)])
  }

  func note(_ error: ApusError, of member: MemberIdentity, at time: Instant) throws {
    let fields = ["member": "\(member.number)", "initial_time": "\(time)", "problem": "\(error)"]
    try WholeFile.write(
      SortedJSON.data(fields, isPretty: true), to: directory.failure(member.number, at: time))
  }
}
