import Basics
import FieldIO
import Fields
import Models
import Sphere
import Verification

/// One long run of each checkpoint from an analysis, held against what the truth did meanwhile.
struct FreeRunMeasurement: Sendable {
  let data: HeldOutData
  /// The analysis's time.
  let start: Instant
  /// Steps asked for.
  let steps: Int
  /// Numbers of the channels whose means and extremes are measured.
  let channels: [Int]
  /// Numbers of the channels whose spectra are measured.
  let spectra: [Int]
  /// Of the spectra.
  let transform: SphericalTransform<Double>

  /// Spectra are of later times: until then a run still forecasts the weather.
  static let spectrumDay = 15
  /// Days of a window of the drift.
  static let windowDays = 30

  /// What a run and the truth did, from the first step on.
  struct Outcome: Sendable {
    /// By step.
    let truth: [StateSummary]
    /// By checkpoint, in each by step as far as every value was a number.
    let runs: [[StateSummary]]
  }

  /// Makes all runs.
  ///
  /// Checkpoints are worked on in parallel; no field outlives its step.
  /// - Throws: `ApusError` where a state of the truth is missing or damaged, or a stop was asked for.
  func run(threads: Int) throws -> Outcome {
    let times = (0...steps).map { start.adding(hours: $0 * data.stepHours) }
    try data.require(times)
    let analysis = try data.archive.state(at: start)
    let truth = Slots<StateSummary>(steps)
    try Parallel.forEach(steps, threads: threads) { step, _ in
      truth[step] = summary(try data.archive.state(at: times[step + 1]))
    }
    let runs = Slots<[StateSummary]>(data.checkpoints.count)
    try Parallel.forEach(data.checkpoints.count, threads: threads) { place, _ in
      var forecast = CheckpointForecast(data.checkpoints[place], from: analysis)
      var series: [StateSummary] = []
      while forecast.steps < steps {
        try StopFlag.check(StopFlag.nothingWritten)
        forecast.step()
        guard forecast.isFinite else { break }
        series.append(summary(forecast.state))
      }
      runs[place] = series
    }
    return Outcome(truth: truth.values, runs: runs.values)
  }

  private func summary(_ state: State) -> StateSummary {
    StateSummary(state, channels: channels, spectra: spectra, weights: data.weights, transform: transform)
  }
}
