import Basics
import Fields
import Foundation
import Synchronization

/// One pass over blocks of members: who does them, what becomes of their sums.
final class RunPass: Sendable {
  typealias Part = (initialTime: Instant, blocks: Range<Int>)

  /// Sums of an initial time in work; made by the first thread that needs them.
  private final class DateSlot: Sendable {
    struct Content {
      var work: DateWork?
      var isHopeless = false
      /// Blocks that are in sums or products already: of them only files of members may be missing.
      var counted: Set<Int> = []
      var left = 0
      var failures = 0
    }
    let content = Mutex(Content())
  }

  private let run: EnsembleRun
  private let shard: EnsembleRun.Shard?
  private let meter: any RunMeter
  private let warn: @Sendable (String) -> Void
  private let isStopped: @Sendable () -> Bool
  private let writer: MemberWriter
  private let pool: WorkspacePool
  private let controls: ControlCache
  private let results = Mutex((summary: EnsembleRun.Summary(), failure: ApusError?.none))
  private let scratch: [ThreadScratch]

  /// Unchecked: used by the thread of its number alone.
  private final class ThreadScratch: @unchecked Sendable { let sums = SumsWorkspace() }

  init(
    _ run: EnsembleRun, shard: EnsembleRun.Shard?, meter: any RunMeter,
    warn: @escaping @Sendable (String) -> Void,
    isStopped: @escaping @Sendable () -> Bool
  ) {
    self.run = run
    self.shard = shard
    self.meter = meter
    self.warn = warn
    self.isStopped = isStopped
    writer = MemberWriter(capacity: run.threads)
    pool = WorkspacePool(models: run.forecaster.models, threads: run.threads)
    controls = ControlCache(limit: 8 * run.forecaster.models.count * max(run.forecaster.settings.cycles, 1))
    scratch = (0..<max(run.threads, 1)).map { _ in ThreadScratch() }
  }

  var outcome: (EnsembleRun.Summary, ApusError?) { results.withLock { ($0.summary, $0.failure) } }

  /// Makes what is not yet made of some initial times.
  func work(on parts: [Part]) throws {
    var units: [(date: Int, block: Int)] = []
    let slots = parts.map { _ in DateSlot() }
    for (date, part) in parts.enumerated() {
      try run.forgetMissing(at: part.initialTime)
      var counted: Set<Int> = []
      if run.hasProducts(at: part.initialTime) {
        counted = Set(part.blocks)
      } else if !run.directory.partialFiles(at: part.initialTime).isEmpty {
        let work = try begun(part.initialTime)
        let others =
          try shard.map {
            try PartialFiles(run.directory, part.initialTime).blocksOfOthers(
              than: run.directory.partial($0, at: part.initialTime), work: work)
          } ?? []
        counted = work.blocks.union(others)
        slots[date].content.withLock { $0.work = work }
      }
      let blocks = part.blocks.filter { block in
        let isDone =
          counted.contains(block)
          && !run.blocks[block].contains { run.lacksFile($0, at: part.initialTime) }
        if isDone { for member in run.blocks[block] { keep(member, at: part.initialTime) } }
        return !isDone
      }
      slots[date].content.withLock { [counted] in
        $0.left = blocks.count
        $0.counted = counted
      }
      if blocks.isEmpty { try finish(slots[date], at: part.initialTime) }
      units += blocks.map { (date, $0) }
    }
    let todo = units
    do {
      try Parallel.forEach(todo.count, threads: run.threads) { index, thread in
        let (date, block) = todo[index]
        try make(block, at: parts[date].initialTime, slots[date], thread: thread)
      }
    } catch {
      // Members that were handed over are finished; what is counted and has no file is made again.
      try? writer.drain()
      // What stopped the run is what is reported.
      for slot in slots { if let work = slot.content.withLock({ $0.work }) { try? save(work) } }
      throw error
    }
  }

  /// Sums with what is on disk.
  private func begun(_ time: Instant) throws -> DateWork {
    let work = try run.dateWork(at: time)
    let own = shard.map { run.directory.partial($0, at: time) }
    try PartialFiles(run.directory, time).merge(into: work, only: own) { error in
      self.warn("set aside, its members are made again: \(error)")
    }
    return work
  }

  private func make(_ block: Int, at time: Instant, _ slot: DateSlot, thread: Int) throws {
    let isCounted = slot.content.withLock { $0.counted.contains(block) }
    let work = isCounted ? nil : try dateWork(slot, at: time)
    var members: [(member: MemberIdentity, Trajectory)] = []
    var perturbation: (pair: Int, values: [Float])?
    var isWhole = true
    for member in run.blocks[block] {
      do {
        let made = try trajectory(
          of: member, at: time, isCounted: isCounted, hasSums: work != nil, &perturbation, thread)
        if let made { members.append((member, made)) }
      } catch let error as ApusError where error.kind == .internalFault {
        isWhole = false
        try run.note(error, of: member, at: time)
        meter.failed(member, at: time, error)
        results.withLock { results in
          results.summary.failed += 1
          results.failure = results.failure ?? error
        }
      }
    }
    if let work, isWhole {
      try work.add(block, members, workspace: scratch[thread].sums)
      if savesSums, work.isDue(run.saveEvery) { try save(work) }
    }
    let isLast = slot.content.withLock { content in
      content.left -= 1
      return content.left == 0
    }
    if isLast { try finish(slot, at: time) }
  }

  /// The sums of an initial time; nil where nobody needs them.
  private func dateWork(_ slot: DateSlot, at time: Instant) throws -> DateWork? {
    try slot.content.withLock { content in
      if let work = content.work { return work }
      if content.isHopeless || run.hasProducts(at: time) { return nil }
      do {
        let work = try run.dateWork(at: time)
        content.work = work
        return work
      } catch let error as ApusError where error.kind == .internalFault {
        // The control blew up; the block that it is in notes that.
        content.isHopeless = true
        return nil
      }
    }
  }

  private func keep(_ member: MemberIdentity, at time: Instant) {
    results.withLock { $0.summary.kept += 1 }
    meter.skipped(member, at: time)
  }

  /// A member's forecast, its file written where the run keeps it: read where the files are whole, else made; nil where
  /// there is nothing left to do for it.
  /// - Parameters:
  ///   - isCounted: the member is in the sums already.
  ///   - hasSums: there are sums to add it to.
  private func trajectory(
    of member: MemberIdentity, at time: Instant, isCounted: Bool, hasSums: Bool,
    _ perturbation: inout (pair: Int, values: [Float])?, _ thread: Int
  ) throws -> Trajectory? {
    let file = run.directory.memberFile(member.number, at: time)
    var lacksFile = run.lacksFile(member, at: time)
    if isCounted && !lacksFile {
      keep(member, at: time)
      return nil
    }
    if run.output.keeps(member.number) && !lacksFile {
      if !hasSums {
        keep(member, at: time)
        return nil
      }
      // Where the file may have a part of the member only, what sums need is made again.
      if run.output.isWhole {
        if let whole = try read(file) {
          keep(member, at: time)
          return whole
        }
        lacksFile = true
      }
    }
    let forecaster = run.forecaster
    let workspace = pool.workspace(thread: thread, checkpoint: member.checkpoint)
    if let pair = member.perturbation, perturbation?.pair != pair {
      perturbation = (
        pair,
        try forecaster.perturbation(
          at: time, checkpoint: member.checkpoint, pair: pair,
          workspaces: { pool.workspace(thread: thread, checkpoint: $0) }, controls: controls)
      )
    }
    let start = try forecaster.initialState(
      of: member, at: time, perturbation: perturbation?.values ?? [], workspace: workspace)
    let made = try forecaster.trajectory(of: member, from: start, workspace: workspace) { hours, state in
      if isStopped() {
        throw ApusError(.tryAgainLater, "stopped on request", advice: "Run the same command to go on.")
      }
      // A full disk need not be forecast for.
      try writer.check()
      meter.stepped(member, leadHours: hours, state: state)
    }
    let kept = run.store.rounded(made)
    if lacksFile {
      let store = run.store
      try writer.add { try store.write(kept, of: member, to: file) }
    }
    results.withLock { $0.summary.made += 1 }
    return kept
  }

  /// A member's file read again; nil where it was damaged, and is set aside.
  private func read(_ file: String) throws -> Trajectory? {
    do { return try run.store.read(file) } catch let error as ApusError
      where error.kind == .badData || error.kind == .inputOutput
    {
      RunDirectory.setAside(file)
      warn("set aside, made again: \(error)")
      return nil
    }
  }

  /// After the last block that this pass has of an initial time: products, or sums for others; checksums, where that
  /// was the last of it.
  private func finish(_ slot: DateSlot, at time: Instant) throws {
    let work = slot.content.withLock { content in
      defer { content.work = nil }
      return content.work
    }
    // Products stand for members that are on disk.
    try writer.drain()
    if let work {
      if work.blocks.count == run.blocks.count {
        try run.writeProducts(work)
        results.withLock { $0.summary.products += 1 }
      } else {
        try save(work)
        if shard != nil { results.withLock { $0.summary.partial += 1 } }
      }
    }
    try run.seal(time)
  }

  /// Members that are kept whole can be read again; of others sums are all there is.
  private var savesSums: Bool { shard != nil || !run.output.isWhole }

  private func save(_ work: DateWork) throws {
    guard savesSums else { return }
    let directory = run.directory.partials(at: work.time)
    do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch
    {
      throw ApusError(.cannotCreateOutput, "cannot create the directory", file: directory)
    }
    try work.save(to: partial(work.time))
    // A run without shards has taken in all other files.
    if shard == nil {
      RunDirectory.remove(run.directory.partialFiles(at: work.time).filter { $0 != partial(work.time) })
    }
  }

  private func partial(_ time: Instant) -> String { run.directory.partial(shard ?? (0, 1), at: time) }
}
