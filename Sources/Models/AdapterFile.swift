import Basics
import Fields
import Foundation
import Operators

/// The file of an adapter: its factors, and which checkpoint they change.
///
/// safetensors: metadata `adapter` (`base`, a path relative to the file; `base_sha256`; `rank`) and
/// `provenance`; factors as `NAME.left` and `NAME.right` (`LowRankAdapter`). `Checkpoint.read` reads one as
/// it reads a checkpoint.
public struct AdapterLink: Codable, Sendable, Hashable {
  /// The base's path, relative to the adapter's directory.
  public let base: String
  /// SHA-256 of the base's file.
  public let baseDigest: String
  /// Rank of the factors.
  public let rank: Int

  enum CodingKeys: String, CodingKey {
    case base, rank
    case baseDigest = "base_sha256"
  }

  /// The metadata key.
  static let key = "adapter"

  /// The link in a file's metadata, nil where the file is no adapter.
  /// - Throws: `ApusError` of kind `badData` where it is not understood.
  public static func find(_ content: SafeTensors, file: String) throws -> AdapterLink? {
    guard let text = content.metadata[key] else { return nil }
    guard let link = try? JSONDecoder().decode(AdapterLink.self, from: Data(text.utf8)),
      (1...4096).contains(link.rank)
    else {
      throw ApusError(
        .badData, "metadata is not understood", file: file, variable: key, found: text,
        expected: "base, base_sha256 and rank")
    }
    return link
  }

  /// The base's file: where the link says, or under its name beside the adapter.
  /// - Throws: `ApusError`: `inputMissing` where there is none, `badData` where it is another file.
  func locate(_ file: String) throws -> String {
    let directory = FilePath.directory(of: file)
    func path(_ name: String) -> String {
      name.hasPrefix("/") || directory.isEmpty ? name : directory + "/" + name
    }
    let places = [path(base), path(FilePath.name(of: base))]
    let found = places.filter { FileManager.default.fileExists(atPath: $0) }
    guard let first = found.first else {
      throw ApusError(
        .inputMissing, "the base checkpoint of this adapter is missing", file: file, variable: "base",
        found: "no file \(places[0])", expected: "SHA-256 \(baseDigest.prefix(12))...",
        advice: "Put the checkpoint that the adapter was trained from there or beside the adapter.")
    }
    let digests = try found.map { try SHA256.hexadecimal(ofFile: $0) }
    if let place = digests.firstIndex(of: baseDigest) { return found[place] }
    throw ApusError(
      .badData, "the base of this adapter is another checkpoint", file: file, variable: "base",
      found: "\(first) with SHA-256 \(digests[0].prefix(12))...", expected: "\(baseDigest.prefix(12))...",
      advice: "An adapter fits only the very file that it was trained from.")
  }
}

extension Checkpoint {
  /// Reads an adapter and its base.
  static func read(_ content: SafeTensors, _ link: AdapterLink, file: String) throws -> Checkpoint {
    let base = try Checkpoint.read(link.locate(file))
    let adapter = LowRankAdapter(base.network.layout, rank: link.rank)
    let factors = AlignedBuffer<Float>(adapter.count)
    for factor in adapter.factors {
      let values = try content.floats(factor.name, shape: factor.shape, file: file)
      values.withUnsafeBufferPointer { source in
        if let start = source.baseAddress {
          (factors.pointer + factor.offset).update(from: start, count: values.count)
        }
      }
    }
    let weights = AlignedBuffer<Float>(base.parameters.count)
    try adapter.compose(base.parameters, factors, into: weights)
    return try base.with(
      weights, provenance: content.metadata["provenance"] ?? "{}", file: file,
      digest: SHA256.hexadecimal(ofFile: file))
  }

  /// The same network, channels and normalisation with other weights, and so without the tuning, which
  /// belongs to the weights it was measured with.
  public func with(
    _ parameters: AlignedBuffer<Float>, provenance: String, file: String = "", digest: String = ""
  ) throws -> Checkpoint {
    try Checkpoint(
      network: network, parameters: parameters, channels: channels, units: units,
      normalisation: normalisation, features: features.features, staticFields: staticFields,
      degrees: degrees, stepHours: stepHours, provenance: provenance, file: file, digest: digest)
  }

  /// The same checkpoint with another tuning.
  public func with(tuning: StepTuning, provenance: String) throws -> Checkpoint {
    try Checkpoint(
      network: network, parameters: parameters, channels: channels, units: units,
      normalisation: normalisation, features: features.features, staticFields: staticFields,
      degrees: degrees, stepHours: stepHours, tuning: tuning, provenance: provenance)
  }
}

extension LowRankAdapter {
  /// Writes the adapter's file.
  /// - Parameters:
  ///   - base: the checkpoint that the factors change, as it was read.
  ///   - half: factors as float16, half the size.
  /// - Throws: `ApusError` where the file cannot be written.
  public func write(
    _ path: String, _ factors: AlignedBuffer<Float>, base: Checkpoint, provenance: String, half: Bool = false
  ) throws {
    let link = AdapterLink(
      base: RelativePath.from(directory: FilePath.directory(of: path), to: base.file),
      baseDigest: base.digest, rank: rank)
    let text = try SortedJSON.text(link)
    var tensors: [String: SafeTensors.Tensor] = [:]
    for factor in self.factors {
      let values = Array(UnsafeBufferPointer(start: factors.pointer + factor.offset, count: factor.count))
      tensors[factor.name] =
        half ? .init(half: values, shape: factor.shape) : .init(values, shape: factor.shape)
    }
    try SafeTensors(metadata: [AdapterLink.key: text, "provenance": provenance], tensors: tensors).write(path)
  }
}

/// One file's path as another directory sees it.
enum RelativePath {
  /// `../models/a.safetensors` from `out` to `models/a.safetensors`.
  static func from(directory: String, to file: String) -> String {
    func parts(_ path: String) -> [String] {
      URL(fileURLWithPath: path.isEmpty ? "." : path).standardizedFileURL.pathComponents
    }
    let (here, there) = (parts(directory), parts(file))
    let shared = zip(here, there).prefix { $0 == $1 }.count
    return (here.dropFirst(shared).map { _ in ".." } + there.dropFirst(shared)).joined(separator: "/")
  }
}
