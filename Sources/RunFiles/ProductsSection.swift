import Basics
import Fields
import Foundation

/// What is kept of all members beside mean, spread, minimum and maximum, so that members need not be.
public struct ProductsSection: Sendable, Hashable, Encodable {
  /// A place whose values every member leaves: a city's plume.
  public struct Place: Sendable, Hashable, Encodable {
    /// Its name in the file.
    public var name: String
    /// Latitude [degrees north].
    public var latitude: Double
    /// Longitude [degrees east].
    public var longitude: Double

    enum CodingKeys: String, CodingKey, CaseIterable { case name, latitude, longitude }

    init(_ section: Section<CodingKeys>) throws {
      name = try section.string(.name)
      latitude = try section.number(.latitude, in: -90...90)
      longitude = try section.number(.longitude, in: -180...360)
    }
  }

  /// Bounds whose probability of being exceeded is kept, by channel: a number, `climate:p95`,
  /// `climate:mean+1std`.
  public var thresholds: [String: [String]]
  /// Counts beyond the climate's 101 percentiles, and the extreme forecast index from them.
  public var quantiles: Bool
  /// Counts around the control: distributions, quantiles and CRPS of any truth to come.
  public var distribution: Bool
  /// Mean power of the members by degree.
  public var spectra: Bool
  /// Every member's root-mean-square error where the truth is known.
  public var memberErrors: Bool
  /// Places of plumes.
  public var points: [Place]
  /// Counts are kept at multiples of this [h]; nil: at every output time.
  public var everyHours: Int?
  /// Minutes of work that a kill may lose.
  public var saveMinutes: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case thresholds, quantiles, distribution, spectra, points
    case memberErrors = "member_errors"
    case everyHours = "every_hours"
    case saveMinutes = "save_minutes"
  }

  /// Nothing beside mean, spread, minimum and maximum.
  public init() {
    thresholds = [:]
    (quantiles, distribution, spectra, memberErrors) = (false, false, false, false)
    points = []
    everyHours = nil
    saveMinutes = 5
  }

  /// A word that changes with what is kept, and with the climate and the truth that it is counted against.
  /// - Parameters:
  ///   - climate: of bounds and percentiles; nil where none is needed.
  ///   - truth: of members' errors; nil where none is needed.
  public func fingerprint(climate: ClimatologySource? = nil, truth: DataPeriod? = nil) throws -> String {
    struct Facts: Encodable {
      let kept: ProductsSection
      let climate: ClimatologySource?
      let truth: DataPeriod?
    }
    var kept = self
    kept.saveMinutes = 0
    let digest =
      climate == nil && truth == nil
      ? try SortedJSON.digest(kept)
      : try SortedJSON.digest(Facts(kept: kept, climate: climate, truth: truth))
    return String(digest.prefix(16))
  }

  init(_ section: Section<CodingKeys>) throws {
    thresholds = try section.stringsByName(.thresholds)
    quantiles = try section.flag(.quantiles, default: false)
    distribution = try section.flag(.distribution, default: false)
    spectra = try section.flag(.spectra, default: false)
    memberErrors = try section.flag(.memberErrors, default: false)
    points = try section.sections(.points, Place.CodingKeys.self).map(Place.init)
    let names = points.map(\.name)
    if let twice = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
      throw section.refuse(.points, "two points of one name", found: twice)
    }
    everyHours = try section.optionalInteger(.everyHours, in: 1...8760)
    saveMinutes = try section.number(.saveMinutes, in: 0...1440, default: 5)
  }
}
