import Foundation
import Sphere

/// What a network is told besides the state: the sun, where it is, the season, the ground
/// (spec/hens.md 1.4). Channels follow the prognostic ones in this order: cos zenith; sin(k latitude),
/// sin(k longitude) and, if wanted, their cosines for k = 1, 2...; sine and cosine of the time of year;
/// static fields.
public struct InputFeatures: Sendable, Codable, Hashable {
  /// Highest k of the position channels; 0 for none.
  public var positionFrequencies: Int
  /// Cosines too.
  public var positionCosines: Bool
  /// Sine and cosine of the time of year.
  public var season: Bool
  /// Cosine of the solar zenith angle at the step's input time.
  public var solarZenith: Bool
  /// Names of the static fields.
  public var staticFields: [String]

  enum CodingKeys: String, CodingKey {
    case season
    case positionFrequencies = "position_frequencies"
    case positionCosines = "position_cosines"
    case solarZenith = "solar_zenith"
    case staticFields = "static_fields"
  }

  /// Reads what a checkpoint says of its inputs.
  /// - Throws: `DecodingError` for a number of position channels that no network has.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: CodingKeys.self)
    positionFrequencies = try box.decode(Int.self, forKey: .positionFrequencies)
    positionCosines = try box.decode(Bool.self, forKey: .positionCosines)
    season = try box.decode(Bool.self, forKey: .season)
    solarZenith = try box.decode(Bool.self, forKey: .solarZenith)
    staticFields = try box.decode([String].self, forKey: .staticFields)
    guard (0...1024).contains(positionFrequencies) else {
      throw DecodingError.dataCorruptedError(
        forKey: .positionFrequencies, in: box, debugDescription: "expected 0 to 1024")
    }
  }

  /// Some features.
  public init(
    positionFrequencies: Int = 0, positionCosines: Bool = false, season: Bool = false,
    solarZenith: Bool = false, staticFields: [String] = []
  ) {
    self.positionFrequencies = positionFrequencies
    self.positionCosines = positionCosines
    self.season = season
    self.solarZenith = solarZenith
    self.staticFields = staticFields
  }

  /// Number of channels.
  public var count: Int {
    (solarZenith ? 1 : 0) + positionFrequencies * (positionCosines ? 4 : 2) + (season ? 2 : 0)
      + staticFields.count
  }
}

/// Fills in the feature channels of a grid; what does not change with time is computed once.
public struct FeatureFields: Sendable {
  /// Which channels.
  public let features: InputFeatures
  /// The grid.
  public let grid: SphereGrid
  private let position: [Float]
  private let statics: [Float]

  /// Prepares the channels of a grid.
  /// - Parameter staticFields: [field][latitude][longitude], normalised, in the order of their names.
  public init(_ features: InputFeatures, grid: SphereGrid, staticFields: [Float]) {
    precondition(staticFields.count == features.staticFields.count * grid.pointCount)
    self.features = features
    self.grid = grid
    statics = staticFields
    let latitudes = grid.colatitudes.map { .pi / 2 - $0 }
    let longitudes = grid.longitudes.map { $0 * .pi / 180 }
    var position: [Float] = []
    for k in 0..<features.positionFrequencies {
      let frequency = Double(k + 1)
      for wave in features.positionCosines ? [sin, cos] : [sin as (Double) -> Double] {
        position += latitudes.flatMap { latitude in
          longitudes.map { _ in Float(wave(frequency * latitude)) }
        }
        position += latitudes.flatMap { _ in longitudes.map { Float(wave(frequency * $0)) } }
      }
    }
    self.position = position
  }

  /// Writes all channels, [features.count][latitude][longitude], for a step that starts at `time`.
  public func fill(_ target: UnsafeMutablePointer<Float>, at time: Instant) {
    let points = grid.pointCount
    var next = target
    func append(_ values: [Float]) {
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { next.update(from: base, count: source.count) }
      }
      next += values.count
    }
    if features.solarZenith { append(SolarZenith.cosine(at: time, grid: grid)) }
    append(position)
    if features.season {
      let angle = 2 * Double.pi * time.yearFraction
      for value in [sin(angle), cos(angle)] {
        next.update(repeating: Float(value), count: points)
        next += points
      }
    }
    append(statics)
  }
}
