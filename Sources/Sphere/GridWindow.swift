/// Longitudes as they run eastwards from a meridian, round the circle.
public enum Eastward {
  /// The longitude that is `longitude` plus whole turns and lies at `west` or less than a turn east of it [degrees].
  public static func longitude(_ longitude: Double, from west: Double) -> Double {
    longitude + 360 * ((west - longitude) / 360).rounded(.up)
  }

  /// Whether a longitude lies from `west` eastwards to `east`, round the date line where that is on the way.
  public static func isBetween(_ longitude: Double, west: Double, east: Double) -> Bool {
    if east - west >= 360 { return true }
    return Eastward.longitude(longitude, from: west) <= Eastward.longitude(east, from: west)
  }
}

/// A part of the sphere between two parallels and two meridians [degrees].
public struct LatitudeLongitudeBox: Sendable, Codable, Hashable, CustomStringConvertible {
  /// Southern edge [degrees north].
  public var south: Double
  /// Northern edge [degrees north].
  public var north: Double
  /// Western edge [degrees east]: the box runs from here eastwards to `east`.
  public var west: Double
  /// Eastern edge [degrees east].
  public var east: Double

  /// A box from its edges.
  public init(south: Double, north: Double, west: Double, east: Double) {
    self.south = south
    self.north = north
    self.west = west
    self.east = east
  }

  /// In words.
  public var description: String { "\(south)...\(north) N, \(west)...\(east) E" }
}

/// The rows and columns of a grid that lie in a box, edges included.
public struct GridWindow: Sendable, Hashable {
  /// Rows of the grid, from the north.
  public let rows: Range<Int>
  /// Columns of the grid, from the box's western edge eastwards.
  public let columns: [Int]
  /// Latitudes of the rows [degrees north], north to south.
  public let latitudes: [Double]
  /// Longitudes of the columns [degrees east], increasing from the box's western edge, past 180 or 360 where the box
  /// runs across them.
  public let longitudes: [Double]

  /// The window of a box; nil where no point of the grid lies in it.
  public init?(_ grid: SphereGrid, _ box: LatitudeLongitudeBox) {
    let inside = grid.latitudes.indices.filter {
      (box.south...max(box.north, box.south)).contains(grid.latitudes[$0])
    }
    let places = grid.longitudes.enumerated().filter {
      Eastward.isBetween($0.element, west: box.west, east: box.east)
    }.map { (column: $0.offset, longitude: Eastward.longitude($0.element, from: box.west)) }
      .sorted { $0.longitude < $1.longitude }
    guard let first = inside.first, let last = inside.last, !places.isEmpty else { return nil }
    rows = first..<last + 1
    columns = places.map(\.column)
    latitudes = Array(grid.latitudes[rows])
    longitudes = places.map(\.longitude)
  }

  /// Number of points.
  public var pointCount: Int { rows.count * columns.count }

  /// Whether these are all points of a grid, in its own order.
  public func isWhole(_ grid: SphereGrid) -> Bool {
    rows == 0..<grid.latitudeCount && longitudes == grid.longitudes
  }

  /// The window's part of a field [latitude][longitude] of the grid.
  /// - Parameter gridColumns: columns of the grid.
  public func part(of field: ArraySlice<Float>, gridColumns: Int) -> [Float] {
    var part: [Float] = []
    part.reserveCapacity(pointCount)
    for row in rows {
      let start = field.startIndex + row * gridColumns
      for column in columns { part.append(field[start + column]) }
    }
    return part
  }
}
