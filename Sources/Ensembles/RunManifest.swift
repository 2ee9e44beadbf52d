import Basics
import Fields
import Foundation
import Models
import Sphere

/// What a run directory holds and what made it: `manifest.json`. Without wall-clock time, so that the same
/// run writes the same bytes.
public struct RunManifest: Sendable, Codable, Hashable {
  /// A checkpoint used.
  public struct Checkpoint: Sendable, Codable, Hashable {
    /// Place in the run file's list.
    public var index: Int
    /// Path as the run file gives it.
    public var path: String
    /// Fingerprint of the file.
    public var sha256: String

    /// A checkpoint's entry.
    public init(index: Int, path: String, sha256: String) {
      self.index = index
      self.path = path
      self.sha256 = sha256
    }
  }

  /// Layout version of the directory.
  public var format = 1
  /// Version of Apus.
  public var apusVersion: String
  /// The run's name.
  public var name: String
  /// Fingerprint of the run file.
  public var runFileDigest: String
  /// The run's seed.
  public var seed: UInt64
  /// Channels kept.
  public var channels: [String]
  /// Grid as `gaussian 48 96`.
  public var grid: String
  /// Hours a model step takes.
  public var stepHours: Int
  /// Hours between outputs.
  public var outputEveryHours: Int
  /// Length of the forecasts [hours].
  public var leadHours: Int
  /// Initial times, ISO 8601.
  public var initialTimes: [String]
  /// Checkpoints.
  public var checkpoints: [Checkpoint]
  /// How initial states are perturbed.
  public var perturbation: PerturbationSettings
  /// Size of the perturbations by channel.
  public var amplitudes: [Double]
  /// Members.
  public var members: [MemberIdentity]
  /// Fingerprint of what is kept of all members.
  public var products: String?
  /// Which members have files, and what of them; nil in manifests before there was a choice.
  public var memberFiles: MemberOutput?
  /// Of the 1x1 convolutions' products; nil for single precision.
  public var matmulPrecision: String?

  private enum CodingKeys: String, CodingKey {
    case format, name, seed, channels, grid, checkpoints, perturbation, amplitudes, members, products
    case apusVersion = "apus_version"
    case memberFiles = "member_files"
    case matmulPrecision = "matmul_precision"
    case runFileDigest = "run_file_sha256"
    case stepHours = "step_hours"
    case outputEveryHours = "output_every_hours"
    case leadHours = "lead_hours"
    case initialTimes = "initial_times"
  }

  /// The manifest of a run.
  public init(
    name: String, apusVersion: String, runFileDigest: String, forecaster: EnsembleForecaster, plan: WorkPlan,
    checkpointPaths: [String], products: String = "", memberFiles: MemberOutput = .all,
    matmulPrecision: String? = nil
  ) {
    self.products = products
    self.memberFiles = memberFiles
    self.matmulPrecision = matmulPrecision
    self.apusVersion = apusVersion
    self.name = name
    self.runFileDigest = runFileDigest
    seed = forecaster.seed
    channels = forecaster.channels
    let grid = forecaster.grid
    self.grid = GridName.text(grid)
    stepHours = forecaster.models[0].stepHours
    outputEveryHours = forecaster.leadHours.dropFirst().first ?? stepHours
    leadHours = forecaster.leadHours.last ?? 0
    initialTimes = plan.initialTimes.map(\.description)
    checkpoints = zip(checkpointPaths, forecaster.models).enumerated().map {
      Checkpoint(index: $0.offset, path: $0.element.0, sha256: $0.element.1.identifier)
    }
    perturbation = forecaster.settings
    amplitudes = forecaster.amplitudes
    members = plan.members
  }

  /// What of `other` makes members that this manifest's would not equal: the first difference in words,
  /// nil where files of both may stand side by side (more members or dates are no difference).
  public func conflict(with other: RunManifest) -> (what: String, found: String, expected: String)? {
    let facts: [(String, String, String)] = [
      ("format", "\(format)", "\(other.format)"),
      ("seed", "\(seed)", "\(other.seed)"),
      ("channels", channels.joined(separator: " "), other.channels.joined(separator: " ")),
      ("grid", grid, other.grid),
      ("lead_hours", "\(leadHours)", "\(other.leadHours)"),
      ("output_every_hours", "\(outputEveryHours)", "\(other.outputEveryHours)"),
      (
        "checkpoints", checkpoints.map { String($0.sha256.prefix(12)) }.joined(separator: " "),
        other.checkpoints.map { String($0.sha256.prefix(12)) }.joined(separator: " ")
      ),
      ("perturbation", "\(perturbation)", "\(other.perturbation)"),
      ("matmul_precision", matmulPrecision ?? "highest", other.matmulPrecision ?? "highest"),
      ("amplitudes", "\(amplitudes)", "\(other.amplitudes)"),
      ("products", products ?? "", other.products ?? ""),
      // Whatever else the run file says of members: analyses, rounding.
      ("run_file_sha256", String(runFileDigest.prefix(12)), String(other.runFileDigest.prefix(12))),
    ]
    return facts.first { $0.1 != $0.2 }
  }

  /// What decides the members' bits, as one word: partial sums of another fingerprint are never merged.
  public var fingerprint: String {
    let facts =
      [runFileDigest, "\(seed)", grid, "\(leadHours)", "\(outputEveryHours)", "\(members.count)"] + channels
      + checkpoints.map(\.sha256) + amplitudes.map { "\($0)" }
    return String(SHA256.hexadecimal(of: Array(facts.joined(separator: " ").utf8)).prefix(16))
  }

  /// The file's bytes: JSON, keys sorted.
  public func encoded() throws -> Data {
    try SortedJSON.data(self, isPretty: true) + Data("\n".utf8)
  }
}
