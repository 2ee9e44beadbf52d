import Basics
import FieldIO
import Fields
import Foundation
import RunFiles
import Verification

/// What a climate says of one time of the year.
struct ClimateSeason {
  let quantiles: ClimateQuantiles
  /// The states, sorted at every point, for the climate's own CRPS; nil where only quantiles were kept.
  let sample: EnsembleValues?
}

/// The climate that a variable's cases are compared with.
protocol SuiteClimate {
  /// The climate of a case; nil where it has no valid time.
  func season(_ item: EnsembleArchive.Case) throws -> ClimateSeason?
}

/// The climate of one variable around a valid time, from an archive on the forecasts' grid.
final class ArchiveClimate: SuiteClimate {
  private let settings: DiagnosticsFile.Climate
  private let source: SuiteSource
  private let times: [Instant]
  private let memory: Int
  private let threads: Int
  private var kept: [(key: [Instant], season: ClimateSeason)] = []

  /// - Parameters:
  ///   - source: its truth is the archive.
  ///   - memory: most bytes of one season's states.
  init(_ settings: DiagnosticsFile.Climate, _ source: SuiteSource, memory: Int, threads: Int) throws {
    self.settings = settings
    self.source = source
    self.memory = memory
    self.threads = threads
    times = source.truthTimes.filter(settings.period.contains)
    guard !times.isEmpty else {
      let files = source.truthTimes.isEmpty ? "no state at all" : "none of \(source.truthTimes.count) states"
      throw ApusError(
        .inputMissing, "the climate has no states in its period", file: settings.period.files.first?.path,
        variable: source.variable, found: files,
        advice: "Name its files with --climate, or files: of the definition's climate.")
    }
  }

  /// The climate around a case's valid time; nil where it has none.
  func season(_ item: EnsembleArchive.Case) throws -> ClimateSeason? {
    guard let valid = item.valid else { return nil }
    let chosen =
      switch settings.calendar {
      case .window: ClimateWindow.times(times, around: valid, days: settings.windowDays)
      case .month:
        times.filter {
          $0.calendarDate.month == valid.calendarDate.month && $0.hour == valid.hour
        }
      case .all: times
      }
    guard !chosen.isEmpty else {
      throw ApusError(
        .inputMissing, "the climate has no states near a valid time",
        file: settings.period.files.first?.path, variable: source.variable,
        found: "none for \(valid)", expected: "at least one",
        advice: "Widen window_days, or give an archive of whole years at the same hours.")
    }
    if let found = kept.first(where: { $0.key == chosen }) { return found.season }
    let points = source.grid.pointCount
    guard points * chosen.count * 4 <= memory else {
      throw ApusError(
        .badData, "a season's climate does not fit in memory", variable: source.variable,
        found: "\(chosen.count) states x \(points) points",
        expected: "at most \(memory / 1_000_000) million bytes",
        advice: "Raise memory_megabytes, narrow window_days, or thin the archive.")
    }
    var values: [Float] = []
    values.reserveCapacity(chosen.count * points)
    for time in chosen { values += (try source.truth(at: time) ?? []).map { Float($0) } }
    let sample = try EnsembleValues(values, members: chosen.count).sorted(threads: threads)
    let season = ClimateSeason(quantiles: try ClimateQuantiles(sample, threads: threads), sample: sample)
    kept.append((chosen, season))
    // Neighbouring dates share a season; a few are enough.
    let bytes = points * (chosen.count * 4 + ClimateQuantiles.levels.count * 8)
    if kept.count > max(2, min(64, memory / max(1, bytes))) { kept.removeFirst() }
    return season
  }
}
