import FieldIO
import Fields
import Foundation
import Models
import Sphere
import Verification

/// What `apus checkpoint skill` reports.
struct SkillReport: Encodable {
  /// In the order of every list of one number a checkpoint.
  let checkpoints: [MeasuredCheckpoint]
  let initialTimes: [String]
  /// Lead times [h].
  let leadHours: [Int]
  /// Degrees l = 1... of the spectra.
  let spectrumDegrees: Int
  let climatology: Climatology?
  /// Channel by channel, in each lead time by lead time.
  let scores: [SkillScore]
  let notFinite: [NotFinite]

  /// Where the climate's mean comes from.
  struct Climatology: Encodable {
    let files: [String]
    let windowDays: Int
  }

  /// A forecast with values that are no numbers, from its first such lead time on.
  struct NotFinite: Encodable {
    let checkpoint: String
    let initialTime: String
    let leadHours: Int
  }

  init(_ measurement: SkillMeasurement, _ outcome: SkillMeasurement.Outcome) {
    let archive = measurement.data.archive
    checkpoints = measurement.data.checkpoints.map(MeasuredCheckpoint.init)
    initialTimes = measurement.initialTimes.map(\.description)
    leadHours = measurement.leadHours
    spectrumDegrees = measurement.transform.degrees - 1
    climatology = measurement.climate.map {
      Climatology(files: $0.archive.files, windowDays: $0.windowDays)
    }
    scores = measurement.channels.enumerated().flatMap { number, channel in
      measurement.leadHours.indices.map { lead in
        SkillScore(
          outcome.sums[lead][number], channel: archive.channels[channel], units: archive.units[channel],
          leadHours: measurement.leadHours[lead])
      }
    }
    notFinite = outcome.notFinite.map {
      NotFinite(
        checkpoint: measurement.data.checkpoints[$0.checkpoint].file,
        initialTime: $0.initialTime.description, leadHours: $0.leadHours)
    }
  }
}

/// Scores of one channel at one lead time, over all initial times.
struct SkillScore: Encodable {
  let channel: String
  let units: String
  /// Lead time [h].
  let leadHours: Int
  /// Root mean square errors, mean over initial times before the root, in `units`: of each checkpoint.
  let rmse: [Double]
  /// Of the mean of all checkpoints.
  let rmseMean: Double
  let rmsePersistence: Double
  let rmseClimatology: Double?
  /// The same over persistence's.
  let ratio: [Double]
  let ratioMean: Double
  let ratioClimatology: Double?
  /// How alike the checkpoints err; nil for a single one.
  let pairs: PairScores?
  /// One a checkpoint.
  let spectra: [SpectrumScore]

  init(_ sums: SkillSums, channel: String, units: String, leadHours: Int) {
    self.channel = channel
    self.units = units
    self.leadHours = leadHours
    let persistence = sums.persistence.rootMeanSquare(0)
    rmse = (0..<sums.errors.forecasts).map { sums.errors.rootMeanSquare($0) }
    rmseMean = sums.errors.rootMeanSquareOfMean
    rmsePersistence = persistence
    rmseClimatology = sums.climatology?.rootMeanSquare(0)
    ratio = rmse.map { $0 / persistence }
    ratioMean = rmseMean / persistence
    ratioClimatology = rmseClimatology.map { $0 / persistence }
    pairs = PairScores(sums.errors)
    spectra = sums.power.map(SpectrumScore.init)
  }
}

/// How alike the checkpoints err, and what their mean gains.
struct PairScores: Encodable {
  /// Uncentred correlation of errors, [checkpoint][checkpoint].
  let correlation: [[Double]]
  /// Over the pairs of two different checkpoints that have one; nil where none has.
  let mean: Double?
  let lowest: Double?
  let highest: Double?
  /// RMSE of the mean of all checkpoints over the mean RMSE of one.
  let gain: Double

  /// Nil for a single checkpoint.
  init?(_ errors: ErrorProducts) {
    let count = errors.forecasts
    guard count > 1 else { return nil }
    correlation = (0..<count).map { a in (0..<count).map { b in errors.correlation(a, b) } }
    let pairs = (0..<count).flatMap { a in (0..<a).map { b in errors.correlation(a, b) } }
      .filter { !$0.isNaN }
    mean = pairs.isEmpty ? nil : pairs.reduce(0, +) / Double(pairs.count)
    lowest = pairs.min()
    highest = pairs.max()
    gain = errors.gain
  }
}

/// Power per degree of a checkpoint's forecasts over the truth's.
struct SpectrumScore: Encodable {
  /// At l = 1, 2, ...
  let ratio: [Double]
  let lowest: PowerRatio.Extreme?
  let highest: PowerRatio.Extreme?

  init(_ power: PowerRatio) {
    ratio = power.ratios
    lowest = power.lowest
    highest = power.highest
  }

  /// `0.93 (l 25) to 1.08 (l 3)`
  var text: String {
    guard let lowest, let highest else { return "-" }
    func part(_ extreme: PowerRatio.Extreme) -> String {
      String(
        format: (0.1..<100).contains(extreme.ratio) ? "%.2f (l %d)" : "%.3g (l %d)", extreme.ratio,
        extreme.degree)
    }
    return "\(part(lowest)) to \(part(highest))"
  }
}
