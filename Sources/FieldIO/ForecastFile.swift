import Basics
import Fields
import Sphere

/// A forecast, or a statistic over members, as a CF-1.8 NetCDF file: `(time, lat, lon)` per channel, with
/// forecast period, forecast reference time and, for a member, realization (design.md 5).
///
/// Without wall-clock time, so that the same forecast gives the same bytes.
public struct ForecastFile: Sendable {
  /// Start of the forecast.
  public var initialTime: Instant
  /// Lead times [hours].
  public var leadHours: [Int]
  /// Channels.
  public var channels: [String]
  /// Their units.
  public var units: [String]
  /// The grid.
  public var grid: SphereGrid
  /// [lead time][channel][latitude][longitude].
  public var values: [Float]
  /// Member number; nil for statistics.
  public var realization: Int?
  /// CF cell methods after `time: point`, for example `realization: mean`.
  public var cellMethods: String?
  /// Mantissa bits kept; nil: all.
  public var quantiseBits: Int?
  /// Global attributes besides Conventions.
  public var attributes: [(String, NetCDFAttribute)]

  /// A file from its parts.
  public init(
    initialTime: Instant, leadHours: [Int], channels: [String], units: [String], grid: SphereGrid,
    values: [Float], realization: Int? = nil, cellMethods: String? = nil, quantiseBits: Int? = nil,
    attributes: [(String, NetCDFAttribute)]
  ) {
    precondition(values.count == leadHours.count * channels.count * grid.pointCount)
    self.initialTime = initialTime
    self.leadHours = leadHours
    self.channels = channels
    self.units = units
    self.grid = grid
    self.values = values
    self.realization = realization
    self.cellMethods = cellMethods
    self.quantiseBits = quantiseBits
    self.attributes = attributes
  }

  /// Writes the file; values are rounded as `quantiseBits` says.
  /// - Throws: `ApusError` where it cannot be written; nothing is left under its name then.
  public func write(_ path: String) throws {
    let file = try NetCDFWriter(path)
    try file.attribute("Conventions", .text("CF-1.8"))
    for (name, value) in attributes { try file.attribute(name, value) }
    try file.dimension("time", leadHours.count)
    try defineGrid(file)
    try defineTime(file)
    var extra: [(name: String, value: Double)] = []
    for channel in channels { extra += try defineVertical(channel, file, known: extra.map(\.name)) }
    if let bits = quantiseBits {
      try file.variable(
        "quantization", .int32, [],
        [
          "algorithm": .text("bitround"), "implementation": .text("Apus \(apusVersion)"),
          "long_name": .text("lossy compression: \(bits) mantissa bits kept"),
        ])
    }
    for (index, channel) in channels.enumerated() { try defineChannel(channel, units[index], file) }

    try file.put("lat", grid.latitudes)
    try file.put("lon", grid.longitudes)
    try file.put("time", TimeCoordinate.values(leadHours.map { initialTime.adding(hours: $0) }))
    try file.put("forecast_period", leadHours.map(Double.init))
    try file.put("forecast_reference_time", TimeCoordinate.values([initialTime]))
    if let realization { try file.put("realization", [Int32(realization)]) }
    for (name, value) in extra { try file.put(name, [value]) }
    let points = grid.pointCount
    for (index, channel) in channels.enumerated() {
      var series: [Float] = []
      series.reserveCapacity(leadHours.count * points)
      for lead in leadHours.indices {
        let start = (lead * channels.count + index) * points
        series += values[start..<start + points]
      }
      try file.put(channel, series)
    }
    try file.finish()
  }

  private func defineGrid(_ file: NetCDFWriter) throws {
    try file.dimension("lat", grid.latitudeCount)
    try file.dimension("lon", grid.longitudeCount)
    try file.variable(
      "lat", .double, ["lat"],
      [
        "standard_name": .text("latitude"), "long_name": .text("latitude"), "units": .text("degrees_north"),
        "axis": .text("Y"),
      ])
    try file.variable(
      "lon", .double, ["lon"],
      [
        "standard_name": .text("longitude"), "long_name": .text("longitude"), "units": .text("degrees_east"),
        "axis": .text("X"),
      ])
  }

  private func defineTime(_ file: NetCDFWriter) throws {
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
    if realization != nil {
      try file.variable(
        "realization", .int32, [],
        ["standard_name": .text("realization"), "long_name": .text("member"), "units": .text("1")])
    }
  }

  /// Scalar coordinate of a channel's pressure or height: `pressure_500`, `height_2`.
  private func verticalName(_ name: String) -> String? {
    guard let channel = ChannelCatalogue.channel(name) else { return nil }
    if let level = channel.level { return "pressure_\(level)" }
    return channel.height.map { "height_\(Int($0))" }
  }

  private func defineVertical(_ name: String, _ file: NetCDFWriter, known: [String]) throws -> [(
    name: String, value: Double
  )] {
    guard let channel = ChannelCatalogue.channel(name), let scalar = verticalName(name),
      !known.contains(scalar)
    else { return [] }
    if let level = channel.level {
      try file.variable(
        scalar, .double, [],
        [
          "standard_name": .text("air_pressure"), "long_name": .text("pressure"), "units": .text("hPa"),
          "positive": .text("down"), "axis": .text("Z"),
        ])
      return [(scalar, Double(level))]
    }
    try file.variable(
      scalar, .double, [],
      [
        "standard_name": .text("height"), "long_name": .text("height above ground"), "units": .text("m"),
        "positive": .text("up"), "axis": .text("Z"),
      ])
    return [(scalar, channel.height ?? 0)]
  }

  private func defineChannel(_ name: String, _ unit: String, _ file: NetCDFWriter) throws {
    let channel = ChannelCatalogue.channel(name)
    try file.variable(name, .float, ["time", "lat", "lon"])
    if let standard = channel?.standardName {
      // A height in geopotential units is a geopotential.
      let isGeopotential = channel?.quantity == "z" && Units.canonical(unit) == "m2 s-2"
      try file.attribute(
        "standard_name", .text(isGeopotential ? "geopotential" : standard), variable: name)
    }
    try file.attribute("long_name", .text(channel?.longName ?? name), variable: name)
    try file.attribute("units", .text(unit), variable: name)
    let methods = ["time: point", cellMethods].compactMap { $0 }.joined(separator: " ")
    try file.attribute("cell_methods", .text(methods), variable: name)
    let coordinates =
      ["forecast_period", "forecast_reference_time"] + (realization == nil ? [] : ["realization"])
      + (verticalName(name).map { [$0] } ?? [])
    try file.attribute("coordinates", .text(coordinates.joined(separator: " ")), variable: name)
    if let bits = quantiseBits {
      try file.attribute("quantization", .text("quantization"), variable: name)
      try file.attribute("quantization_nsb", .integers([Int32(bits)]), variable: name)
    }
  }
}
