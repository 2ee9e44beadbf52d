import Basics
import Foundation
import Models

/// Measures the `LeadTimeFinish` of a forecaster that is tuned already: the root of the truth's mean power over that of
/// its forecasts.
///
///     g_cl(t) = sqrt(truth_cl / forecast_cl(t))
///
/// The truth's power is the mean over the valid times of all lead times, since the weather does not know them.
public struct FinishMeasurement: Sendable {
  /// What was measured.
  public struct Outcome: Sendable {
    /// The gains.
    public let finish: LeadTimeFinish
    /// Forecasts that were measured: fewer than were asked for where the data have fewer.
    public let starts: Int
    /// Least and largest power of forecasts over the truth's before it, of any lead time, channel and degree above 0.
    public let lowest, highest: Double
  }

  /// Gains stay within these.
  static let range = 0.5...2.0

  /// Measures from `starts` initial times, evenly over the data.
  /// - Parameters:
  ///   - set: data normalised as `forecaster` has it.
  ///   - leadHours: lead times [h], ascending, multiples of the forecaster's step.
  /// - Throws: `ApusError` of kind `badData` where the data are too short or forecasts not finite; `tryAgainLater` where
  ///   it was asked to stop.
  public static func measure(
    _ forecaster: some SpectrallyTuned, on set: TrainingSet, leadHours: [Int], starts: Int,
    threads: Int = Parallel.defaultThreads
  ) throws -> Outcome {
    let leads = leadHours.map { $0 / forecaster.stepHours }
    let cut = try set.cut(forForecastsOf: leads, stepHours: forecaster.stepHours)
    let count = min(starts, cut.count)
    let chosen = (0..<count).map { $0 * cut.count / count }
    let powers = ForecastPowers(cut, of: forecaster)
    let valid = ForecastPowers.total(try powers.ofStates(chosen, leads, threads: threads))
    let forecast = ForecastPowers.total(try powers.ofForecasts(forecaster, chosen, leads, threads: threads))
    var (lowest, highest) = (Double.infinity, 0.0)
    let gains = leads.indices.map { lead in
      (0..<set.channels).map { c -> [Double] in
        let truth = (0..<forecaster.degrees).map { l in
          valid.reduce(0) { $0 + $1[c][l] } / Double(leads.count)
        }
        // Degrees that the truth does not have are left alone.
        let floor = 1e-12 * (truth.max() ?? 0)
        return truth.indices.map { l in
          guard l > 0, truth[l] > floor else { return 1 }
          let ratio = forecast[lead][c][l] / truth[l]
          (lowest, highest) = (min(lowest, ratio), ratio.isFinite ? max(highest, ratio) : .infinity)
          let gain = min(max((1 / ratio).squareRoot(), range.lowerBound), range.upperBound)
          // More digits than the measurement has would only make the file larger.
          return (gain * 1e5).rounded() / 1e5
        }
      }
    }
    guard highest.isFinite else {
      throw SpectralCalibration.notFinite(forecaster.file, steps: leads.last ?? 0)
    }
    return Outcome(
      finish: LeadTimeFinish(leadHours: leadHours, gains: gains), starts: count, lowest: lowest,
      highest: highest)
  }
}
