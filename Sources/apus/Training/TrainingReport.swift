import Foundation
import Training

/// What a training reports at its end.
struct TrainingReport: Encodable, CustomStringConvertible {
  /// The files written: the last weights, the best ones.
  let checkpoints: [String]
  /// Which weights `checkpoint` has.
  let kept: String
  let steps: Int
  let bestStep: Int?
  let samples: Int
  let loss: Double
  let validationLoss: Double?
  let scores: [ValidationScore]
  let speed: TrainingSpeed

  /// The file that the run file names.
  var checkpoint: String { checkpoints.first ?? "" }

  enum CodingKeys: String, CodingKey {
    case checkpoint, checkpoints, kept, steps, samples, loss, scores, speed
    case bestStep = "best_step"
    case validationLoss = "validation_loss"
  }

  func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(checkpoint, forKey: .checkpoint)
    try box.encode(checkpoints, forKey: .checkpoints)
    try box.encode(kept, forKey: .kept)
    try box.encode(steps, forKey: .steps)
    try box.encodeIfPresent(bestStep, forKey: .bestStep)
    try box.encode(samples, forKey: .samples)
    try box.encode(loss, forKey: .loss)
    try box.encodeIfPresent(validationLoss, forKey: .validationLoss)
    try box.encode(scores, forKey: .scores)
    try box.encode(speed, forKey: .speed)
  }

  var description: String {
    let validation = validationLoss.map { String(format: ", validation %.5f", $0) } ?? ""
    var lines = [
      "\(checkpoint): \(steps) steps, \(samples) samples, " + String(format: "loss %.5f", loss) + validation
    ]
    for score in scores {
      lines.append(
        String(
          format: "%@ %d h: RMSE %.4g, %.3f of persistence", score.channel, score.leadHours, score.rmse,
          score.ratio))
    }
    if let bestStep {
      lines.append("best validation after step \(bestStep): \(kept == "best" ? checkpoint : checkpoints[1])")
    }
    lines.append(speed.description)
    return lines.joined(separator: "\n")
  }
}

/// What a training took, over all processes that made it: differs from run to run.
struct TrainingSpeed: Encodable, CustomStringConvertible {
  /// Wall-clock time of all steps [s].
  let seconds: Double
  let samplesPerSecond: Double
  /// Products of the network's forward and adjoint, 10^9 operations a second of batches and updates;
  /// validations and files are not counted.
  let operations: Double
  /// Of the matrix products measured before the training.
  let fraction: Double?
  /// Largest memory of this process [bytes].
  let peakMemory: Int
  let threads: Int

  enum CodingKeys: String, CodingKey {
    case seconds, threads
    case samplesPerSecond = "samples_per_second"
    case operations = "gflops"
    case fraction = "fraction_of_sgemm"
    case peakMemory = "peak_memory_bytes"
  }

  init(
    seconds: Double, stepSeconds: Double, steps: Int, batchSize: Int, operationsPerStep: Double,
    session: TrainingState.Session
  ) {
    let perSecond = Double(steps) / max(stepSeconds, 1e-9)
    self.seconds = seconds
    samplesPerSecond = perSecond * Double(batchSize)
    operations = perSecond * operationsPerStep * 1e-9
    fraction = perSecond * operationsPerStep / session.peak
    peakMemory = session.peakMemory
    threads = session.threads
  }

  var description: String {
    let (minutes, rest) = Int(seconds.rounded()).quotientAndRemainder(dividingBy: 60)
    let share = fraction.map { String(format: " (%.0f %% of measured matrix products)", 100 * $0) } ?? ""
    let time = String(format: "%d:%02d min on %d threads", minutes, rest, threads)
    return time + String(format: ", %.1f samples/s, ", samplesPerSecond)
      + String(
        format: "%.1f GFLOP/s", operations) + share + ", peak memory \(Sizes.text(peakMemory))"
  }
}
