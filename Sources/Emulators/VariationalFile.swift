import Basics
import Foundation
import Models
import Operators

/// Sizes of a variational forecaster around its checkpoint.
public struct VariationalConfiguration: Sendable, Hashable, Codable {
  /// Latent channels.
  public var latentChannels: Int
  /// Degrees of the latent fields.
  public var latentDegrees: Int
  /// Width and blocks of the networks of prior and posterior.
  public var width, blocks: Int

  /// Memory of the noise in forecasts unless asked for otherwise, 0 to 1; nil: 0.
  public var noiseMemory: Double?

  /// Sizes, one by one.
  public init(
    latentChannels: Int = 16, latentDegrees: Int = 17, width: Int = 32, blocks: Int = 2,
    noiseMemory: Double? = nil
  ) {
    self.noiseMemory = noiseMemory
    (self.latentChannels, self.latentDegrees) = (latentChannels, latentDegrees)
    (self.width, self.blocks) = (width, blocks)
  }

  /// The networks around a checkpoint.
  /// - Throws: `ApusError` of kind `badData`.
  public func networks(_ base: Checkpoint) throws -> VariationalForecaster.Networks {
    try VariationalForecaster.Networks(
      base.network.configuration, channels: base.channels.count, latentChannels: latentChannels,
      latentDegrees: latentDegrees, width: width, blocks: blocks)
  }
}

/// Variational forecasters as safetensors files: all that a checkpoint has, the forecaster's weights among them with their
/// latent columns, `prior.*` and `posterior.*` beside them, and in the metadata `variational` and, once it was calibrated,
/// `variational_spectral_gain` and `variational_finish`.
public enum VariationalFile {
  private static let gainKey = "variational_spectral_gain"
  private static let finishKey = "variational_finish"

  /// Whether a file holds a variational forecaster.
  /// - Throws: `ApusError` where it cannot be read.
  public static func isOne(_ path: String) throws -> Bool {
    try SafeTensors.read(path).metadata["variational"] != nil
  }

  private static func open(_ path: String) throws -> (SafeTensors, VariationalConfiguration) {
    let file = try SafeTensors.read(path)
    guard let text = file.metadata["variational"],
      let configuration = try? JSONDecoder().decode(VariationalConfiguration.self, from: Data(text.utf8))
    else {
      throw ApusError(
        .badData, "is no variational forecaster", file: path, variable: "variational",
        expected: "a file that `apus train` wrote from a run file with `variational`")
    }
    let sizes = [
      configuration.latentChannels, configuration.latentDegrees, configuration.width, configuration.blocks,
    ]
    guard sizes.allSatisfy({ (1...65_536).contains($0) }) else {
      throw ApusError(
        .badData, "absurd sizes", file: path, variable: "variational", found: text, expected: "1 to 65536")
    }
    return (file, configuration)
  }

  /// Reads a variational forecaster.
  /// - Throws: `ApusError`: `inputMissing`, or `badData` for another kind of file or a damaged one.
  public static func read(_ path: String) throws -> VariationalForecaster {
    var (file, configuration) = try open(path)
    // The checkpoint around it, with weights that nobody reads.
    let latent = configuration.latentChannels
    for name in ["model.encoder.fwd.0.weight", "model.residual_transform.weight"] {
      let full = try file.floats("forecaster." + name, file: path)
      let shape = file.tensors["forecaster." + name]?.shape ?? []
      guard shape.count == 4, shape[1] > latent else {
        throw ApusError(
          .badData, "tensor has the wrong shape", file: path, variable: name, found: "\(shape)",
          expected: "more than \(latent) inputs")
      }
      let kept = (0..<shape[0]).flatMap { full[$0 * shape[1]..<($0 + 1) * shape[1] - latent] }
      file.tensors[name] = .init(kept, shape: [shape[0], shape[1] - latent, 1, 1])
    }
    for (name, tensor) in file.tensors where name.hasPrefix("forecaster.") {
      let plain = String(name.dropFirst("forecaster.".count))
      if file.tensors[plain] == nil { file.tensors[plain] = tensor }
    }
    let base = try Checkpoint(file, path: path)
    let networks = try configuration.networks(base)
    let flat = AlignedBuffer<Float>(networks.count)
    for part in networks.parts {
      let prefix = part.prefix.isEmpty ? "forecaster." : part.prefix
      let weights = try part.network.layout.read(file, file: path, prefix: prefix)
      (flat.pointer + part.offset).update(from: weights.pointer, count: weights.count)
    }
    var forecaster = VariationalForecaster(
      networks: networks, parameters: flat, base: base, noiseMemory: configuration.noiseMemory ?? 0,
      provenance: file.metadata["provenance"] ?? "{}")
    if let gain = try metadata(StepTuning.self, gainKey, of: file, path) {
      forecaster = try forecaster.with(tuning: gain)
    }
    if let finish = try metadata(LeadTimeFinish.self, finishKey, of: file, path) {
      forecaster = try forecaster.with(finish: finish)
    }
    return forecaster
  }

  private static func metadata<Value: Decodable>(
    _: Value.Type, _ key: String, of file: SafeTensors, _ path: String
  ) throws -> Value? {
    guard let text = file.metadata[key] else { return nil }
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
      throw ApusError(.badData, "metadata cannot be read", file: path, variable: key)
    }
    return value
  }

  /// Writes the forecaster of a file with another tuning, finish, memory of the noise and provenance, its weights as
  /// they are stored.
  /// - Throws: `ApusError` where a file cannot be read or written.
  public static func write(
    _ gain: StepTuning, _ finish: LeadTimeFinish?, noiseMemory: Double, provenance: String, of source: String,
    to path: String
  ) throws {
    var (file, configuration) = try open(source)
    configuration.noiseMemory = noiseMemory > 0 ? noiseMemory : nil
    file.metadata["variational"] = try SortedJSON.text(configuration)
    file.metadata[gainKey] = try SortedJSON.text(gain)
    file.metadata[finishKey] = try finish.map { try SortedJSON.text($0) }
    file.metadata["provenance"] = provenance
    try file.write(path)
  }

  /// Writes a variational forecaster; the same one gives the same bytes.
  /// - Parameter half: weight matrices as float16, half the size.
  /// - Throws: `ApusError` where the file cannot be written.
  public static func write(
    _ configuration: VariationalConfiguration, _ networks: VariationalForecaster.Networks,
    _ parameters: AlignedBuffer<Float>, base: Checkpoint, provenance: String, to path: String, half: Bool
  ) throws {
    var file = try base.file(provenance: provenance)
    file.tensors = file.tensors.filter { $0.key == "static_fields" }
    file.metadata["variational"] = try SortedJSON.text(configuration)
    for part in networks.parts {
      let prefix = part.prefix.isEmpty ? "forecaster." : part.prefix
      file.tensors.merge(
        part.network.layout.tensors(parameters.pointer + part.offset, prefix: prefix, half: half)
      ) { $1 }
    }
    try file.write(path)
  }
}
