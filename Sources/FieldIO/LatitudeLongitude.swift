import Basics

/// The rows and columns of any field over latitude and longitude, global or not: rows north to south,
/// columns eastward from 0.
public struct LatitudeLongitude: Sendable, Hashable, CustomStringConvertible {
  /// Latitudes of the rows [degrees north], descending.
  public let latitudes: [Double]
  /// Longitudes of the columns [degrees east], ascending in [0, 360).
  public let longitudes: [Double]
  /// Number of points.
  public var pointCount: Int { latitudes.count * longitudes.count }

  /// Where each row and column stands in the file.
  let rowSources: [Int]
  let columnSources: [Int]

  /// Puts a file's coordinates in order.
  /// - Throws: `ApusError` (`badData`) for latitudes beyond the poles, NaN, or a coordinate that comes twice.
  public init(fileLatitudes: [Double], fileLongitudes: [Double], file: String) throws {
    guard fileLatitudes.allSatisfy({ abs($0) <= 90.001 }), fileLongitudes.allSatisfy({ abs($0) <= 720 })
    else {
      throw ApusError(
        .badData, "latitudes or longitudes are no degrees", file: file,
        found: "\(fileLatitudes.first ?? .nan)...\(fileLatitudes.last ?? .nan) x "
          + "\(fileLongitudes.first ?? .nan)...\(fileLongitudes.last ?? .nan)",
        expected: "-90...90 x -180...360")
    }
    // Coordinates kept in single precision may fall a little short of 0.
    let eastward = fileLongitudes.map { longitude -> Double in
      let turned = (longitude.truncatingRemainder(dividingBy: 360) + 360)
        .truncatingRemainder(dividingBy: 360)
      return turned > 360 - 1e-4 ? 0 : turned
    }
    rowSources = fileLatitudes.indices.sorted { fileLatitudes[$0] > fileLatitudes[$1] }
    columnSources = eastward.indices.sorted { eastward[$0] < eastward[$1] }
    latitudes = rowSources.map { fileLatitudes[$0] }
    longitudes = columnSources.map { eastward[$0] }
    guard Set(latitudes).count == latitudes.count, Set(longitudes).count == longitudes.count else {
      throw ApusError(
        .badData, "a latitude or longitude comes twice", file: file, found: description,
        advice: "Remove cyclic columns first, for example with: cdo selindexbox.")
    }
  }

  /// Whether these are the same points, to the 1e-3 degrees that single precision keeps.
  public func matches(_ other: LatitudeLongitude) -> Bool {
    matches(latitudes: other.latitudes, longitudes: other.longitudes)
  }

  /// The same for rows from north to south and columns eastward from 0.
  public func matches(latitudes rows: [Double], longitudes columns: [Double]) -> Bool {
    latitudes.count == rows.count && longitudes.count == columns.count
      && zip(latitudes, rows).allSatisfy { abs($0 - $1) < 1e-3 }
      && zip(longitudes, columns).allSatisfy { abs($0 - $1) < 1e-3 }
  }

  /// `24 x 48 (84.38...-84.38 north, 0...352.5 east)`.
  public var description: String {
    func round(_ x: Double?) -> Double { ((x ?? .nan) * 1000).rounded() / 1000 }
    return "\(latitudes.count) x \(longitudes.count) (\(round(latitudes.first))...\(round(latitudes.last)) "
      + "north, \(round(longitudes.first))...\(round(longitudes.last)) east)"
  }

  /// Equal coordinates are equal, whatever the order in the file.
  public static func == (left: Self, right: Self) -> Bool {
    left.latitudes == right.latitudes && left.longitudes == right.longitudes
  }

  /// As for equality.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(latitudes)
    hasher.combine(longitudes)
  }
}
