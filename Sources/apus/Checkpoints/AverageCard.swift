import Basics
import Foundation
import Models
import Operators

/// The card of an average of checkpoints, in Markdown: the same for the same average.
struct AverageCard {
  let checkpoint: Checkpoint
  /// Its file, written before the card.
  let file: String
  let facts: AverageProvenance

  /// The card.
  /// - Throws: `ApusError` where the checkpoint cannot be read.
  func text() throws -> String {
    let name = FilePath.name(of: file)
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    let bytes = (attributes?[.size] as? NSNumber)?.intValue ?? 0
    let c = checkpoint.network.configuration
    var lines = [
      "# \(name)", "",
      "Made by Apus \(apusVersion) (`apus checkpoint average`); this card was written with the checkpoint.",
      "",
      "| | |", "|---|---|", "| file | `\(name)`, \(Sizes.text(bytes)) |",
      "| SHA-256 | `\(try SHA256.hexadecimal(ofFile: file))` |",
      "| network | SFNO (HENS), \(c.inp_chans) channels in, \(c.out_chans) out, embed_dim \(c.embed_dim), "
        + "\(c.num_layers) blocks, scale_factor \(c.scale_factor) |",
      "| grid | \(GridName.text(checkpoint.grid)), states l < \(checkpoint.degrees) |",
      "| step | \(checkpoint.stepHours) h |", "| channels | \(checkpoint.channels.joined(separator: ", ")) |",
    ]
    if let scaling = facts.lines {
      lines.append(
        "| scaled by layer | difference to `\(scaling.base.file)` (SHA-256 `\(scaling.base.sha256)`) times "
          + "\(scaling.alpha) + \(scaling.beta) l / (L - 1), LiNeS |")
    }
    lines += ["", "## Weights averaged", "", "| file | weight | SHA-256 |", "|---|---|---|"]
    lines += facts.average.map {
      String(format: "| `%@` | %.6g | `%@` |", $0.file, $0.weight ?? 0, $0.sha256)
    }
    lines += ["", "Scores of an average are not known before it is scored: `apus run`, `apus verify`."]
    return lines.joined(separator: "\n") + "\n"
  }
}
