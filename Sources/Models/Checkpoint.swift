import Basics
import Fields
import Foundation
import Kernels
import Operators
import Sphere

/// A trained network with all that a forecast needs: weights, channels, normalisation, features, grid, step.
///
/// A safetensors file: weights under makani's names; in the metadata `config` (makani's keys), `channels`,
/// `units`, `normalisation`, `features`, `grid` (`gaussian 48 96`), `degrees`, `step_hours`,
/// `provenance` and, where it was calibrated, `spectral_gain` (`StepTuning`); the tensor `static_fields` [field][latitude][longitude], normalised.
public struct Checkpoint: Sendable {
  /// The network.
  public let network: SFNO
  /// Its weights, flat as `network.layout` says.
  public let parameters: AlignedBuffer<Float>
  /// The same as forecasts read them.
  private(set) var weights: SFNOWeights
  /// Prognostic channels.
  public let channels: [String]
  /// Their units.
  public let units: [String]
  /// Their means and standard deviations.
  public let normalisation: Normalisation
  /// Channels appended to the state.
  public let features: FeatureFields
  /// Static fields [field][latitude][longitude], normalised.
  public let staticFields: [Float]
  /// States hold degrees l below this: analyses before they enter, forecasts after every step.
  public let degrees: Int
  /// What is done to every step's result, degree by degree and value by value; nil for nothing.
  public let tuning: StepTuning?
  /// Takes higher degrees away; nil where the grid holds no more and there is no tuning.
  let truncation: SphericalTransform<Float>?
  /// Hours of one step.
  public let stepHours: Int
  /// Where the weights come from, as JSON text.
  public let provenance: String
  /// The file it was read from, empty for one in the making.
  public let file: String
  /// SHA-256 of the file, empty for one in the making.
  public let digest: String

  /// The grid of states.
  public var grid: SphereGrid { network.grid }

  /// A checkpoint from its parts.
  /// - Throws: `ApusError` of kind `badData` where channels and features do not fit the network.
  public init(
    network: SFNO, parameters: AlignedBuffer<Float>, channels: [String], units: [String],
    normalisation: Normalisation, features: InputFeatures, staticFields: [Float], degrees: Int,
    stepHours: Int, tuning: StepTuning? = nil, provenance: String, file: String = "",
    digest: String = ""
  ) throws {
    let configuration = network.configuration
    func require(_ fits: Bool, _ problem: String, _ key: String, _ found: String, _ expected: String) throws {
      guard fits else {
        throw ApusError(.badData, problem, file: file, variable: key, found: found, expected: expected)
      }
    }
    try require(
      channels.count == configuration.out_chans, "channels do not fit the network", "channels",
      "\(channels.count) channels", "out_chans = \(configuration.out_chans)")
    try require(
      channels.count + features.count == configuration.inp_chans, "input features do not fit the network",
      "features", "\(channels.count) channels and \(features.count) features",
      "inp_chans = \(configuration.inp_chans)")
    try require(
      units.count == channels.count, "units do not fit the channels", "units", "\(units.count)",
      "\(channels.count)")
    try require(
      normalisation.channels == channels
        && [normalisation.mean, normalisation.deviation, normalisation.tendencyDeviation].allSatisfy {
          $0.count == channels.count
        }, "normalisation does not fit the channels", "normalisation",
      normalisation.channels.joined(separator: " "), channels.joined(separator: " "))
    try require(
      staticFields.count == features.staticFields.count * network.grid.pointCount,
      "static fields do not fit the grid", "static_fields", "\(staticFields.count) numbers",
      "\(features.staticFields.count) x \(network.grid.pointCount)")
    try tuning?.requireFitting(
      channels: channels.count, degrees: degrees, latitudes: network.grid.latitudeCount, file: file)
    self.network = network
    self.parameters = parameters
    weights = SFNOWeights(network, parameters)
    self.channels = channels
    self.units = units
    self.normalisation = normalisation
    self.features = FeatureFields(features, grid: network.grid, staticFields: staticFields)
    self.staticFields = staticFields
    self.degrees = degrees
    self.tuning = tuning
    truncation =
      Checkpoint.truncation(grid: network.grid, degrees: degrees)
      ?? tuning.map { _ in SphericalTransform(grid: network.grid, degrees: degrees) }
    self.stepHours = stepHours
    self.provenance = provenance
    self.file = file
    self.digest = digest
  }

  /// How exactly forecasts compute the products of the 1x1 convolutions.
  public var precision: ProductPrecision { weights.precision }

  /// The same checkpoint, whose forecasts compute the products of the 1x1 convolutions as exactly as this.
  public func computing(_ precision: ProductPrecision) -> Checkpoint {
    guard precision != self.precision else { return self }
    var other = self
    other.weights = SFNOWeights(network, parameters, precision: precision)
    return other
  }

  /// What takes degrees l >= `degrees` out of a state after every step; nil where the grid holds no more.
  public static func truncation(grid: SphereGrid, degrees: Int) -> SphericalTransform<Float>? {
    degrees < grid.latitudeCount && degrees <= grid.longitudeCount / 2
      ? SphericalTransform(grid: grid, degrees: degrees) : nil
  }

  /// Reads a checkpoint, or an adapter with its base (`AdapterLink`).
  /// - Throws: `ApusError`: `inputMissing` for no file, `badData` for a truncated file, missing metadata, or
  ///   tensors, channels or a grid that do not fit the network.
  public static func read(_ path: String) throws -> Checkpoint {
    let content = try SafeTensors.read(path)
    if let link = try AdapterLink.find(content, file: path) {
      return try read(content, link, file: path)
    }
    return try Checkpoint(content, path: path)
  }

  /// A checkpoint from a file's content.
  /// - Throws: `ApusError` of kind `badData` as `read`.
  public init(_ content: SafeTensors, path: String) throws {
    func text(_ key: String) throws -> String {
      guard let text = content.metadata[key] else {
        throw ApusError(
          .badData, "metadata is missing", file: path, variable: key,
          found: content.metadata.keys.sorted().joined(separator: ", "),
          expected: "a checkpoint that `apus train` wrote")
      }
      return text
    }
    func decode<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value {
      do { return try JSONDecoder().decode(type, from: Data(text(key).utf8)) } catch let error as ApusError {
        throw error
      } catch {
        throw ApusError(.badData, "metadata is not understood", file: path, variable: key, found: "\(error)")
      }
    }
    func integer(_ key: String) throws -> Int {
      guard let value = Int(try text(key)), value > 0 else {
        throw ApusError(
          .badData, "metadata is no whole number above 0", file: path, variable: key, found: try text(key))
      }
      return value
    }
    let configuration = try decode("config", SFNOConfiguration.self)
    try configuration.validate(file: path)
    let network = try SFNO(configuration)
    let grid = GridName.text(network.grid)
    let named = try text("grid")
    guard named == grid else {
      throw ApusError(
        .badData, "the grid does not fit the network", file: path, variable: "grid", found: named,
        expected: grid)
    }
    let features = try decode("features", InputFeatures.self)
    let shape = [features.staticFields.count, network.grid.latitudeCount, network.grid.longitudeCount]
    try self.init(
      network: network, parameters: network.layout.read(content, file: path),
      channels: decode("channels", [String].self), units: decode("units", [String].self),
      normalisation: decode("normalisation", Normalisation.self), features: features,
      staticFields: features.staticFields.isEmpty
        ? [] : content.floats("static_fields", shape: shape, file: path),
      degrees: integer("degrees"), stepHours: integer("step_hours"),
      tuning: content.metadata["spectral_gain"] == nil
        ? nil : decode("spectral_gain", StepTuning.self),
      provenance: content.metadata["provenance"] ?? "{}", file: path,
      digest: SHA256.hexadecimal(ofFile: path))
  }

  /// Writes the checkpoint; the same checkpoint gives the same bytes.
  /// - Parameter half: weight matrices as float16, half the size.
  /// - Throws: `ApusError` where the file cannot be written.
  public func write(_ path: String, half: Bool = false) throws {
    try file(provenance: provenance, half: half).write(path)
  }

  /// The checkpoint as the content of a file.
  /// - Throws: where metadata cannot be written as JSON.
  public func file(provenance: String, half: Bool = false) throws -> SafeTensors {
    var tensors = network.layout.tensors(parameters.pointer, half: half)
    if !staticFields.isEmpty {
      tensors["static_fields"] = .init(
        staticFields,
        shape: [features.features.staticFields.count, grid.latitudeCount, grid.longitudeCount])
    }
    var metadata = [
      "config": try SortedJSON.text(network.configuration), "channels": try SortedJSON.text(channels),
      "units": try SortedJSON.text(units),
      "normalisation": try SortedJSON.text(normalisation), "features": try SortedJSON.text(features.features),
      "grid": GridName.text(grid), "degrees": "\(degrees)", "step_hours": "\(stepHours)",
      "provenance": provenance,
    ]
    if let tuning { metadata["spectral_gain"] = try SortedJSON.text(tuning) }
    return SafeTensors(metadata: metadata, tensors: tensors)
  }
}

/// Grids in metadata: `gaussian 48 96`.
public enum GridName {
  /// Kind, rows, columns.
  public static func text(_ grid: SphereGrid) -> String {
    "\(grid.kind.rawValue) \(grid.latitudeCount) \(grid.longitudeCount)"
  }
}
