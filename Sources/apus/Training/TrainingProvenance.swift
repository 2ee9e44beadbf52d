import Basics
import FieldIO
import Fields
import Foundation
import Models
import RunFiles
import Training

/// What a checkpoint's metadata say of where it comes from: no time of day, no machine, no threads, so that
/// the same training gives the same bytes.
struct TrainingProvenance: Encodable {
  /// Which weights of a training a checkpoint has.
  enum Kept: String, Encodable {
    case last
    case best
    case snapshot
  }

  let apusVersion: String
  let name: String
  let seed: UInt64
  let training: [String]
  let steps: Int
  let batchSize: Int
  let rolloutSteps: Int
  let kept: Kept
  let loss: Double
  let validationLoss: Double?
  let validationScores: [ValidationScore]?
  let initialCheckpointSha256: String?
  let adapterRank: Int?
  let fingerprint: String

  init(_ inputs: TrainingInputs, _ trainer: Trainer, kept: Kept, steps: Int, fingerprint: String) {
    let run = inputs.run
    apusVersion = Basics.apusVersion
    name = run.name
    seed = run.seed
    training = inputs.training.map { stretch in
      let files = stretch.archive.files.map { FilePath.name(of: $0) }.joined(separator: ", ")
      let (first, last) = (stretch.times.first?.description ?? "", stretch.times.last?.description ?? "")
      return "\(files): \(first) to \(last), \(stretch.times.count) states"
    }
    self.steps = steps
    batchSize = run.optimisation.batchSize
    rolloutSteps = run.optimisation.rolloutSteps
    self.kept = kept
    let point = trainer.curve.last { $0.step <= steps }
    loss = point?.loss ?? 0
    // Those of the very weights, not of earlier ones.
    validationLoss = point?.step == steps ? point?.validationLoss : nil
    validationScores = point?.step == steps ? point?.scores : nil
    initialCheckpointSha256 = inputs.base?.digest
    adapterRank = run.adapter?.rank
    self.fingerprint = fingerprint
  }

  /// JSON, keys sorted.
  func text() throws -> String {
    String(
      decoding: try SortedJSON.data(self, writesNonFinite: true, snakeCase: true), as: UTF8.self)
  }

  /// What decides the bits of a training; where it is written does not.
  static func fingerprint(_ inputs: TrainingInputs, threads: Int) throws -> String {
    struct Facts: Encodable {
      let seed: UInt64
      let data: TrainingData
      let network: NetworkSettings
      let inputs: InputSettings
      let optimisation: OptimisationSettings
      let validation: ValidationSettings
      let normalisation: Normalisation
      let files: [String]
      let adapterRank: Int?
      let keepsBest: Bool
    }
    let run = inputs.run
    let facts = Facts(
      seed: run.seed, data: run.data, network: run.network, inputs: run.inputs,
      optimisation: run.optimisation, validation: run.validation, normalisation: inputs.normalisation,
      files: try InputDigests.of(run.inputFiles, threads: threads), adapterRank: run.adapter?.rank,
      keepsBest: run.output.keep != .last)
    return try SortedJSON.digest(facts)
  }
}
