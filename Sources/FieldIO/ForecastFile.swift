import Basics
import Fields
import Sphere

/// A forecast, or a statistic over members, as a CF-1.8 NetCDF file: `(time, lat, lon)` per channel, with
/// forecast period, forecast reference time and, for a member, realization (docs/files.md).
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
  /// [lead time][channel][latitude][longitude] on the whole grid.
  public var values: [Float]
  /// Member number; nil for statistics.
  public var realization: Int?
  /// CF cell methods after `time: point`, for example `realization: mean`.
  public var cellMethods: String?
  /// Mantissa bits kept; nil: all.
  public var quantiseBits: Int?
  /// The part of the grid that the file has; nil: all.
  public var window: GridWindow?
  /// Global attributes besides Conventions.
  public var attributes: [(String, NetCDFAttribute)]

  /// A file from its parts.
  public init(
    initialTime: Instant, leadHours: [Int], channels: [String], units: [String], grid: SphereGrid,
    values: [Float], realization: Int? = nil, cellMethods: String? = nil, quantiseBits: Int? = nil,
    window: GridWindow? = nil, attributes: [(String, NetCDFAttribute)]
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
    self.window = window
    self.attributes = attributes
  }

  /// Writes the file; values are rounded as `quantiseBits` says.
  /// - Throws: `ApusError` where it cannot be written; nothing is left under its name then.
  public func write(_ path: String) throws {
    let file = try NetCDFWriter(path)
    try file.attribute("Conventions", .text("CF-1.8"))
    for (name, value) in attributes { try file.attribute(name, value) }
    let axes = ForecastAxes(initialTime: initialTime, leadHours: leadHours, grid: grid, window: window)
    try axes.define(in: file)
    if realization != nil {
      try file.variable(
        "realization", .int32, [],
        ["standard_name": .text("realization"), "long_name": .text("member"), "units": .text("1")])
    }
    var extra: [(name: String, value: Double)] = []
    for channel in channels { extra += try defineVertical(channel, file, known: extra.map(\.name)) }
    if let bits = quantiseBits {
      try file.variable(
        "quantization", .int32, [],
        [
          "algorithm": .text("bitround"), "implementation": .text("Apus \(apusVersion)"),
          "long_name": .text(ForecastFile.quantisation(bits)),
        ])
    }
    for (index, channel) in channels.enumerated() { try defineChannel(channel, units[index], file) }

    try axes.put(in: file)
    if let realization { try file.put("realization", [Int32(realization)]) }
    for (name, value) in extra { try file.put(name, [value]) }
    let points = grid.pointCount
    for (index, channel) in channels.enumerated() {
      var series: [Float] = []
      series.reserveCapacity(leadHours.count * (window?.pointCount ?? points))
      for lead in leadHours.indices {
        let start = (lead * channels.count + index) * points
        let field = values[start..<start + points]
        if let window {
          series += window.part(of: field, gridColumns: grid.longitudeCount)
        } else {
          series += field
        }
      }
      try file.put(channel, series)
    }
    try file.finish()
  }

  /// What files say of the bits kept.
  public static func quantisation(_ bits: Int) -> String { "lossy compression: \(bits) mantissa bits kept" }

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
