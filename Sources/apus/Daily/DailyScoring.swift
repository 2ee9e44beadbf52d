import Basics
import Ensembles
import FieldIO
import Fields
import Logging
import Models
import RunFiles
import Verification

/// Scores published forecasts against the analyses that have come in since.
struct DailyScoring {
  let setup: EnsembleSetup
  let settings: VerificationSettings
  let places: DailyPlaces
  /// Later analyses are not looked at.
  let now: Instant
  let threads: Int
  let logger: Logger

  /// What was done.
  struct Outcome {
    var added = 0
    var damaged: [ApusError] = []
  }

  /// Adds every score that is due to the table.
  /// - Throws: `ApusError` where the table cannot be read or written; `tryAgainLater` on a signal.
  func run() throws -> Outcome {
    var outcome = Outcome()
    guard let truth = try truth() else { return outcome }
    var table = try ScoreTable(places.scores)
    let before = table.count
    for date in places.publishedDates {
      guard isDue(date, table, truth.times) else { continue }
      try StopFlag.check()
      do { try Checksums.check(places.published(date)) } catch let error as ApusError {
        if error.kind == .tryAgainLater { throw error }
        outcome.damaged.append(error)
        continue
      }
      for line in try score(date, truth.period)?.lines ?? [] {
        table.add(
          .init(date: date, leadHours: line.leadHours, variable: line.variable), units: line.units,
          members: line.members, scores: line.scores)
      }
    }
    outcome.added = table.count - before
    if outcome.added > 0 { try table.write(places.scores) }
    return outcome
  }

  private var variables: [String] {
    settings.variables.isEmpty ? setup.checkpoints[0].channels : settings.variables
  }

  /// Whether a lead time of a date is covered by the truth and not in the table.
  private func isDue(_ date: Instant, _ table: ScoreTable, _ times: Set<Instant>) -> Bool {
    guard times.contains(date) else { return false }
    return setup.forecaster.leadHours.contains { lead in
      lead > 0 && lead % settings.everyHours == 0 && times.contains(date.adding(hours: lead))
        && variables.contains { !table.has(.init(date: date, leadHours: lead, variable: $0)) }
    }
  }

  /// What is true and known now; nil where there is none.
  private func truth() throws -> (period: DataPeriod, times: Set<Instant>)? {
    var period = setup.run.truth
    period.to = min(period.to ?? now, now)
    guard settings.truth != nil else {
      period.files = setup.archive.files.map { InputPath($0) }
      return (period, Set(setup.archive.times.filter(period.contains)))
    }
    let first = setup.checkpoints[0]
    var files = ReadableFiles(period.files.paths)
    let archive = try files.open {
      try Archive($0, channels: variables, grid: first.grid, degrees: first.degrees)
    }
    for problem in files.problems { logger.warning("left out: \(problem)") }
    period.files = files.files.map { InputPath($0) }
    return archive.map { (period, Set($0.times.filter(period.contains))) }
  }

  /// All scores of a date; nil, with a line in the log, where it has no members to score, or others than this
  /// run file's.
  private func score(_ date: Instant, _ truth: DataPeriod) throws -> DateScores? {
    let setup = try setup.at(date, in: places.published(date))
    let manifest = try setup.directory.manifest()
    guard let manifest, manifest.members == setup.manifest.members,
      manifest.channels == setup.manifest.channels, manifest.grid == setup.manifest.grid
    else {
      logger.warning("not scored, was made by another run file", metadata: ["date": "\(date.stamp)"])
      return nil
    }
    var settings = settings
    settings.truth = truth
    do {
      let files = manifest.members.map { setup.directory.memberFile($0.number, at: date) }
      let isWhole = manifest.memberFiles?.isWhole ?? true
      guard isWhole, files.allSatisfy(RunDirectory.exists) else {
        let layout = try ProductSetup(setup: setup, threads: threads).layout
        let verification = ProductVerification(
          setup: setup, settings: settings, layout: layout, threads: threads)
        let first = setup.checkpoints[0]
        return DateScores(
          try verification.run(),
          units: Dictionary(zip(first.channels, first.units)) { unit, _ in unit })
      }
      let verification = HindcastVerification(
        setup: setup, settings: settings, threads: threads, logger: logger)
      return DateScores(try verification.run())
    } catch let error as ApusError {
      guard [.inputMissing, .badData, .inputOutput].contains(error.kind) else { throw error }
      logger.warning("not scored: \(error)", metadata: ["date": "\(date.stamp)"])
      return nil
    }
  }
}
