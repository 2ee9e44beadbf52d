import Basics
import FieldIO
import Fields
import Models
import RunFiles

/// What can be known about a run file without computing anything, so that a job does not wait in a queue
/// only to fail.
enum RunCheck {
  /// Reads the run file and opens what it names.
  /// - Throws: `ApusError` as the run itself would: a bad run file, a checkpoint or analysis that is missing
  ///   or damaged, an initial time without analysis.
  static func read(_ path: String, date: Instant?) throws -> EnsembleRunFile {
    var run = try EnsembleRunFile.read(path)
    if let date { run.initialTimes.instants = [date] }
    let checkpoints = try run.checkpoints.map { try Checkpoint.read($0.path) }
    guard let first = checkpoints.first else { return run }
    let archive = try Archive(
      run.analyses.files.paths, channels: first.channels, units: first.units, grid: first.grid,
      degrees: first.degrees, from: run.analyses.from, to: run.analyses.to)
    let times = Set(archive.times)
    if let time = run.initialTimes.instants.first(where: { !times.contains($0) }) {
      throw ApusError(
        .inputMissing, "no analysis for an initial time", file: path, variable: "initial_times",
        found: "\(time)", expected: "a time of the analyses")
    }
    return run
  }
}
