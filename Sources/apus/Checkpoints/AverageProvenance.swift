import Basics
import Foundation
import Models

/// Where an average of checkpoints comes from, for its metadata.
struct AverageProvenance: Encodable {
  struct Source: Encodable {
    let file: String
    let sha256: String
    /// Its part in the mean; nil for a base.
    let weight: Double?

    init(_ checkpoint: Checkpoint, weight: Double? = nil) {
      file = FilePath.name(of: checkpoint.file)
      sha256 = checkpoint.digest
      self.weight = weight
    }
  }

  /// Scaling by layer, as LiNeS.
  struct Lines: Encodable {
    let alpha: Double
    let beta: Double
    let base: Source
  }

  let apusVersion: String
  let average: [Source]
  let lines: Lines?

  init(members: [Checkpoint], shares: [Double], base: Checkpoint?, lines: [Double]?) {
    apusVersion = Basics.apusVersion
    let total = shares.reduce(0, +)
    average = zip(members, shares).map { Source($0, weight: total > 0 ? $1 / total : $1) }
    self.lines = base.flatMap { base in
      lines.map { Lines(alpha: $0[0], beta: $0[1], base: Source(base)) }
    }
  }

  enum CodingKeys: String, CodingKey {
    case average, lines
    case apusVersion = "apus_version"
  }

  /// JSON, keys sorted.
  func text() throws -> String { try SortedJSON.text(self) }
}

/// What `apus checkpoint average` reports.
struct AverageReport: Encodable, CustomStringConvertible {
  let checkpoint: String
  let provenance: AverageProvenance

  init(checkpoint: String, facts: AverageProvenance) {
    self.checkpoint = checkpoint
    provenance = facts
  }

  var description: String {
    var lines = provenance.average.map { source in
      String(format: "%.4f  ", source.weight ?? 0) + "\(source.file)  \(source.sha256.prefix(12))"
    }
    if let scaling = provenance.lines {
      lines.append(
        "scaled by \(scaling.alpha) + \(scaling.beta) l / (L - 1) from \(scaling.base.file) "
          + "\(scaling.base.sha256.prefix(12))")
    }
    return (["\(checkpoint): the mean of \(provenance.average.count)"] + lines).joined(separator: "\n")
  }
}
