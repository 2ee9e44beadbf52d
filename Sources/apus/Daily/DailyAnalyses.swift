import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Logging
import RunFiles

/// The analyses as they are now: what can be forecast, and what is missing.
struct DailyAnalyses {
  /// The run file opened; nil where there is no analysis file to open.
  let setup: EnsembleSetup?
  private let files: ReadableFiles

  /// Looks at the files anew.
  /// - Throws: `ApusError` for whatever is wrong beside missing and unreadable analyses.
  init(_ pipeline: String, output: String?, first: Instant, threads: Int, logger: Logger) throws {
    // Read again, since the place where a pattern is found may have changed.
    var run = try EnsembleRunFile.read(pipeline)
    if let output { run.output.directory = output }
    run.initialTimes.instants = [first]
    var files = ReadableFiles(run.analyses.files.paths)
    setup = try files.open {
      try EnsembleSetup(run, file: pipeline, analysisFiles: $0, threads: threads, logger: logger)
    }
    self.files = files
    for problem in files.problems { logger.warning("left out: \(problem)") }
  }

  /// Files that were read.
  var readable: [String] { files.files }

  /// Why a date cannot be forecast yet; nil where every analysis that its members start and are bred from is
  /// there and whole.
  func lack(_ date: Instant, threads: Int) -> ApusError? {
    guard let setup else {
      return notYet(date, found: files.problems.isEmpty ? "no file" : "no file that can be read")
    }
    let there = Set(setup.archive.times)
    let missing = setup.forecaster.analysisTimes(for: date, pairs: setup.run.perturbation.pairs).filter {
      !there.contains($0)
    }.sorted()
    guard missing.isEmpty else {
      let newest = setup.archive.times.last.map { "the newest is of \($0)" } ?? "no state in the files"
      let words = missing == [date] ? "" : "nothing of " + missing.map(\.description).joined(separator: ", ")
      return notYet(date, found: [words, newest].filter { !$0.isEmpty }.joined(separator: "; "))
    }
    do {
      try setup.at(date, in: setup.directory.path).requireAnalyses(threads: threads)
      return nil
    } catch {
      return notYet(date, found: "\(error)")
    }
  }

  private func notYet(_ date: Instant, found: String) -> ApusError {
    let damage = files.problems.map { "; left out: \($0)" }.joined()
    return ApusError(
      .tryAgainLater, "the analysis of \(date) is not there yet", file: files.patterns, found: found + damage,
      advice: "Start again when it is there.")
  }
}
