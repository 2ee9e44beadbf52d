import FieldIO
import Fields
import Foundation
import Models
import Sphere
import Verification

/// What `apus checkpoint climate` reports.
struct FreeRunReport: Encodable {
  /// The analysis's time.
  let from: String
  /// Steps asked for.
  let steps: Int
  /// Hours of a step.
  let stepHours: Int
  /// Degrees l = 1... of the spectra.
  let spectrumDegrees: Int
  let checkpoints: [FreeRunScore]

  init(_ measurement: FreeRunMeasurement, _ outcome: FreeRunMeasurement.Outcome) {
    from = measurement.start.description
    steps = measurement.steps
    stepHours = measurement.data.stepHours
    spectrumDegrees = measurement.transform.degrees - 1
    checkpoints = zip(measurement.data.checkpoints, outcome.runs).map {
      FreeRunScore($0, $1, truth: outcome.truth, measurement)
    }
  }
}

/// One checkpoint's run. All numbers but `truth_standard_deviation` are of the steps up to the last finite one.
struct FreeRunScore: Encodable {
  let file: String
  let sha256: String
  /// The last step with nothing but numbers: `steps` where the run stayed finite.
  let lastFiniteStep: Int
  /// The step that was not finite, where one was.
  let blowUp: BlowUp?
  /// Channel by channel; none where the first step was not finite.
  let channels: [FreeRunChannel]

  /// A step with values that are no numbers.
  struct BlowUp: Encodable {
    let step: Int
    /// Its valid time.
    let time: String
  }

  init(
    _ checkpoint: Checkpoint, _ run: [StateSummary], truth: [StateSummary], _ measurement: FreeRunMeasurement
  ) {
    file = checkpoint.file
    sha256 = checkpoint.digest
    lastFiniteStep = run.count
    blowUp =
      run.count < measurement.steps
      ? BlowUp(
        step: run.count + 1,
        time: measurement.start.adding(hours: (run.count + 1) * checkpoint.stepHours).description) : nil
    channels =
      run.isEmpty
      ? [] : measurement.channels.indices.map { FreeRunChannel($0, run, truth: truth, measurement) }
  }
}

/// One channel of a run.
struct FreeRunChannel: Encodable {
  let channel: String
  let units: String
  /// Time mean of the area mean, of the run and of the truth over the same steps, in `units`.
  let mean: Double
  let truthMean: Double
  /// Standard deviation of the truth's area means over all steps asked for, in `units`.
  let truthDeviation: Double
  /// Mean minus the truth's, in these standard deviations.
  let departure: Double
  /// The mean of 30 days that departs most from the truth's of the same days, in these standard deviations; nil
  /// for a shorter run.
  let largest: Largest?
  /// The lowest and highest value of any point and step, in `units`.
  let lowest: Double
  let highest: Double
  /// The same of the truth over the same steps.
  let truthLowest: Double
  let truthHighest: Double
  /// Of all steps after day 15; nil for a shorter run, and for channels without spectra.
  let spectrum: SpectrumScore?

  /// Some 30 days.
  struct Largest: Encodable {
    let departure: Double
    /// Valid time of the first state.
    let from: String
  }

  enum CodingKeys: String, CodingKey {
    case channel, units, mean, departure, lowest, highest, spectrum
    case truthMean = "truth_mean"
    case truthDeviation = "truth_standard_deviation"
    case largest = "largest_30_day_departure"
    case truthLowest = "truth_lowest"
    case truthHighest = "truth_highest"
  }

  /// Number `place` of the channels measured.
  init(_ place: Int, _ run: [StateSummary], truth: [StateSummary], _ measurement: FreeRunMeasurement) {
    let archive = measurement.data.archive
    let stepHours = measurement.data.stepHours
    let number = measurement.channels[place]
    channel = archive.channels[number]
    units = archive.units[number]
    let drift = ClimateDrift(
      run.map { $0.means[place] }, truth: truth.map { $0.means[place] },
      window: max(1, FreeRunMeasurement.windowDays * 24 / stepHours))
    mean = drift.mean
    truthMean = drift.truthMean
    truthDeviation = drift.deviation
    departure = drift.departure
    largest = drift.largest.map {
      Largest(
        departure: $0.departure,
        from: measurement.start.adding(hours: ($0.first + 1) * stepHours).description)
    }
    let same = truth.prefix(run.count)
    lowest = run.map { $0.lowest[place] }.min() ?? .nan
    highest = run.map { $0.highest[place] }.max() ?? .nan
    truthLowest = same.map { $0.lowest[place] }.min() ?? .nan
    truthHighest = same.map { $0.highest[place] }.max() ?? .nan
    let early = FreeRunMeasurement.spectrumDay * 24 / stepHours
    if let spectrum = measurement.spectra.firstIndex(of: number), run.count > early {
      var ratio = PowerRatio(degrees: measurement.transform.degrees)
      for (state, other) in zip(run, truth).dropFirst(early) {
        ratio.add(state.power[spectrum], truth: other.power[spectrum])
      }
      self.spectrum = SpectrumScore(ratio)
    } else {
      spectrum = nil
    }
  }
}

extension FreeRunReport: CustomStringConvertible {
  /// A table a checkpoint.
  var description: String {
    let days = Double(steps * stepHours) / 24
    var lines = [String(format: "free runs of %d steps (%.4g days) from ", steps, days) + from]
    for run in checkpoints {
      lines += ["", "\(run.file)  \(run.sha256.prefix(12))"]
      if let end = run.blowUp {
        lines.append(
          "NOT FINITE at step \(end.step), \(end.time); below are the \(run.lastFiniteStep) steps before")
      } else {
        lines.append("finite through all \(run.lastFiniteStep) steps")
      }
      if run.channels.isEmpty { continue }
      lines += TextTable.lines(
        [
          [
            "channel", "mean", "truth's", "deviation", "departure", "largest of 30 days", "lowest", "truth's",
            "highest", "truth's",
          ]
        ] + run.channels.map(FreeRunReport.cells))
      for channel in run.channels {
        guard let spectrum = channel.spectrum else { continue }
        lines.append(
          "\(channel.channel), power over the truth's after day \(FreeRunMeasurement.spectrumDay), "
            + "l = 1...\(spectrumDegrees): \(spectrum.text)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func cells(_ channel: FreeRunChannel) -> [String] {
    func number(_ value: Double) -> String { String(format: "%.5g", value) }
    func signed(_ value: Double) -> String { String(format: abs(value) < 1000 ? "%+.2f" : "%+.3g", value) }
    return [
      "\(channel.channel) [\(channel.units)]", number(channel.mean), number(channel.truthMean),
      String(format: "%.3g", channel.truthDeviation), signed(channel.departure),
      channel.largest.map { "\(signed($0.departure)) from \($0.from.prefix(10))" } ?? "-",
      number(channel.lowest), number(channel.truthLowest), number(channel.highest),
      number(channel.truthHighest),
    ]
  }
}
