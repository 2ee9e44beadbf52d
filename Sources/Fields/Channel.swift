/// A quantity of the atmosphere on one surface: what one number of a state means.
public struct Channel: Sendable, Hashable {
  /// Our name: `z500`, `msl`, `t2m`, `vo850`.
  public let name: String
  /// The quantity without its level: `z`, `msl`, `t`.
  public let quantity: String
  /// Pressure level [hPa]; nil for single-level channels.
  public let level: Int?
  /// Height over ground [m] of near-surface channels.
  public let height: Double?
  /// The unit all of Apus uses for it, in CF spelling.
  public let unit: String
  /// CF standard name, nil where CF has none.
  public let standardName: String?
  /// In words.
  public let longName: String

  /// The winds that vorticity and divergence of a level are derivatives of; nil for other channels.
  public var windComponents: (eastward: String, northward: String, isVorticity: Bool)? {
    guard let level, quantity == "vo" || quantity == "d" else { return nil }
    return ("u\(level)", "v\(level)", quantity == "vo")
  }
}

/// The channels that Apus knows by name (docs/files.md), with the other names that files use.
public enum ChannelCatalogue {
  private struct Entry {
    let quantity: String
    let unit: String
    let standardName: String?
    let longName: String
    var height: Double?
    /// Names of the same quantity in files: ECMWF short names, WeatherBench 2, CMIP.
    var aliases: [String] = []
  }

  private static let onLevels: [Entry] = [
    Entry(
      quantity: "z", unit: "m", standardName: "geopotential_height", longName: "geopotential height",
      aliases: ["gh", "zg", "hgt", "geopotential", "geopotential_height"]),
    Entry(
      quantity: "t", unit: "K", standardName: "air_temperature", longName: "temperature",
      aliases: ["ta", "temperature"]),
    Entry(
      quantity: "u", unit: "m s-1", standardName: "eastward_wind", longName: "eastward wind",
      aliases: ["ua", "u_component_of_wind"]),
    Entry(
      quantity: "v", unit: "m s-1", standardName: "northward_wind", longName: "northward wind",
      aliases: ["va", "v_component_of_wind"]),
    Entry(
      quantity: "q", unit: "kg kg-1", standardName: "specific_humidity", longName: "specific humidity",
      aliases: ["hus", "specific_humidity"]),
    Entry(
      quantity: "r", unit: "%", standardName: "relative_humidity", longName: "relative humidity",
      aliases: ["hur", "relative_humidity"]),
    Entry(
      quantity: "w", unit: "Pa s-1", standardName: "lagrangian_tendency_of_air_pressure",
      longName: "vertical velocity", aliases: ["wap", "vertical_velocity"]),
    Entry(
      quantity: "vo", unit: "s-1", standardName: "atmosphere_relative_vorticity",
      longName: "relative vorticity", aliases: ["vorticity"]),
    Entry(
      quantity: "d", unit: "s-1", standardName: "divergence_of_wind", longName: "divergence",
      aliases: ["divergence"]),
  ]

  private static let single: [Entry] = [
    Entry(
      quantity: "msl", unit: "Pa", standardName: "air_pressure_at_mean_sea_level",
      longName: "mean sea level pressure", aliases: ["psl", "prmsl", "mean_sea_level_pressure"]),
    Entry(
      quantity: "sp", unit: "Pa", standardName: "surface_air_pressure", longName: "surface pressure",
      aliases: ["ps", "surface_pressure"]),
    Entry(
      quantity: "t2m", unit: "K", standardName: "air_temperature", longName: "2 metre temperature", height: 2,
      aliases: ["2t", "tas", "2m_temperature"]),
    Entry(
      quantity: "d2m", unit: "K", standardName: "dew_point_temperature",
      longName: "2 metre dew point temperature", height: 2, aliases: ["2d", "2m_dewpoint_temperature"]),
    Entry(
      quantity: "u10", unit: "m s-1", standardName: "eastward_wind", longName: "10 metre eastward wind",
      height: 10, aliases: ["10u", "u10m", "uas", "10m_u_component_of_wind"]),
    Entry(
      quantity: "v10", unit: "m s-1", standardName: "northward_wind", longName: "10 metre northward wind",
      height: 10, aliases: ["10v", "v10m", "vas", "10m_v_component_of_wind"]),
    Entry(
      quantity: "u100", unit: "m s-1", standardName: "eastward_wind", longName: "100 metre eastward wind",
      height: 100, aliases: ["100u", "u100m"]),
    Entry(
      quantity: "v100", unit: "m s-1", standardName: "northward_wind", longName: "100 metre northward wind",
      height: 100, aliases: ["100v", "v100m"]),
    Entry(
      quantity: "tcwv", unit: "kg m-2", standardName: "atmosphere_mass_content_of_water_vapor",
      longName: "total column water vapour", aliases: ["prw"]),
    Entry(
      quantity: "tp", unit: "kg m-2", standardName: "precipitation_amount", longName: "total precipitation",
      aliases: ["total_precipitation"]),
    Entry(
      quantity: "sst", unit: "K", standardName: "sea_surface_temperature",
      longName: "sea surface temperature",
      aliases: ["tos", "sea_surface_temperature"]),
    Entry(
      quantity: "lsm", unit: "1", standardName: "land_area_fraction", longName: "land area fraction",
      aliases: ["sftlf", "land_sea_mask"]),
    Entry(
      quantity: "orog", unit: "m", standardName: "surface_altitude", longName: "orography",
      aliases: ["orography", "topo"]),
  ]

  /// The channel of a name: a single-level name or a quantity and a level in hPa; nil where unknown.
  public static func channel(_ name: String) -> Channel? {
    if let entry = single.first(where: { $0.quantity == name }) { return channel(entry, level: nil) }
    let letters = name.prefix { $0.isLetter }
    guard let level = Int(name.dropFirst(letters.count)), level > 0, level <= 1100,
      let entry = onLevels.first(where: { $0.quantity == letters })
    else { return nil }
    return channel(entry, level: level)
  }

  /// The quantity that a file's variable of this name holds: `z` for `gh`, `t2m` for `2t`; the name itself
  /// where unknown.
  public static func quantity(ofVariable name: String) -> String {
    let plain = name.lowercased()
    return (onLevels + single).first { $0.quantity == plain || $0.aliases.contains(plain) }?.quantity ?? name
  }

  /// All quantities, for messages.
  public static var names: [String] { single.map(\.quantity) + onLevels.map { $0.quantity + "500" } }

  private static func channel(_ entry: Entry, level: Int?) -> Channel {
    Channel(
      name: level.map { "\(entry.quantity)\($0)" } ?? entry.quantity, quantity: entry.quantity, level: level,
      height: entry.height, unit: entry.unit, standardName: entry.standardName,
      longName: entry.longName + (level.map { " at \($0) hPa" } ?? ""))
  }
}
