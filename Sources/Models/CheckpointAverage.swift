import Basics
import Fields
import Operators
import Sphere

/// Averages of weights: of checkpoints along one training (Izmailov et al. 2018), of fine-tunes of one base
/// (Wortsman et al. 2022), and fine-tunes taken back towards their base layer by layer (LiNeS, Wang et al.
/// 2024).
///
/// Means are taken in double precision, so that equal weights keep their bits.
public enum CheckpointAverage {
  /// The weighted mean of the weights of checkpoints of one kind.
  /// - Parameters:
  ///   - shares: what each counts, 0 or more, not all 0; their sum doesn't matter. nil: all the same.
  ///   - provenance: of the result.
  /// - Throws: `ApusError`: `usage` for shares that don't fit, `badData` where the checkpoints differ in
  ///   more than weights.
  public static func mean(_ checkpoints: [Checkpoint], shares: [Double]? = nil, provenance: String = "{}")
    throws -> Checkpoint
  {
    guard let first = checkpoints.first else { throw ApusError(.usage, "no checkpoint to average") }
    let shares = shares ?? checkpoints.map { _ in 1 }
    let total = shares.reduce(0, +)
    guard shares.count == checkpoints.count else {
      throw ApusError(
        .usage, "as many weights as checkpoints are needed", found: "\(shares.count)",
        expected: "\(checkpoints.count)")
    }
    guard shares.allSatisfy({ $0 >= 0 && $0.isFinite }), total > 0 else {
      throw ApusError(.usage, "weights must be 0 or more, and not all 0", found: "\(shares)")
    }
    for other in checkpoints.dropFirst() { try other.requireSameKind(as: first) }
    for checkpoint in checkpoints { try checkpoint.requireFiniteWeights() }
    let target = AlignedBuffer<Float>(first.parameters.count)
    for i in 0..<target.count {
      var sum = 0.0
      for (checkpoint, share) in zip(checkpoints, shares) {
        sum += share / total * Double(checkpoint.parameters.pointer[i])
      }
      target.pointer[i] = Float(sum)
    }
    return try first.with(target, provenance: provenance)
  }

  /// A fine-tune whose difference to its base is scaled by alpha + beta l / (L - 1) in layer l of L
  /// (`layer(of:)`).
  /// - Throws: `ApusError` of kind `badData` where the two differ in more than weights.
  public static func scaled(
    _ checkpoint: Checkpoint, base: Checkpoint, alpha: Double, beta: Double, provenance: String = "{}"
  ) throws -> Checkpoint {
    try checkpoint.requireSameKind(as: base)
    for one in [checkpoint, base] { try one.requireFiniteWeights() }
    let target = AlignedBuffer<Float>(base.parameters.count)
    let blocks = base.network.configuration.num_layers
    let last = Double(blocks + 1)
    for segment in base.network.layout.segments {
      let scale = alpha + beta * Double(layer(of: segment.name, blocks: blocks)) / last
      for i in segment.offset..<segment.offset + segment.count {
        // Not base + scale (tuned - base): scales 0 and 1 give the very bits of either.
        let (before, after) = (base.parameters.pointer[i], checkpoint.parameters.pointer[i])
        target.pointer[i] = Float((1 - scale) * Double(before) + scale * Double(after))
      }
    }
    return try base.with(target, provenance: provenance)
  }

  /// Depth of a tensor: 0 for the encoder, 1... for the blocks, `blocks` + 1 for what makes the output, the
  /// decoder and the big skip.
  public static func layer(of tensor: String, blocks: Int) -> Int {
    let parts = tensor.split(separator: ".")
    if let place = parts.firstIndex(of: "blocks"), place + 1 < parts.count, let block = Int(parts[place + 1])
    {
      return block + 1
    }
    return parts.contains("encoder") ? 0 : blocks + 1
  }
}

extension Checkpoint {
  /// Checks that no weight is infinite or no number.
  /// - Throws: `ApusError` of kind `badData` that names the tensor.
  func requireFiniteWeights() throws {
    for segment in network.layout.segments {
      let range = segment.offset..<segment.offset + segment.count
      guard let place = range.first(where: { !parameters.pointer[$0].isFinite }) else { continue }
      throw ApusError(
        .badData, "a weight is no finite number", file: file.isEmpty ? nil : file, variable: segment.name,
        found: "\(parameters.pointer[place])", expected: "finite weights")
    }
  }

  /// Checks that only the weights differ from another checkpoint's.
  /// - Throws: `ApusError` of kind `badData` that names the first thing that differs, and how.
  public func requireSameKind(as other: Checkpoint) throws {
    func require<Value: Equatable>(_ what: String, _ here: Value, _ there: Value) throws {
      guard here != there else { return }
      throw ApusError(
        .badData, "the checkpoints cannot be mixed, they differ in more than weights",
        file: file.isEmpty ? nil : file,
        variable: what, found: "\(here)", expected: "\(there) as in \(other.file)")
    }
    let (mine, its) = (network.configuration, other.network.configuration)
    try require("grid", GridName.text(grid), GridName.text(other.grid))
    try require("channels", channels.joined(separator: " "), other.channels.joined(separator: " "))
    try require("units", units.joined(separator: " "), other.units.joined(separator: " "))
    try require("inp_chans", mine.inp_chans, its.inp_chans)
    try require("embed_dim", mine.embed_dim, its.embed_dim)
    try require("num_layers", mine.num_layers, its.num_layers)
    try require("config", mine, its)
    try require("step_hours", stepHours, other.stepHours)
    try require("degrees", degrees, other.degrees)
    try require("features", features.features, other.features.features)
    let channel = channels.indices.first {
      normalisation.mean[$0] != other.normalisation.mean[$0]
        || normalisation.deviation[$0] != other.normalisation.deviation[$0]
    }
    if let channel {
      try require(
        "normalisation",
        "\(channels[channel]) \(normalisation.mean[channel]) +- \(normalisation.deviation[channel])",
        "\(other.normalisation.mean[channel]) +- \(other.normalisation.deviation[channel])")
    }
    if staticFields != other.staticFields {
      let place = zip(staticFields, other.staticFields).enumerated().first { $0.element.0 != $0.element.1 }
      let name = features.features.staticFields[(place?.offset ?? 0) / grid.pointCount]
      try require(
        "static_fields", "\(name) \(place?.element.0 ?? .nan)", "\(place?.element.1 ?? .nan)")
    }
  }
}
