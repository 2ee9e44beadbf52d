import ArgumentParser
import Basics
import Fields
import Foundation
import Logging
import RunFiles

struct DailyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daily",
    abstract: "The cron entry: makes the forecasts that are due, scores yesterday's, publishes, prunes.",
    discussion: """
      Needs a section `daily` in the run file (docs/daily.md). May be started at any time and as often as \
      one likes: a date that is published stays as it is, one that was interrupted is finished, and a second \
      start ends with 75, as does one whose analysis is not there yet.
      """)

  @Argument(help: "The ensemble run file.")
  var pipeline: String

  @Option(help: "Run directory, instead of the run file's.")
  var output: String?

  @Option(help: "Only this initial time, for example 2026-02-01T00; no missed ones.")
  var date: Instant?

  @Option(
    help:
      "Take this for the present moment: for replays. Later analyses are not looked at. (default: the clock)")
  var now: Instant?

  @Flag(help: "Compare every published date with its checksums, not only the newest and those scored now.")
  var check = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func run() throws {
    var run = try EnsembleRunFile.read(pipeline)
    guard let section = run.daily else {
      throw ApusError(
        .badRunFile, "missing key in the run file", file: pipeline, variable: "daily",
        advice: "See docs/daily.md.")
    }
    guard !run.products.memberErrors else {
      throw ApusError(
        .badRunFile, "a forecast has no truth yet", file: pipeline, variable: "products.member_errors",
        found: "true", expected: "false", advice: "Scores come with `verification`.")
    }
    if let output { run.output.directory = output }
    let log = try DailyLog(section.logFile, options: log)
    do {
      let daily = try DailyRun(
        run, section: section, pipeline: pipeline, output: output, date: date,
        now: now ?? Instant(seconds: Int(Date().timeIntervalSince1970)), checksAll: check,
        threads: threads.count, logger: log.logger, showsProgress: self.log.showsProgress)
      let summary = try daily.run()
      log.logger.info("\(summary)")
      try result.show(summary)
    } catch {
      log.end(error)
      throw error
    }
  }
}
