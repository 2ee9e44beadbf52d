import Basics
import FieldIO
import Fields
import Foundation
import Models
import Operators
import RunFiles
import Training

/// The card of a trained checkpoint, in Markdown: data, network, scores, time, recipe.
///
/// All but the section on time is the same whenever the same training is run.
struct ModelCard {
  /// SHA-256 of data files by path.
  typealias Digests = [String: String]

  let inputs: TrainingInputs
  let digests: Digests
  let file: String
  let kept: TrainingProvenance.Kept
  let step: Int
  /// Of the curve at that step.
  let point: LossCurve.Point?
  let speed: TrainingSpeed

  /// The digests of all files that were trained on or validated with.
  static func digests(_ inputs: TrainingInputs) throws -> Digests {
    let files = Array(Set((inputs.training + inputs.validation).flatMap(\.archive.files))).sorted()
    let slots = Slots<String>(files.count)
    try Parallel.forEach(files.count) { index, _ in
      slots[index] = try SHA256.hexadecimal(ofFile: files[index])
    }
    return Dictionary(uniqueKeysWithValues: zip(files, slots.values))
  }

  /// The card.
  /// - Throws: `ApusError` where the checkpoint cannot be read.
  func text() throws -> String {
    let run = inputs.run
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    let bytes = (attributes?[.size] as? NSNumber)?.intValue ?? 0
    let c = inputs.network.configuration
    let weights = inputs.network.layout.segments.reduce(0) { $0 + $1.count }
    var lines = ["# \(Markdown.line(run.name))", ""]
    lines.append("Made by Apus \(apusVersion) (`apus train`); this card was written with the checkpoint.")
    lines += ["", "| | |", "|---|---|"]
    func row(_ name: String, _ value: String) { lines.append("| \(name) | \(Markdown.cell(value)) |") }
    row("file", "`\(FilePath.name(of: file))`, \(Sizes.text(bytes))")
    row("SHA-256", "`\(try SHA256.hexadecimal(ofFile: file))`")
    row("licence", run.licence ?? "not stated")
    row(
      "network",
      "SFNO (HENS), \(c.inp_chans) channels in, \(c.out_chans) out, embed_dim \(c.embed_dim), "
        + "\(c.num_layers) blocks, scale_factor \(c.scale_factor)")
    row("weights", "\(weights)" + (run.output.halfPrecision ? ", matrices as float16" : ", float32"))
    if let adapter = run.adapter, let base = inputs.base {
      let layout = LowRankAdapter(inputs.network.layout, rank: adapter.rank)
      let factors = layout.factors.reduce(0) { $0 + $1.count }
      row("adapter", "rank \(adapter.rank), \(factors) numbers trained and in the file")
      row("base", "`\(adapter.base.written)`, SHA-256 `\(base.digest)`")
    } else if let initial = run.initialCheckpoint, let base = inputs.base {
      row("started from", "`\(initial.written)`, SHA-256 `\(base.digest)`")
    }
    row("grid", "\(GridName.text(inputs.grid)), states l < \(run.data.degrees)")
    row("step", "\(run.data.stepHours) h")
    row("channels", zip(run.data.channels, inputs.units).map { "\($0) [\($1)]" }.joined(separator: ", "))
    row(
      "training",
      "\(inputs.settings.schedule.steps) steps x \(run.optimisation.batchSize) samples, seed \(run.seed)")
    row("kept", (kept == .best ? "best validation" : kept.rawValue) + ", after step \(step)")

    lines += ["", "## Data", "", "| | period | states | files |", "|---|---|---|---|"]
    lines += table("training", inputs.training) + table("validation", inputs.validation)
    let years = Double(inputs.training.reduce(0) { $0 + $1.times.count } * run.data.stepHours) / 8766
    lines += ["", "\(inputs.set.count) samples to train on, " + String(format: "%.1f years", years)]
    if let validation = inputs.validationSet { lines[lines.count - 1] += "; \(validation.count) to validate" }
    lines[lines.count - 1] += "."
    lines += ["", "SHA-256 of the files:", ""]
    for path in digests.keys.sorted() {
      lines.append("- `\(FilePath.name(of: path))` `\(digests[path] ?? "")`")
    }

    lines += ["", "## Scores", ""]
    if let point {
      let loss = point.validationLoss.map { String(format: ", validation loss %.5g", $0) } ?? ""
      lines.append(String(format: "Training loss %.5g", point.loss) + loss + ".")
    }
    if let scores = point?.scores, !scores.isEmpty {
      lines += [
        "",
        "Forecasts from up to \(run.validation.starts) initial times of the validation data; area means "
          + "weighted by cos(latitude).", "",
        "| channel | lead time | RMSE | persistence's | ratio |", "|---|---|---|---|---|",
      ]
      for score in scores {
        lines.append(
          String(
            format: "| %@ | %d h | %.4g | %.4g | %.3f |", score.channel, score.leadHours, score.rmse,
            score.persistence, score.ratio))
      }
    } else if inputs.validationSet == nil {
      lines.append("No validation data.")
    }
    lines += ["", "## Time", "", "\(speed)."]
    lines += ["", "## Recipe", "", "The run file with all defaults; JSON is YAML too.", "", "```json"]
    lines += [try run.canonicalText().trimmingCharacters(in: .newlines), "```"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func table(_ what: String, _ stretches: [TrainingInputs.Stretch]) -> [String] {
    stretches.map { stretch in
      let files = stretch.archive.files.map { "`\(FilePath.name(of: $0))`" }
      let (first, last) = (stretch.times.first?.description ?? "", stretch.times.last?.description ?? "")
      return "| \(what) | \(first) to \(last) | \(stretch.times.count) | \(files.joined(separator: ", ")) |"
    }
  }
}
