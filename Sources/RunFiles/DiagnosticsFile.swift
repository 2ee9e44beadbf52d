import Basics
import Fields
import Foundation
import Yams

/// A definition of diagnostics: what `apus verify DEFINITION.yml` computes, of whatever ensemble.
///
/// Files may be named here or on the command line.
public struct DiagnosticsFile: RunFile {
  /// A part of the globe.
  public struct Region: Sendable, Hashable, Encodable {
    /// Its name in files and figures.
    public var name: String
    /// Southern edge [degrees north].
    public var south: Double
    /// Northern edge [degrees north].
    public var north: Double
    /// Western edge [degrees east]: the region runs from here eastwards to `east`.
    public var west: Double
    /// Eastern edge [degrees east].
    public var east: Double
    /// Whether only land or only sea counts; needs a land-sea mask.
    public var surface: Surface?

    /// What the land-sea mask keeps.
    public enum Surface: String, Sendable, Hashable, Codable, CaseIterable { case land, sea }

    enum CodingKeys: String, CodingKey, CaseIterable { case name, south, north, west, east, surface }

    /// Regions that need no edges.
    static let known: [String: (Double, Double, Surface?)] = [
      "global": (-90, 90, nil), "tropics": (-20, 20, nil), "northern_extratropics": (20, 90, nil),
      "southern_extratropics": (-90, -20, nil), "northern_hemisphere": (0, 90, nil),
      "southern_hemisphere": (-90, 0, nil), "hens": (-70, 70, nil), "land": (-90, 90, .land),
      "sea": (-90, 90, .sea),
    ]

    init?(known name: String) {
      guard let (south, north, surface) = Self.known[name] else { return nil }
      (self.name, self.south, self.north, self.surface) = (name, south, north, surface)
      (west, east) = (0, 360)
    }

    init(_ section: Section<CodingKeys>) throws {
      name = try section.string(.name)
      let preset = Region(known: name)
      south = try section.number(.south, in: -90...90, default: preset?.south ?? -90)
      north = try section.number(.north, in: -90...90, default: preset?.north ?? 90)
      west = try section.number(.west, in: -360...360, default: 0)
      east = try section.number(.east, in: -360...720, default: section.has(.west) ? nil : 360)
      surface = try section.optionalChoice(.surface, Surface.self) ?? preset?.surface
      guard south < north else {
        throw section.refuse(
          .north, "lies south of its southern edge", found: "\(north)", expected: "above \(south)")
      }
    }
  }

  /// Past states that thresholds, anomalies and extremes are taken from.
  public struct Climate: Sendable, Hashable, Encodable {
    /// Which states belong to a valid time.
    public enum Calendar: String, Sendable, Hashable, Codable, CaseIterable {
      /// Within `window_days` of its day of the year, at its hour.
      case window
      /// Of its calendar month, at its hour (HENS).
      case month
      /// All.
      case all
    }
    /// The archive; without files where `file` is given.
    public var period: DataPeriod
    /// Quantiles that `apus climate quantiles` wrote.
    public var file: InputPath?
    /// Which states.
    public var calendar: Calendar
    /// Days on either side, for `window`.
    public var windowDays: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
      case file, files, from, to, calendar
      case windowDays = "window_days"
    }

    init(_ section: Section<CodingKeys>) throws {
      file = try section.optionalInput(.file)
      if file != nil, let other = CodingKeys.allCases.first(where: { $0 != .file && section.has($0) }) {
        throw section.refuse(
          .file, "given beside \(other.rawValue)", expected: "either file, or an archive and its calendar")
      }
      let own = try section.optionalStrings(.files).map { _ in try section.inputs(.files) }
      period = DataPeriod(
        files: own ?? [], from: try section.optionalInstant(.from), to: try section.optionalInstant(.to))
      calendar = try section.choice(.calendar, default: Calendar.window)
      windowDays = try section.integer(.windowDays, in: 0...182, default: 15)
    }

    /// Writes the keys of the file.
    public func encode(to encoder: any Encoder) throws {
      try period.encode(to: encoder)
      var box = encoder.container(keyedBy: CodingKeys.self)
      try box.encodeIfPresent(file, forKey: .file)
      try box.encode(calendar, forKey: .calendar)
      try box.encode(windowDays, forKey: .windowDays)
    }
  }

  /// Land fractions on the forecasts' grid.
  public struct LandSeaMask: Sendable, Hashable, Encodable {
    /// The file.
    public var file: InputPath
    /// The variable: 1 land, 0 sea.
    public var variable: String

    enum CodingKeys: String, CodingKey, CaseIterable { case file, variable }

    init(_ section: Section<CodingKeys>) throws {
      file = try section.input(.file)
      variable = try section.optionalString(.variable) ?? "lsm"
    }
  }

  /// Multivariate scores on tiles.
  public struct Tiles: Sendable, Hashable, Encodable {
    /// Height of a tile [degrees].
    public var degrees: Double
    /// Most points of a tile.
    public var points: Int
    /// The first so many members count.
    public var members: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case degrees, points, members }

    init(_ section: Section<CodingKeys>) throws {
      degrees = try section.number(.degrees, in: 2...90, default: 20)
      points = try section.integer(.points, in: 2...400, default: 36)
      members = try section.integer(.members, in: 2...1000, default: 64)
    }
  }

  /// Spectra.
  public struct Spectra: Sendable, Hashable, Encodable {
    /// Degrees l below this count; nil: what the grid holds, at most 128.
    public var degrees: Int?
    /// Which definition of power.
    public var convention: VerificationSettings.SpectrumConvention

    enum CodingKeys: String, CodingKey, CaseIterable { case degrees, convention }

    init(_ section: Section<CodingKeys>) throws {
      degrees = try section.optionalInteger(.degrees, in: 2...4096)
      convention = try section.choice(.convention, default: VerificationSettings.SpectrumConvention.standard)
    }
  }

  /// How uncertain numbers are.
  public struct Bootstrap: Sendable, Hashable, Encodable {
    /// Resamples.
    public var resamples: Int
    /// Dates a block; nil: the cube root of their number, rounded up.
    public var blockDates: Int?
    /// Level of the intervals.
    public var confidence: Double
    /// Rate of false discoveries in the scorecard (Benjamini and Hochberg 1995).
    public var falseDiscoveryRate: Double

    enum CodingKeys: String, CodingKey, CaseIterable {
      case resamples, confidence
      case blockDates = "block_dates"
      case falseDiscoveryRate = "false_discovery_rate"
    }

    /// 2000 resamples, 95 % intervals, 5 % false discoveries.
    public init() { (resamples, blockDates, confidence, falseDiscoveryRate) = (2000, nil, 0.95, 0.05) }

    init(_ section: Section<CodingKeys>) throws {
      resamples = try section.integer(.resamples, in: 100...1_000_000, default: 2000)
      blockDates = try section.optionalInteger(.blockDates, in: 1...10_000)
      confidence = try section.number(.confidence, in: 0.5...0.999, default: 0.95)
      falseDiscoveryRate = try section.number(.falseDiscoveryRate, in: 0.0001...0.5, default: 0.05)
    }
  }

  /// How the integral of the extreme forecast index is taken.
  public enum IndexRule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Exactly, from 101 even quantiles (ECMWF).
    case ecmwf
    /// By trapezoids on the 54 quantiles of HENS.
    case hens
  }

  /// Smaller ensembles drawn in groups, whose members hang together.
  public struct Groups: Sendable, Hashable, Encodable {
    /// What a group is, in names of variables: pairs, checkpoints.
    public var name: String
    /// Members of each, neighbours in the order of their numbers, the control apart.
    public var members: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case name, members }

    init(_ section: Section<CodingKeys>) throws {
      name = try section.string(.name)
      members = try section.integer(.members, in: 1...1_000_000)
      guard let first = name.first, first.isLetter,
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      else {
        throw section.refuse(
          .name, "is part of names of variables", found: name, expected: "letters, digits and _",
          advice: "For example pairs, or checkpoints.")
      }
    }
  }

  /// The variogram score of the whole globe.
  public struct Variogram: Sendable, Hashable, Encodable {
    /// Points, spread evenly.
    public var points: Int
    /// The first so many members count.
    public var members: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case points, members }

    init(_ section: Section<CodingKeys>) throws {
      points = try section.integer(.points, in: 2...2000, default: 200)
      members = try section.integer(.members, in: 1...10_000, default: 64)
    }
  }

  /// Its name: the report's heading.
  public var name: String
  /// What readers must know about the data.
  public var notes: [String]
  /// Files of the ensemble; empty: from the command line.
  public var forecast: [InputPath]
  /// Files of the truth.
  public var truth: [InputPath]
  /// Files of an ensemble to compare with; empty: none.
  public var baseline: [InputPath]
  /// Variables, also derived ones.
  public var variables: [String]
  /// Lead times [h]; empty: all.
  public var leadTimes: [Int]
  /// Lead times are multiples of this [h]; nil: any.
  public var everyHours: Int?
  /// Regions; the first leads the report.
  public var regions: [Region]
  /// Land fractions, where a region asks for land or sea.
  public var landSeaMask: LandSeaMask?
  /// Events by variable: `climate:p95`, `climate:mean+2std`, `300`, each with `below ` before it for cold tails.
  public var events: [String: [String]]
  /// Lags [h] of a lagged ensemble, 0 among them; empty: every forecast by itself.
  public var laggedHours: [Int]
  /// The climate; nil: none.
  public var climate: Climate?
  /// How the extreme forecast index is computed.
  public var extremeForecastIndex: IndexRule
  /// Number of the control member; nil: none is singled out.
  public var control: Int?
  /// alpha of the almost fair CRPS.
  public var almostFairAlpha: Double
  /// Bins of reliability and discrimination diagrams.
  public var probabilityBins: Int
  /// Whether the CRPS is taken apart.
  public var decomposition: Bool
  /// Whether the energy score of whole fields is computed, of so many members; nil: not.
  public var energyMembers: Int?
  /// Tiles; nil: none.
  public var tiles: Tiles?
  /// Spectra; nil: none.
  public var spectra: Spectra?
  /// Sizes of smaller ensembles to look at; empty: none.
  public var ensembleSizes: [Int]
  /// Groups that smaller ensembles are drawn in too; empty: members alone.
  public var ensembleGroups: [Groups]
  /// Variogram score of the globe; nil: not.
  public var variogram: Variogram?
  /// Scores of which maps are kept.
  public var maps: [String]
  /// Places whose plumes are shown.
  public var points: [ProductsSection.Place]
  /// How many members are shown as small maps; 0: none.
  public var stamps: Int
  /// Intervals.
  public var bootstrap: Bootstrap
  /// Most memory for members' values [10^6 bytes].
  public var memoryMegabytes: Int
  /// Minutes of work that a kill may lose.
  public var saveMinutes: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, notes, forecast, truth, baseline, variables, regions, events, climate, control, tiles, spectra,
      maps, bootstrap, decomposition, points, stamps, variogram
    case leadTimes = "lead_times"
    case everyHours = "every_hours"
    case laggedHours = "lagged_hours"
    case landSeaMask = "land_sea_mask"
    case almostFairAlpha = "almost_fair_alpha"
    case probabilityBins = "probability_bins"
    case energyMembers = "energy_members"
    case ensembleSizes = "ensemble_sizes"
    case ensembleGroups = "ensemble_groups"
    case extremeForecastIndex = "extreme_forecast_index"
    case memoryMegabytes = "memory_megabytes"
    case saveMinutes = "save_minutes"
  }

  /// Reads a definition.
  /// - Throws: `ApusError` of kind `badRunFile` (78) with file, line, column and key.
  public static func parse(_ text: String, file: String) throws -> DiagnosticsFile {
    let source = Source(file: file)
    let node = try composeRunFile(text, source: source)
    return try DiagnosticsFile(Section(node, keys: CodingKeys.self, source: source, name: "the definition"))
  }

  init(_ section: Section<CodingKeys>) throws {
    func files(_ key: CodingKeys) throws -> [InputPath] {
      section.has(key) ? try section.inputs(key) : []
    }
    name = try section.string(.name)
    notes = try section.optionalStrings(.notes) ?? []
    forecast = try files(.forecast)
    truth = try files(.truth)
    baseline = try files(.baseline)
    let variables = try section.channels(.variables) ?? []
    self.variables = variables
    guard !variables.isEmpty else {
      throw section.refuse(.variables, "names no variable", expected: "at least one")
    }
    leadTimes = Array(Set(try section.wholeNumbers(.leadTimes, in: 0...87_600) ?? [])).sorted()
    everyHours = try section.optionalInteger(.everyHours, in: 1...8760)
    let lags = try section.wholeNumbers(.laggedHours, in: -8760...8760) ?? []
    laggedHours = lags
    guard lags.isEmpty || lags.contains(0) && Set(lags).count == lags.count else {
      throw section.refuse(
        .laggedHours, "lags lack 0, or one comes twice", found: "\(lags)",
        expected: "for example [-24, -12, 0, 12, 24]")
    }
    let regions = try Self.regions(section)
    self.regions = regions
    landSeaMask = try section.section(.landSeaMask, LandSeaMask.CodingKeys.self).map(LandSeaMask.init)
    if let needy = regions.first(where: { $0.surface != nil }), landSeaMask == nil {
      throw section.refuse(
        .regions, "a region of land or sea needs a mask", found: needy.name,
        advice: "Add land_sea_mask: {file: models/static_t31.nc, variable: lsm}, on the forecasts' grid.")
    }
    let events = try section.stringsByName(.events)
    self.events = events
    for (variable, own) in events.sorted(by: { $0.key < $1.key }) {
      guard let twice = own.first(where: { event in own.count { $0 == event } > 1 }) else { continue }
      throw section.refuse(.events, "an event named twice", found: "\(twice) of \(variable)")
    }
    if let stray = events.keys.sorted().first(where: { !variables.contains($0) }) {
      let advice =
        Spelling.nearest(to: stray, among: variables).map { "Did you mean '\($0)'?" }
        ?? "Add it to variables."
      throw section.refuse(.events, "events of a variable that is not scored", found: stray, advice: advice)
    }
    climate = try section.section(.climate, Climate.CodingKeys.self).map(Climate.init)
    control = try section.optionalInteger(.control, in: 0...1_000_000)
    almostFairAlpha = try section.number(.almostFairAlpha, in: 0...1, default: 0.95)
    probabilityBins = try section.integer(.probabilityBins, in: 2...1000, default: 10)
    decomposition = try section.flag(.decomposition, default: true)
    energyMembers = try section.optionalInteger(.energyMembers, in: 2...10_000)
    tiles = try section.section(.tiles, Tiles.CodingKeys.self).map(Tiles.init)
    spectra = try section.section(.spectra, Spectra.CodingKeys.self).map(Spectra.init)
    ensembleSizes = try section.wholeNumbers(.ensembleSizes, in: 2...10_000_000) ?? []
    let groups = try section.sections(.ensembleGroups, Groups.CodingKeys.self).map(Groups.init)
    ensembleGroups = groups
    if ensembleSizes.isEmpty, let group = groups.first {
      throw section.refuse(
        .ensembleGroups, "groups are drawn for ensemble_sizes, and there are none", found: group.name,
        advice: "Add ensemble_sizes: [...], multiples of \(group.members).")
    }
    if let twice = groups.first(where: { group in groups.count { $0.name == group.name } > 1 }) {
      throw section.refuse(.ensembleGroups, "two groups of one name", found: twice.name)
    }
    variogram = try section.section(.variogram, Variogram.CodingKeys.self).map(Variogram.init)
    extremeForecastIndex = try section.choice(.extremeForecastIndex, default: IndexRule.ecmwf)
    maps = try section.optionalStrings(.maps) ?? []
    points = try section.sections(.points, ProductsSection.Place.CodingKeys.self)
      .map(ProductsSection.Place.init)
    stamps = try section.optionalInteger(.stamps, in: 0...100) ?? 0
    bootstrap = try section.section(.bootstrap, Bootstrap.CodingKeys.self).map(Bootstrap.init) ?? Bootstrap()
    memoryMegabytes = try section.integer(.memoryMegabytes, in: 16...1_000_000, default: 768)
    saveMinutes = try section.number(.saveMinutes, in: 0...1440, default: 2)
  }

  private static func regions(_ section: Section<CodingKeys>) throws -> [Region] {
    guard let node = section.node(.regions) else { return [Region(known: "global")].compactMap { $0 } }
    var regions: [Region] = []
    for item in node.sequence.map(Array.init) ?? [node] {
      if let name = item.scalar?.string {
        guard let region = Region(known: name) else {
          let known = Region.known.keys.sorted()
          throw section.source.error(
            at: item.mark, name, "unknown region",
            advice: Spelling.nearest(to: name, among: known).map { "Did you mean '\($0)'?" }
              ?? "Known without edges: \(known.joined(separator: ", ")).")
        }
        regions.append(region)
      } else {
        regions.append(
          try Region(
            Section(item, keys: Region.CodingKeys.self, source: section.source, name: "regions")))
      }
    }
    let names = regions.map(\.name)
    if let twice = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
      throw section.refuse(.regions, "two regions of one name", found: twice)
    }
    return regions
  }
}
