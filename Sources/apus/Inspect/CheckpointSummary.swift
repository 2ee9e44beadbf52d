import Basics
import Foundation
import Models
import Operators

/// What a safetensors file holds: sizes, network, channels, where it comes from.
struct CheckpointSummary: Encodable, CustomStringConvertible {
  let kind = "checkpoint"
  let file: String
  let bytes: Int
  let tensorCount: Int
  /// Real numbers in the weights; a complex number counts as two.
  let parameterCount: Int
  let configuration: SFNOConfiguration?
  /// The base that an adapter changes.
  let adapter: AdapterLink?
  let channels: [String]
  let units: [String]
  let grid: String?
  let stepHours: Int?
  let degrees: Int?
  /// The remaining metadata: JSON values as they are, other texts as strings.
  let metadata: [String: JSONValue]
  let tensors: [String: Tensor]

  struct Tensor: Encodable {
    let type: String
    let shape: [Int]
  }

  enum CodingKeys: String, CodingKey {
    case adapter, kind, file, bytes, channels, units, grid, degrees, metadata, tensors
    case tensorCount = "tensor_count"
    case parameterCount = "parameter_count"
    case configuration = "config"
    case stepHours = "step_hours"
  }

  /// Reads the file at `path`.
  /// - Throws: `ApusError` for a missing or damaged file, or a config that is none.
  init(_ path: String) throws {
    let content = try SafeTensors.read(path)
    file = path
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    bytes = (attributes?[.size] as? NSNumber)?.intValue ?? 0
    tensorCount = content.tensors.count
    let weights = content.tensors.filter { name, _ in
      name.contains(".") && !name.hasPrefix("grad.") && !name.hasPrefix("optimiser.")
    }
    parameterCount = weights.values.reduce(0) { $0 + $1.count }
    tensors = content.tensors.mapValues { Tensor(type: $0.type, shape: $0.shape) }
    let metadata = content.metadata
    func decode<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value? {
      guard let text = metadata[key] else { return nil }
      do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
        throw ApusError(.badData, "metadata is not understood", file: path, variable: key, found: "\(error)")
      }
    }
    adapter = try AdapterLink.find(content, file: path)
    configuration = try decode("config", SFNOConfiguration.self)
    channels = try decode("channels", [String].self) ?? []
    units = try decode("units", [String].self) ?? []
    grid = metadata["grid"]
    stepHours = metadata["step_hours"].flatMap { Int($0) }
    degrees = metadata["degrees"].flatMap { Int($0) }
    let shown: Set<String> = ["adapter", "config", "channels", "units", "grid", "step_hours", "degrees"]
    self.metadata = metadata.filter { !shown.contains($0.key) }.mapValues { text in
      (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .text(text)
    }
  }

  /// A relaxation as it is stored, one number or one a degree.
  private static func relaxation(_ value: JSONValue?) -> String? {
    switch value {
    case .number(let one)?: "\(one)"
    case .list(let several)?:
      if case .number(let first)? = several.first, case .number(let last)? = several.last {
        "\(first) to \(last)"
      } else {
        nil
      }
    default: nil
    }
  }

  var description: String {
    var lines = ["checkpoint  \(file)", "size        \(Sizes.text(bytes)), \(tensorCount) tensors"]
    lines.append("parameters  \(parameterCount)")
    if let adapter {
      lines.append("adapter     rank \(adapter.rank) on \(adapter.base), SHA-256 \(adapter.baseDigest)")
    }
    if case .text(let kind)? = metadata["emulator"] {
      let counts = metadata["seed_counts"].map { ", from \($0) seeds" } ?? ""
      let leads = metadata["lead_hours"].map { ", lead times \($0) h" } ?? ""
      lines.append("emulator    \(kind)\(counts)\(leads)")
    }
    let isVariational = metadata["variational"] != nil
    if isVariational { lines.append("forecaster  variational: perturbs itself (apus emulate --analyses)") }
    if let configuration {
      lines.append(
        "network     SFNO, \(configuration.inp_chans) channels in, \(configuration.out_chans) out, "
          + "embed_dim \(configuration.embed_dim), \(configuration.num_layers) blocks, "
          + "scale_factor \(configuration.scale_factor)")
      lines.append(
        "shape       \(configuration.inp_shape.map(String.init).joined(separator: " x ")) "
          + configuration.model_grid_type)
    }
    if let grid { lines.append("grid        \(grid)") }
    if let degrees { lines.append("degrees     l < \(degrees)") }
    // A variational file also has the tuning of the checkpoint that it started from, which is not used.
    if case .object(let gain)? = metadata[isVariational ? "variational_spectral_gain" : "spectral_gain"],
      let relaxation = Self.relaxation(gain["relaxation"])
    {
      lines.append("diffusion   tuned, relaxation \(relaxation) a step")
    }
    if case .object(let finish)? = metadata["variational_finish"], let hours = finish["lead_hours"] {
      lines.append("finish      written members have the truth's power, measured at \(hours) h")
    }
    if let stepHours { lines.append("step        \(stepHours) h") }
    if !channels.isEmpty {
      let named = channels.enumerated().map { index, name in
        index < units.count ? "\(name) [\(units[index])]" : name
      }
      lines.append("channels    " + named.joined(separator: ", "))
    }
    if case .object(let facts)? = metadata["provenance"] {
      lines += facts.sorted { $0.key < $1.key }.map { "provenance  \($0.key): \($0.value)" }
    }
    return lines.joined(separator: "\n")
  }
}
