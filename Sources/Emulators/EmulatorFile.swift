import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere

/// Emulators as safetensors files.
///
/// Metadata: `emulator` (`diffusion`, `one_step`, `gaussian_shrinkage`, `residual_bootstrap`, `emos`), `channels`,
/// `units`, `grid`, `degrees`, `lead_hours`, `seed_counts`, `provenance`, `spectral_gain` (`SpectralFinish`), and by kind `config`, `embedding`, `features`,
/// `slopes` and `deviations` [number of seeds][lead time][channel][degree], `sampler`. Tensors: `climate_mean`, `climate_variance`, and by kind the
/// network's weights under makani's names (`embedding.*` beside them), `static_fields`, or the tables of a baseline.
public enum EmulatorFile {
  /// Reads an emulator of any kind, and what makes fields of its draws.
  /// - Throws: `ApusError`: `inputMissing` for no file, `badData` for another kind of file or a damaged one.
  public static func readWithFinish(_ path: String) throws -> (any Emulator, SpectralFinish) {
    let file = try SafeTensors.read(path)
    let emulator = try read(file, path)
    let gains =
      file.metadata["spectral_gain"] == nil
      ? nil : try table("spectral_gain", emulator.seedCounts, emulator.domain, file, path)
    return (emulator, SpectralFinish(emulator.domain, gains: gains))
  }

  /// Reads an emulator of any kind.
  /// - Throws: `ApusError`: `inputMissing` for no file, `badData` for another kind of file or a damaged one.
  public static func read(_ path: String) throws -> any Emulator { try read(SafeTensors.read(path), path) }

  private static func read(_ file: SafeTensors, _ path: String) throws -> any Emulator {
    guard let kind = file.metadata["emulator"] else {
      throw ApusError(
        .badData, "is no emulator", file: path, variable: "emulator",
        found: file.metadata.keys.sorted().joined(separator: ", "),
        expected: "a file that `apus train` wrote from a run file with `emulator`",
        advice: file.metadata["variational"] == nil
          ? nil : "A variational forecaster starts from --analyses instead of --seeds.")
    }
    let domain = try readDomain(file, path)
    let counts = try decode("seed_counts", [Int].self, file, path)
    switch kind {
    case "gaussian_shrinkage": return try readShrinkage(counts, domain, file, path)
    case "residual_bootstrap":
      return ResidualBootstrap(
        domain: domain, seedCounts: counts, libraries: try readLibraries(counts, domain, file, path))
    case "emos":
      let shape = [counts.count, domain.leadHours.count, domain.channels.count, domain.grid.latitudeCount, 4]
      let numbers = try file.floats("lines", shape: shape, file: path).map(Double.init)
      var next = 0
      let lines = counts.map { _ in
        domain.leadHours.map { _ in
          domain.channels.map { _ in
            (0..<domain.grid.latitudeCount).map { _ in
              defer { next += 4 }
              return SIMD4(numbers[next], numbers[next + 1], numbers[next + 2], numbers[next + 3])
            }
          }
        }
      }
      return EMOS(
        domain: domain, seedCounts: counts, lines: lines,
        libraries: try readLibraries(counts, domain, file, path))
    default:
      guard let kind = NetworkEmulator.Kind(rawValue: kind) else {
        throw ApusError(
          .badData, "unknown kind of emulator", file: path, variable: "emulator", found: kind,
          expected: "one that this version of Apus knows")
      }
      return try readNetwork(kind, counts, domain, file, path)
    }
  }

  /// Writes an emulator; the same one gives the same bytes.
  /// - Parameters:
  ///   - finish: what makes fields of its draws; nil: the climate alone.
  ///   - provenance: where it comes from, as JSON text.
  ///   - half: weights and tables as float16, half the size.
  /// - Throws: `ApusError` where the file cannot be written.
  public static func write(
    _ emulator: any Emulator, finish: SpectralFinish? = nil, to path: String, provenance: String, half: Bool
  ) throws {
    let domain = emulator.domain
    var metadata = [
      "channels": try SortedJSON.text(domain.channels), "units": try SortedJSON.text(domain.units),
      "grid": GridName.text(domain.grid), "degrees": "\(domain.degrees)",
      "lead_hours": try SortedJSON.text(domain.leadHours),
      "seed_counts": try SortedJSON.text(emulator.seedCounts),
      "provenance": provenance,
    ]
    if let gains = finish?.gains { metadata["spectral_gain"] = try SortedJSON.text(gains) }
    let field = [domain.channels.count, domain.grid.latitudeCount, domain.grid.longitudeCount]
    var tensors: [String: SafeTensors.Tensor] = [
      "climate_mean": .init(domain.climate.means.array, shape: [SeasonalClimate.meanTerms] + field),
      "climate_variance": .init(
        domain.climate.variances.array, shape: [SeasonalClimate.varianceTerms] + field),
    ]
    func add(_ libraries: [ResidualLibrary]) {
      for (count, library) in zip(emulator.seedCounts, libraries) {
        let shape = [library.starts, library.leads] + field
        let values = library.residuals.array
        tensors["residuals.\(count)"] = half ? .init(half: values, shape: shape) : .init(values, shape: shape)
      }
    }
    switch emulator {
    case let emulator as NetworkEmulator:
      metadata["emulator"] = emulator.kind.rawValue
      metadata["config"] = try SortedJSON.text(emulator.network.network.configuration)
      metadata["embedding"] = try SortedJSON.text(emulator.network.embedding)
      metadata["features"] = try SortedJSON.text(emulator.features.features)
      metadata["slopes"] = try SortedJSON.text(emulator.shrinkage.slopes)
      metadata["deviations"] = try SortedJSON.text(emulator.shrinkage.deviations)
      metadata["sampler"] = try SortedJSON.text(emulator.sampler)
      tensors.merge(emulator.network.layout.tensors(emulator.parameters.pointer, half: half)) { $1 }
      if !emulator.staticFields.isEmpty {
        tensors["static_fields"] = .init(
          emulator.staticFields,
          shape: [
            emulator.features.features.staticFields.count, domain.grid.latitudeCount,
            domain.grid.longitudeCount,
          ])
      }
    case let emulator as GaussianShrinkage:
      metadata["emulator"] = "gaussian_shrinkage"
      metadata["slopes"] = try SortedJSON.text(emulator.slopes)
      metadata["deviations"] = try SortedJSON.text(emulator.deviations)
    case let emulator as ResidualBootstrap:
      metadata["emulator"] = "residual_bootstrap"
      add(emulator.libraries)
    case let emulator as EMOS:
      metadata["emulator"] = "emos"
      let numbers = emulator.lines.joined().joined().joined().flatMap { line in
        (0..<4).map { Float(line[$0]) }
      }
      tensors["lines"] = .init(
        numbers,
        shape: [
          emulator.seedCounts.count, domain.leadHours.count, domain.channels.count,
          domain.grid.latitudeCount, 4,
        ])
      add(emulator.libraries)
    default:
      throw ApusError(.internalFault, "this emulator has no file format", found: "\(type(of: emulator))")
    }
    try SafeTensors(metadata: metadata, tensors: tensors).write(path)
  }

  private static func text(_ key: String, _ file: SafeTensors, _ path: String) throws -> String {
    guard let text = file.metadata[key] else {
      throw ApusError(
        .badData, "metadata is missing", file: path, variable: key,
        found: file.metadata.keys.sorted().joined(separator: ", "),
        expected: "an emulator that `apus train` wrote")
    }
    return text
  }

  private static func decode<Value: Decodable>(
    _ key: String, _ type: Value.Type, _ file: SafeTensors, _ path: String
  ) throws -> Value {
    let text = try text(key, file, path)
    do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
      throw ApusError(.badData, "metadata is not understood", file: path, variable: key, found: "\(error)")
    }
  }

  private static func readDomain(_ file: SafeTensors, _ path: String) throws -> EmulatorDomain {
    let channels = try decode("channels", [String].self, file, path)
    let units = try decode("units", [String].self, file, path)
    let named = try text("grid", file, path)
    let words = named.split(separator: " ").map(String.init)
    guard words.count == 3, let kind = SphereGrid.Kind(rawValue: words[0]), let rows = Int(words[1]),
      let columns = Int(words[2]), rows >= 4, columns >= 4, units.count == channels.count,
      let degrees = Int(try text("degrees", file, path)), degrees > 0
    else {
      throw ApusError(.badData, "grid, degrees or units make no sense", file: path, found: named)
    }
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    let field = [channels.count, rows, columns]
    let means = try file.floats("climate_mean", shape: [SeasonalClimate.meanTerms] + field, file: path)
    let variances = try file.floats(
      "climate_variance", shape: [SeasonalClimate.varianceTerms] + field, file: path)
    return EmulatorDomain(
      channels: channels, units: units, grid: grid, degrees: degrees,
      leadHours: try decode("lead_hours", [Int].self, file, path),
      climate: SeasonalClimate(
        channels: channels.count, points: grid.pointCount, means: AlignedBuffer(means),
        variances: AlignedBuffer(variances)))
  }

  private static func readLibraries(
    _ counts: [Int], _ domain: EmulatorDomain, _ file: SafeTensors, _ path: String
  ) throws -> [ResidualLibrary] {
    try counts.map { count in
      let name = "residuals.\(count)"
      let leads = domain.leadHours.count
      let values = try file.floats(name, file: path)
      let starts = values.count / max(leads * domain.fieldSize, 1)
      guard starts > 0, values.count == starts * leads * domain.fieldSize else {
        throw ApusError(
          .badData, "the residuals do not fit the emulator", file: path, variable: name,
          found: "\(values.count) numbers", expected: "a multiple of \(leads * domain.fieldSize)")
      }
      return ResidualLibrary(
        starts: starts, leads: leads, fieldSize: domain.fieldSize, residuals: AlignedBuffer(values))
    }
  }

  /// Numbers [number of seeds][lead time][channel][degree].
  private static func table(
    _ name: String, _ counts: [Int], _ domain: EmulatorDomain, _ file: SafeTensors, _ path: String
  ) throws -> [[[[Double]]]] {
    let table = try decode(name, [[[[Double]]]].self, file, path)
    let fits =
      table.count == counts.count
      && table.allSatisfy { leads in
        leads.count == domain.leadHours.count
          && leads.allSatisfy { lines in
            lines.count == domain.channels.count && lines.allSatisfy { $0.count == domain.degrees }
          }
      }
    guard fits else {
      throw ApusError(
        .badData, "a table does not fit the emulator", file: path, variable: name,
        expected:
          "[\(counts.count)][\(domain.leadHours.count)][\(domain.channels.count)][\(domain.degrees)] numbers")
    }
    return table
  }

  private static func readShrinkage(
    _ counts: [Int], _ domain: EmulatorDomain, _ file: SafeTensors, _ path: String
  ) throws -> GaussianShrinkage {
    return GaussianShrinkage(
      domain: domain, seedCounts: counts, slopes: try table("slopes", counts, domain, file, path),
      deviations: try table("deviations", counts, domain, file, path))
  }

  private static func readNetwork(
    _ kind: NetworkEmulator.Kind, _ counts: [Int], _ domain: EmulatorDomain, _ file: SafeTensors,
    _ path: String
  ) throws -> NetworkEmulator {
    let configuration = try decode("config", SFNOConfiguration.self, file, path)
    try configuration.validate(file: path)
    let network = try ConditionalSFNO(
      configuration, embedding: decode("embedding", EmbeddingConfiguration.self, file, path))
    let features = try decode("features", InputFeatures.self, file, path)
    let sampler = try decode("sampler", DiffusionSampler.self, file, path)
    guard sampler.isUsable else {
      throw ApusError(
        .badData, "the sampler cannot work", file: path, variable: "sampler", found: "\(sampler)",
        expected: "2 to 1000 levels between two noises above 0")
    }
    let shape = [features.staticFields.count, domain.grid.latitudeCount, domain.grid.longitudeCount]
    let statics =
      features.staticFields.isEmpty ? [] : try file.floats("static_fields", shape: shape, file: path)
    return try NetworkEmulator(
      kind: kind, network: network, parameters: network.layout.read(file, file: path),
      shrinkage: readShrinkage(counts, domain, file, path),
      features: FeatureFields(features, grid: domain.grid, staticFields: statics), staticFields: statics,
      sampler: sampler,
      provenance: file.metadata["provenance"] ?? "{}", file: path)
  }
}
