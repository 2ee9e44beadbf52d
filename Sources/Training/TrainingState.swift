import Basics
import Foundation
import Operators

/// Everything a training needs to go on as if it had never stopped: weights, moments, average, step, curve.
///
/// A safetensors file beside the checkpoint, full precision.
public struct TrainingState: Sendable {
  /// Updates made.
  public var step: Int
  /// Fingerprint of what is trained: run file, data, versions of what decides the bits.
  public var fingerprint: String
  /// The loss curve so far.
  public var curve: [LossCurve.Point]
  /// Flat arrays of the network's layout: `weights`, `first`, `second`, `average`.
  public var arrays: [String: [Float]]

  /// A state from its parts.
  public init(step: Int, fingerprint: String, curve: [LossCurve.Point], arrays: [String: [Float]]) {
    self.step = step
    self.fingerprint = fingerprint
    self.curve = curve
    self.arrays = arrays
  }

  /// Writes the state.
  /// - Throws: `ApusError` where the file cannot be written.
  public func write(_ path: String) throws {
    let curve = String(decoding: try JSONEncoder().encode(curve), as: UTF8.self)
    try SafeTensors(
      metadata: ["step": "\(step)", "fingerprint": fingerprint, "curve": curve],
      tensors: arrays.mapValues { .init($0, shape: [$0.count]) }
    ).write(path)
  }

  /// Reads a state, nil where there is no file.
  /// - Throws: `ApusError` of kind `badData` for a damaged file or the state of another training.
  public static func read(_ path: String, fingerprint: String, count: Int) throws -> TrainingState? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let content = try SafeTensors.read(path)
    guard let step = content.metadata["step"].flatMap({ Int($0) }),
      let found = content.metadata["fingerprint"],
      let curve = content.metadata["curve"].flatMap({
        try? JSONDecoder().decode([LossCurve.Point].self, from: Data($0.utf8))
      })
    else { throw ApusError(.badData, "is no training state", file: path) }
    guard found == fingerprint else {
      throw ApusError(
        .badData, "the training state belongs to another run file or other data", file: path,
        found: String(found.prefix(12)), expected: String(fingerprint.prefix(12)),
        advice: "Remove it to start afresh, or name another checkpoint under output.")
    }
    var arrays: [String: [Float]] = [:]
    for name in content.tensors.keys {
      let shape = name == "average" ? nil : [count]
      arrays[name] = try content.floats(name, shape: shape, file: path)
    }
    return TrainingState(step: step, fingerprint: found, curve: curve, arrays: arrays)
  }
}
