import Fields
import Sphere

/// Coordinates that all files of a forecast share: `time(time)`, `forecast_period(time)`, the scalar
/// `forecast_reference_time` and, where there are fields, `lat` and `lon` (docs/files.md).
public struct ForecastAxes: Sendable {
  /// Start of the forecast.
  public let initialTime: Instant
  /// Lead times [hours].
  public let leadHours: [Int]
  /// Latitudes of the rows [degrees north]; none where the file holds no fields.
  public let latitudes: [Double]
  /// Longitudes of the columns [degrees east]; none where the file holds no fields.
  public let longitudes: [Double]

  /// Axes of a forecast on a grid, or on a window of it.
  public init(initialTime: Instant, leadHours: [Int], grid: SphereGrid, window: GridWindow? = nil) {
    self.initialTime = initialTime
    self.leadHours = leadHours
    latitudes = window?.latitudes ?? grid.latitudes
    longitudes = window?.longitudes ?? grid.longitudes
  }

  /// Axes of numbers that belong to no point of a grid: spectra, plumes, errors.
  public init(initialTime: Instant, leadHours: [Int]) {
    self.initialTime = initialTime
    self.leadHours = leadHours
    (latitudes, longitudes) = ([], [])
  }

  private var hasFields: Bool { !latitudes.isEmpty }

  /// Defines dimensions and coordinates.
  /// - Throws: `ApusError` where writing fails.
  public func define(in file: NetCDFWriter) throws {
    try file.dimension("time", leadHours.count)
    if hasFields { try file.defineGrid(rows: latitudes.count, columns: longitudes.count) }
    try file.variable(
      "time", .double, ["time"],
      [
        "standard_name": .text("time"), "long_name": .text("valid time"), "axis": .text("T"),
        "units": .text(TimeCoordinate.units), "calendar": .text("proleptic_gregorian"),
      ])
    try file.variable(
      "forecast_period", .double, ["time"],
      [
        "standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours"),
      ])
    try file.variable(
      "forecast_reference_time", .double, [],
      [
        "standard_name": .text("forecast_reference_time"), "long_name": .text("initial time"),
        "units": .text(TimeCoordinate.units), "calendar": .text("proleptic_gregorian"),
      ])
  }

  /// Writes the coordinates.
  /// - Throws: `ApusError` where writing fails.
  public func put(in file: NetCDFWriter) throws {
    if hasFields {
      try file.put("lat", latitudes)
      try file.put("lon", longitudes)
    }
    try file.put("time", TimeCoordinate.values(leadHours.map { initialTime.adding(hours: $0) }))
    try file.put("forecast_period", leadHours.map(Double.init))
    try file.put("forecast_reference_time", TimeCoordinate.values([initialTime]))
  }
}
