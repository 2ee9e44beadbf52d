import Basics
import Fields
import Foundation
import Sphere

/// One variable of a NetCDF file as fields on the sphere, whatever its layout: axes are recognised by
/// `standard_name`, `units` and `axis`, then by customary names (docs/files.md); fields come
/// out unpacked, rows north to south, columns from 0 degrees east, missing values as NaN.
public final class GriddedVariable: Sendable {
  /// What an axis runs over.
  public enum Axis: String, Sendable, Hashable, CaseIterable {
    case time, leadTime, member, sample, level, latitude, longitude
    /// Old ERA5 files split final and preliminary data over `expver`; each point has one of the two.
    case experimentVersion
    case other
  }

  /// The file.
  public let reader: NetCDFReader
  /// The variable.
  public let variable: NetCDFReader.Variable
  /// What each dimension runs over, in the file's order.
  public let axes: [Axis]
  /// The horizontal grid.
  public let grid: SphereGrid
  /// Units as the file spells them.
  public let units: String
  /// Pressure levels [hPa] along the level axis, or of the scalar level; empty where there is none.
  public let levels: [Double]
  /// Times along the time axis, or the scalar time; empty where there is none. Valid times, or, where
  /// there is a lead time axis and no valid time, initial times.
  public let times: [Instant]
  /// Lead times [hours] along the lead time axis or the time axis, or the scalar one; empty where there
  /// is none.
  public let leadHours: [Double]
  /// Start of the forecast where the file has a scalar one.
  public let referenceTime: Instant?
  /// Member numbers along the member axis, or the scalar one; empty where there is none.
  public let members: [Int]
  private let southToNorth: Bool
  private let columnShift: Int

  /// Recognises the layout of a variable.
  /// - Throws: `ApusError` of kind `inputMissing` for a variable that does not exist, `badData` for one
  ///   without latitude and longitude, or on an unknown grid.
  public init(_ reader: NetCDFReader, _ name: String) throws {
    let variable = try reader.variable(name)
    let coordinates = Coordinates(reader)
    self.reader = reader
    self.variable = variable
    units = variable.text("units") ?? "1"
    let axes = variable.dimensions.map { coordinates.axis(of: $0.name) }
    self.axes = axes
    guard variable.isNumeric, axes.contains(.latitude), axes.contains(.longitude) else {
      throw ApusError(
        .badData, "is no field over latitude and longitude", file: reader.path, variable: name,
        found: "dimensions (\(variable.dimensions.map(\.name).joined(separator: ", ")))")
    }
    for axis in Axis.allCases where axis != .other && axes.count(where: { $0 == axis }) > 1 {
      throw ApusError(
        .badData, "two dimensions look like \(axis.rawValue)", file: reader.path, variable: name,
        found: variable.dimensions.map(\.name).joined(separator: ", "))
    }
    func values(_ axis: Axis) throws -> [Double]? {
      guard let place = axes.firstIndex(of: axis) else { return nil }
      return try coordinates.values(variable.dimensions[place])
    }
    let latitudes = try values(.latitude) ?? []
    let longitudes = try values(.longitude) ?? []
    grid = try SphereGrid.detect(latitudes: latitudes, longitudes: longitudes, file: reader.path)
    southToNorth = (latitudes.first ?? 0) < (latitudes.last ?? 0)
    // Column of 0 degrees east in the file.
    let step = 360 / Double(longitudes.count)
    let shift = -Int(((longitudes.first ?? 0) / step).rounded())
    columnShift = ((shift % longitudes.count) + longitudes.count) % longitudes.count
    levels = try coordinates.levels(variable, axes: axes)
    members = try coordinates.members(variable, axes: axes)
    (times, leadHours, referenceTime) = try coordinates.times(variable, axes: axes)
  }

  /// Length of an axis, 1 where the variable has none.
  public func length(_ axis: Axis) -> Int {
    axes.firstIndex(of: axis).map { variable.dimensions[$0].length } ?? 1
  }

  /// Fields of some indices along one axis, all other axes at one index.
  /// - Parameters:
  ///   - range: indices along `axis`; an axis the variable lacks has the single index 0.
  ///   - others: index along other axes, 0 where not given.
  /// - Returns: [index][latitude north to south][longitude from 0 east], in the file's unit.
  /// - Throws: `ApusError` of kind `inputOutput` where reading fails.
  public func fields(_ axis: Axis, _ range: Range<Int>, at others: [Axis: Int] = [:]) throws -> [Float] {
    guard axes.contains(.experimentVersion), length(.experimentVersion) > 1,
      others[.experimentVersion] == nil
    else { return try plainFields(axis, range, at: others) }
    var merged = [Float]()
    for version in 0..<length(.experimentVersion) {
      let part = try plainFields(axis, range, at: others.merging([.experimentVersion: version]) { $1 })
      merged = merged.isEmpty ? part : zip(merged, part).map { $0.isNaN ? $1 : $0 }
    }
    return merged
  }

  /// One field.
  public func field(at indices: [Axis: Int] = [:]) throws -> [Float] {
    try fields(.time, (indices[.time] ?? 0)..<(indices[.time] ?? 0) + 1, at: indices)
  }

  private func plainFields(_ axis: Axis, _ range: Range<Int>, at others: [Axis: Int]) throws -> [Float] {
    var start: [Int] = []
    var count: [Int] = []
    for (place, dimension) in variable.dimensions.enumerated() {
      switch axes[place] {
      case .latitude, .longitude:
        start.append(0)
        count.append(dimension.length)
      case axis where axis != .other:
        start.append(range.lowerBound)
        count.append(range.count)
      default:
        start.append(others[axes[place]] ?? 0)
        count.append(1)
      }
    }
    let raw = try reader.values(variable, start: start, count: count)
    let (rows, columns) = (grid.latitudeCount, grid.longitudeCount)
    var strides = [Int](repeating: 1, count: count.count)
    for place in strides.indices.dropLast().reversed() {
      strides[place] = strides[place + 1] * count[place + 1]
    }
    func stride(_ wanted: Axis) -> Int { axes.firstIndex(of: wanted).map { strides[$0] } ?? 0 }
    let (outer, down, along) = (stride(axis), stride(.latitude), stride(.longitude))
    return [Float](unsafeUninitializedCapacity: range.count * rows * columns) { target, filled in
      var place = 0
      for item in 0..<range.count {
        for row in 0..<rows {
          let source = item * outer + (southToNorth ? rows - 1 - row : row) * down
          for column in 0..<columns {
            var from = column + columnShift
            if from >= columns { from -= columns }
            target[place] = Float(raw[source + from * along])
            place += 1
          }
        }
      }
      filled = place
    }
  }
}
