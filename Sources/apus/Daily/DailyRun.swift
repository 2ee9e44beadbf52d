import Basics
import Ensembles
import Fields
import Foundation
import Logging
import RunFiles

/// One start of `apus daily`: makes what is due, scores what came true, publishes, prunes. Whatever ends it,
/// the next start goes on (docs/daily.md).
final class DailyRun {
  let pipeline: String
  let output: String?
  let section: DailySection
  let places: DailyPlaces
  let now: Instant
  let due: [Instant]
  /// Dates that are not pruned: those that are due, with `--date` or without.
  let spared: Set<Instant>
  let isUsersDate: Bool
  let checksAll: Bool
  let threads: Int
  let logger: Logger
  let showsProgress: Bool
  private var made: [Instant] = []
  private var failures: [Instant: ApusError] = [:]
  private var publication: Publication { Publication(places: places) }

  /// Prepares a start; nothing is written yet.
  /// - Parameters:
  ///   - date: only this initial time, instead of what is due.
  ///   - checksAll: compare every published date with its checksums.
  init(
    _ run: EnsembleRunFile, section: DailySection, pipeline: String, output: String?, date: Instant?,
    now: Instant, checksAll: Bool, threads: Int, logger: Logger, showsProgress: Bool
  ) throws {
    self.pipeline = pipeline
    self.output = output
    self.section = section
    places = DailyPlaces(run, section: section)
    self.now = now
    let usual = DueDates.all(section, now: now)
    due = try date.map { try DueDates.one($0, section, now: now) } ?? usual
    spared = Set(due).union(usual)
    isUsersDate = date != nil
    self.checksAll = checksAll
    self.threads = threads
    self.logger = logger
    self.showsProgress = showsProgress
  }

  /// Does it.
  /// - Throws: `ApusError`: `tryAgainLater` where another run works, the newest analysis is missing, or on a
  ///   signal; `badData` where a published date is damaged; what a date that cannot be made ends with. All
  ///   else that can be done is done first.
  func run() throws -> DailySummary {
    try places.create()
    let locks = try places.locks.map { try RunLock($0) }
    defer { withExtendedLifetime(locks) {} }
    places.tidy()
    guard let newest = due.last, let oldest = due.first else { return summary(nil, scores: 0) }
    logger.info("daily run", metadata: ["newest": "\(newest.stamp)", "oldest": "\(oldest.stamp)"])

    for date in places.unfinishedDates where !due.contains(date) {
      logger.warning(
        "unfinished work, but not due: finish it with --date", metadata: ["date": "\(date.stamp)"])
    }

    let deadline = ContinuousClock.now + .seconds(60 * section.waitMinutes)
    var (analyses, lacks) = try makeWhatIsThere()
    while let lack = lacks[newest], ContinuousClock.now < deadline {
      logger.info("waiting: \(lack)")
      try pause()
      (analyses, lacks) = try makeWhatIsThere()
    }
    try publication.moveLatest()
    for (date, lack) in lacks.sorted(by: { $0.key < $1.key }) where date != newest {
      logger.warning("\(lack)", metadata: ["date": "\(date.stamp)"])
    }

    let damaged = try damage(newest)
    let scoring = try score(analyses.setup)
    let pruned = try publication.prune(
      keepDays: section.keepDays, keepRuns: section.keepRuns, sparing: spared)
    if !pruned.isEmpty { logger.info("pruned \(pruned.map(\.stamp).joined(separator: " "))") }

    let failed = failures.sorted { $0.key < $1.key }.map(\.value)
    let broken = Set(damaged + scoring.damaged).sorted { "\($0)" < "\($1)" }
    for error in broken { logger.error("\(error)") }
    if let error = (failed + broken).first ?? lacks[newest] { throw error }
    return summary(
      analyses.setup, scores: scoring.added, pruned: pruned, missing: lacks.keys.sorted().map(\.stamp))
  }

  /// Looks at the analyses and makes every due date that can be made, oldest first.
  /// - Returns: why the others can't.
  private func makeWhatIsThere() throws -> (DailyAnalyses, [Instant: ApusError]) {
    let analyses = try DailyAnalyses(
      pipeline, output: output, first: due[0], threads: threads, logger: logger)
    var lacks: [Instant: ApusError] = [:]
    for date in due where !publication.has(date) && failures[date] == nil {
      try StopFlag.check()
      if let lack = analyses.lack(date, threads: threads) {
        lacks[date] = lack
      } else if let setup = analyses.setup {
        try make(date, setup)
      }
    }
    return (analyses, lacks)
  }

  /// Makes and publishes one date. One that fails by itself leaves the others their chance.
  private func make(_ date: Instant, _ setup: EnsembleSetup) throws {
    do {
      let stages = RunStages(
        setup: try setup.at(date, in: places.work(date)), threads: threads, logger: logger,
        showsProgress: showsProgress)
      let members = try stages.forecast()
      _ = try stages.emulate()
      _ = try stages.report(nil)
      try publication.publish(date)
      try publication.moveLatest()
      made.append(date)
      logger.info(
        "published",
        metadata: ["date": "\(date.stamp)", "made": "\(members.made)", "kept": "\(members.kept)"])
    } catch let error as ApusError {
      guard [.internalFault, .badData, .cannotCreateOutput].contains(error.kind) else { throw error }
      logger.error("\(error)", metadata: ["date": "\(date.stamp)"])
      failures[date] = error
    }
  }

  /// Published dates that are not what was published.
  private func damage(_ newest: Instant) throws -> [ApusError] {
    let dates =
      checksAll ? places.publishedDates : [newest].filter { publication.has($0) && !made.contains($0) }
    return try dates.compactMap { date in
      do {
        try Checksums.check(places.published(date))
        return nil
      } catch let error as ApusError where error.kind == .badData { return error }
    }
  }

  private func score(_ setup: EnsembleSetup?) throws -> DailyScoring.Outcome {
    guard let setup, let settings = setup.run.verification else { return .init() }
    let outcome = try DailyScoring(
      setup: setup, settings: settings, places: places, now: now, threads: threads, logger: logger
    ).run()
    if outcome.added > 0 { logger.info("\(outcome.added) scores added to \(places.scores)") }
    return outcome
  }

  /// Sleeps until the next look, and wakes for signals.
  private func pause() throws {
    let end = ContinuousClock.now + .seconds(section.pollSeconds)
    while ContinuousClock.now < end {
      try StopFlag.check()
      usleep(100_000)
    }
  }

  private func summary(
    _ setup: EnsembleSetup?, scores: Int, pruned: [Instant] = [], missing: [String] = []
  ) -> DailySummary {
    DailySummary(
      newest: due.last?.stamp, published: made.sorted().map(\.stamp), scores: scores,
      pruned: pruned.map(\.stamp), missing: missing, members: setup?.plan.members.count ?? 0,
      leadHours: setup?.run.leadTimeHours ?? 0)
  }
}
