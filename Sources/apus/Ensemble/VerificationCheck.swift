import Basics
import Ensembles
import FieldIO
import Fields
import Logging
import Models
import RunFiles

/// What a run file's `verification` names, looked at before the hours of work that members take.
struct VerificationCheck {
  let setup: EnsembleSetup
  let threads: Int
  let logger: Logger

  /// Makes sure that the members can be scored; a truth that is not there yet is said, and scored when it has come.
  /// - Throws: `ApusError`: `inputMissing` and `badData` for a climate without states at a scored time, and for a truth of
  ///   other variables, grid or units.
  func require() throws {
    guard let settings = setup.run.verification else { return }
    let channels = settings.channels(of: setup.checkpoints[0])
    if setup.memberOutput.isWhole, let climate = try setup.climateSamples(channels, threads: threads) {
      // A climate is that of a day of the year and an hour, whatever the year: one look at each.
      var seen: Set<[Int]> = []
      for time in setup.plan.initialTimes {
        for hours in setup.forecaster.leadHours where hours > 0 && hours % settings.everyHours == 0 {
          let valid = time.adding(hours: hours)
          guard seen.insert([valid.dayOfYear, valid.hour]).inserted else { continue }
          _ = try climate.times(channels[0], at: valid)
        }
      }
    }
    do { _ = try setup.openTruth(channels) } catch let error as ApusError
      where error.kind == .inputMissing && !error.isMissingVariable
    {
      logger.warning("the truth is not there yet: \(error)")
    }
  }
}

extension VerificationSettings {
  /// Variables that are scored, all of which are forecast (`EnsembleSetup` has seen to it): all channels by default.
  func channels(of checkpoint: Checkpoint) -> [String] {
    variables.isEmpty ? checkpoint.channels : variables
  }
}
