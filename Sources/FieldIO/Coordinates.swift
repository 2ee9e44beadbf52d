import Basics
import Fields
import Foundation

/// The coordinate variables of a file: which axis a dimension is, and its values.
struct Coordinates {
  private let reader: NetCDFReader

  init(_ reader: NetCDFReader) { self.reader = reader }

  private static let names: [String: GriddedVariable.Axis] = [
    "time": .time, "valid_time": .time, "initial_time": .time, "init_time": .time, "t": .time,
    "forecast_reference_time": .time, "step": .leadTime, "lead_time": .leadTime, "leadtime": .leadTime,
    "prediction_timedelta": .leadTime, "forecast_period": .leadTime, "lead": .leadTime,
    "realization": .member, "number": .member, "member": .member, "ensemble": .member, "mem": .member,
    "ensemble_member": .member, "sample": .sample, "level": .level, "pressure_level": .level, "plev": .level,
    "isobaricinhpa": .level, "lev": .level, "pressure": .level, "latitude": .latitude, "lat": .latitude,
    "y": .latitude, "longitude": .longitude, "lon": .longitude, "x": .longitude,
    "expver": .experimentVersion,
  ]

  private static let standardNames: [String: GriddedVariable.Axis] = [
    "time": .time, "forecast_reference_time": .time, "forecast_period": .leadTime, "realization": .member,
    "air_pressure": .level, "latitude": .latitude, "longitude": .longitude,
  ]

  /// What a dimension runs over: by its coordinate variable's attributes, then by its name.
  func axis(of dimension: String) -> GriddedVariable.Axis {
    let byName = Coordinates.names[dimension.lowercased()]
    guard let variable = reader.variables.first(where: { $0.name == dimension }) else {
      return byName ?? .other
    }
    if byName == .level { return Coordinates.isPressure(variable) ? .level : .other }
    if let axis = variable.text("standard_name").flatMap({ Coordinates.standardNames[$0] }) { return axis }
    let units = variable.text("units") ?? ""
    if units.contains(" since ") { return .time }
    if units.hasPrefix("degrees_n") || units.hasPrefix("degree_n") { return .latitude }
    if units.hasPrefix("degrees_e") || units.hasPrefix("degree_e") { return .longitude }
    return byName ?? .other
  }

  /// Whether a coordinate called a level is of pressure: heights, model levels and surfaces of temperature are called so
  /// too, and say it in their units or standard name.
  private static func isPressure(_ variable: NetCDFReader.Variable) -> Bool {
    if let units = variable.text("units"), !units.isEmpty { return pascals(units) != nil }
    let name = variable.text("standard_name") ?? ""
    return name.isEmpty || name == "air_pressure"
  }

  /// One of these units [Pa]; nil where they are none of pressure.
  private static func pascals(_ units: String) -> Double? {
    switch Units.canonical(units) {
    case "hPa": 100
    case "Pa": 1
    case "kPa", "kpa": 1000
    case "bar": 100_000
    default: nil
    }
  }

  /// Values of a dimension's coordinate variable; 0, 1, 2... where it has none.
  func values(_ dimension: NetCDFReader.Dimension) throws -> [Double] {
    guard let variable = reader.variables.first(where: { $0.name == dimension.name }), variable.isNumeric
    else {
      return (0..<dimension.length).map(Double.init)
    }
    return try reader.values(variable)
  }

  /// Coordinates that are no dimension of the variable: scalars, and further ones along its dimensions.
  private func auxiliary(_ axis: GriddedVariable.Axis, besides variable: NetCDFReader.Variable)
    -> [NetCDFReader.Variable]
  {
    reader.variables.filter { other in
      other.isNumeric && other.dimensions.count <= 1 && other.name != variable.name
        && (other.text("standard_name").flatMap { Coordinates.standardNames[$0] }
          ?? Coordinates.names[other.name.lowercased()]) == axis
        && (axis != .level || Coordinates.isPressure(other))
    }
  }

  /// Pressure levels [hPa].
  func levels(_ variable: NetCDFReader.Variable, axes: [GriddedVariable.Axis]) throws -> [Double] {
    let place = axes.firstIndex(of: .level)
    let holder: NetCDFReader.Variable?
    if let place {
      holder = reader.variables.first { $0.name == variable.dimensions[place].name }
    } else {
      let named = Set((variable.text("coordinates") ?? "").split(separator: " ").map(String.init))
      holder = auxiliary(.level, besides: variable).first { $0.count == 1 && named.contains($0.name) }
    }
    guard let holder else { return [] }
    let values = try reader.values(holder)
    let stated = Coordinates.pascals(holder.text("units") ?? "") ?? 100
    // Without units, or with those that some files give without meaning them.
    let unit = stated == 100 && (values.max() ?? 0) > 1100 ? 1 : stated
    return unit == 100 ? values : values.map { $0 * unit / 100 }
  }

  /// Member numbers.
  /// - Throws: `ApusError` of kind `badData` where one is no number.
  func members(_ variable: NetCDFReader.Variable, axes: [GriddedVariable.Axis]) throws -> [Int] {
    func numbers(_ values: [Double], _ name: String) throws -> [Int] {
      try values.map { value in
        guard abs(value) < 1e15 else {
          throw ApusError(
            .badData, "a member's number is missing or no number", file: reader.path, variable: name,
            found: "\(value)", expected: "a whole number for every member")
        }
        return Int(value)
      }
    }
    if let place = axes.firstIndex(of: .member) {
      return try numbers(values(variable.dimensions[place]), variable.dimensions[place].name)
    }
    guard let scalar = auxiliary(.member, besides: variable).first(where: { $0.dimensions.isEmpty }) else {
      return []
    }
    return try numbers(reader.values(scalar), scalar.name)
  }

  /// Times, lead times [hours] and a scalar start of the forecast.
  func times(_ variable: NetCDFReader.Variable, axes: [GriddedVariable.Axis]) throws -> (
    [Instant], [Double], Instant?
  ) {
    func instants(_ holder: NetCDFReader.Variable) throws -> [Instant] {
      try TimeCoordinate.instants(
        reader.values(holder), units: holder.text("units") ?? "", calendar: holder.text("calendar"),
        file: reader.path, variable: holder.name)
    }
    func isReference(_ holder: NetCDFReader.Variable) -> Bool {
      holder.text("standard_name") == "forecast_reference_time" || holder.name == "forecast_reference_time"
    }
    let timeName = axes.firstIndex(of: .time).map { variable.dimensions[$0].name }
    let leadName = axes.firstIndex(of: .leadTime).map { variable.dimensions[$0].name }
    let clocks = auxiliary(.time, besides: variable)
    let scalarReference = clocks.first { isReference($0) && $0.dimensions.isEmpty }
    let reference = try scalarReference.map { try instants($0).first } ?? nil
    // Valid times along the time axis, else along the lead time axis, else a scalar.
    let along =
      clocks.first { $0.name == timeName }
      ?? clocks.first { holder in
        !isReference(holder) && holder.dimensions.count == 1
          && (holder.dimensions[0].name == timeName || holder.dimensions[0].name == leadName)
      } ?? clocks.first { !isReference($0) && $0.dimensions.isEmpty && timeName == nil }
    var times = try along.map { try instants($0) } ?? []
    let leads = auxiliary(.leadTime, besides: variable)
    let leadHolder =
      leads.first { $0.name == leadName } ?? leads.first { $0.dimensions.first?.name == timeName }
      ?? leads.first { $0.dimensions.isEmpty }
    var hours: [Double] = []
    if let leadHolder {
      let values = try reader.values(leadHolder)
      hours = try TimeCoordinate.hours(
        values, units: leadHolder.text("units") ?? "hours", file: reader.path, variable: leadHolder.name)
    }
    if times.isEmpty, let reference, !hours.isEmpty {
      times = hours.map { Instant(seconds: reference.seconds + Int(($0 * 3600).rounded())) }
    }
    return (times, hours, reference)
  }
}
