import Basics
import Foundation
import Models
import Training

/// What `apus checkpoint calibrate` did: shown, kept in the checkpoint's provenance, written to its card.
struct CalibrationReport: Encodable, CustomStringConvertible {
  let checkpoint: String
  let source: String
  let sourceDigest: String
  let data: [String]
  let from: String
  let to: String
  let starts: Int
  let leadHours: [Int]
  let firstDegree: Int
  let firstFactor: Int
  let relaxation: Double
  let finestRelaxation: Double
  let boundRelaxation: Double
  let limitMargin: Double
  let powerTail: Double
  let iterations: [SpectralCalibration.Iteration]
  var finish: Finish?

  /// What was measured for the finish of a variational forecaster.
  struct Finish: Encodable {
    let leadHours: [Int]
    let starts: Int
    /// Power over the truth's before it.
    let lowest, highest: Double

    enum CodingKeys: String, CodingKey {
      case starts, lowest, highest
      case leadHours = "lead_hours"
    }

    init(_ outcome: FinishMeasurement.Outcome) {
      (leadHours, starts) = (outcome.finish.leadHours, outcome.starts)
      (lowest, highest) = (outcome.lowest, outcome.highest)
    }

    var description: String {
      String(format: "power over the truth's %.3f to %.3f without it", lowest, highest)
        + ", at \(leadHours.map(String.init).joined(separator: ", ")) h from \(starts) starts"
    }
  }

  enum CodingKeys: String, CodingKey {
    case checkpoint, source, data, from, to, starts, relaxation, iterations, finish
    case sourceDigest = "source_sha256"
    case leadHours = "lead_hours"
    case firstDegree = "first_degree"
    case firstFactor = "first_factor"
    case finestRelaxation = "finest_relaxation"
    case boundRelaxation = "bound_relaxation"
    case limitMargin = "limit_margin"
    case powerTail = "power_tail"
  }

  private var finest: String {
    finestRelaxation == relaxation ? "" : ", rising to \(finestRelaxation) at the highest degree"
  }

  /// The iteration that was kept: the first of them is the checkpoint as it was.
  private var kept: SpectralCalibration.Iteration? {
    iterations.dropFirst().filter(\.misfit.isFinite).min { $0.misfit < $1.misfit }
  }

  static func text(_ iteration: SpectralCalibration.Iteration) -> String {
    String(
      format: "power over the truth's %.3f to %.3f, mean absolute log %.4f", iteration.lowest,
      iteration.highest,
      iteration.misfit)
  }

  var description: String {
    let lines = iterations.enumerated().map { number, iteration in
      (number == 0 ? "before       " : "iteration \(number - 1)  ") + Self.text(iteration)
    }
    let finish = finish.map { ["finish       \($0.description)"] } ?? []
    return (lines + finish + ["wrote \(checkpoint)"]).joined(separator: "\n")
  }

  /// The source's provenance with this beside it, as JSON text.
  func provenance(with source: String) throws -> String {
    let own = try JSONDecoder().decode(JSONValue.self, from: SortedJSON.data(self))
    var facts: [String: JSONValue] = [:]
    if case .object(let known)? = try? JSONDecoder().decode(
      JSONValue.self, from: Data(source.utf8))
    {
      facts = known
    }
    facts["spectral_calibration"] = own
    return try SortedJSON.text(JSONValue.object(facts))
  }

  private static let weightsFollow = "The card of the weights follows."

  /// The card: that of the weights, where the source has it beside it, under what was done to them. What an
  /// earlier calibration did to the source is undone by this one.
  func card(sourceFile: String) throws -> String {
    let name = FilePath.name(of: checkpoint)
    var lines = [
      "# \(name)", "",
      "Made by Apus \(apusVersion) (`apus checkpoint calibrate`); this card was written with the checkpoint.",
      "",
      "| | |", "|---|---|", "| file | `\(name)` |",
      "| SHA-256 | `\(try SHA256.hexadecimal(ofFile: checkpoint))` |",
      "| weights of | `\(self.source)`, SHA-256 `\(sourceDigest)` |",
      "| calibrated on | \(data.map { "`\($0)`" }.joined(separator: ", ")), \(from) to \(to), \(starts) starts |",
      "| lead times | \(leadHours.map(String.init).joined(separator: ", ")) h |",
      "| degrees | relaxed from \(firstDegree) on, \(relaxation) a step\(finest); factors from \(firstFactor) on |",
      "| power of lower degrees | held within the data's, but for \(powerTail) of the states on either side, by "
        + "\(boundRelaxation) a step |",
      "| limits | on every latitude the data's least and largest values and \(limitMargin) of their distance |",
    ]
    if let first = iterations.first { lines.append("| before | \(Self.text(first)) |") }
    if let kept { lines.append("| after | \(Self.text(kept)) |") }
    if let finish { lines.append("| finish of written members | \(finish.description) |") }
    if let card = try? String(contentsOfFile: TrainingFiles.card(sourceFile), encoding: .utf8) {
      let weights = card.components(separatedBy: "\n\(Self.weightsFollow)\n").last ?? card
      lines += ["", Self.weightsFollow, "", weights.trimmingCharacters(in: .newlines)]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
