import Sphere

/// Lines of equal value of a global field.
package enum ContourLines {
  /// A line of (longitude [degrees east, 0..<360], latitude [degrees north]); steps across 0 degrees jump
  /// by about 360.
  package struct Line: Sendable {
    package let points: [(longitude: Double, latitude: Double)]
    package let isClosed: Bool
  }

  /// The lines where `values` [latitude][longitude] equal `level`: marching squares on the field refined
  /// by bicubic (Catmull-Rom) interpolation to at most 1.25 degrees, so that lines look as smooth as the
  /// field is. Squares with a missing corner are left out.
  package static func trace(_ values: [Float], on grid: SphereGrid, level: Double) -> [Line] {
    trace(refine(values, on: grid), level: level)
  }

  /// A field on finer rows and columns.
  package struct Refined: Sendable {
    let values: [Double]
    let latitudes: [Double]
    let columns: Int
  }

  /// Bicubic refinement in index space.
  package static func refine(_ values: [Float], on grid: SphereGrid) -> Refined {
    let (rows, columns) = (grid.latitudeCount, grid.longitudeCount)
    let factor = max(1, Int((max(360 / Double(columns), 180 / Double(rows)) / 1.25).rounded(.up)))
    let fineColumns = columns * factor
    let fineRows = (rows - 1) * factor + 1
    func cubic(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ t: Double) -> Double {
      guard t > 0 else { return b }
      // Beside missing values: linear.
      let (p, q) = (a.isFinite ? a : 2 * b - c, d.isFinite ? d : 2 * c - b)
      return b + 0.5 * t * (c - p + t * (2 * p - 5 * b + 4 * c - q + t * (3 * (b - c) + q - p)))
    }
    var eastWest = [Double](repeating: .nan, count: rows * fineColumns)
    for row in 0..<rows {
      func value(_ column: Int) -> Double {
        let value = Double(values[row * columns + (column + columns) % columns])
        return value.isFinite ? value : .nan
      }
      for fine in 0..<fineColumns {
        let column = fine / factor
        eastWest[row * fineColumns + fine] = cubic(
          value(column - 1), value(column), value(column + 1), value(column + 2),
          Double(fine % factor) / Double(factor))
      }
    }
    var result = [Double](repeating: .nan, count: fineRows * fineColumns)
    var latitudes: [Double] = []
    let coarse = grid.latitudes
    for fine in 0..<fineRows {
      let row = fine / factor
      let t = Double(fine % factor) / Double(factor)
      let next = min(row + 1, rows - 1)
      latitudes.append(coarse[row] + (coarse[next] - coarse[row]) * t)
      for column in 0..<fineColumns {
        func value(_ row: Int) -> Double {
          row < 0 || row >= rows ? .nan : eastWest[row * fineColumns + column]
        }
        result[fine * fineColumns + column] = cubic(
          value(row - 1), value(row), value(next), value(row + 2), t)
      }
    }
    return Refined(values: result, latitudes: latitudes, columns: fineColumns)
  }

  /// Marching squares. Every edge of the grid is crossed at most once and belongs to at most two squares,
  /// so the crossings chain up to lines without branches.
  package static func trace(_ field: Refined, level: Double) -> [Line] {
    let (rows, columns) = (field.latitudes.count, field.columns)
    func value(_ row: Int, _ column: Int) -> Double { field.values[row * columns + column % columns] }
    // Edges: 2 n is the one from point n eastward, 2 n + 1 the one southward.
    func eastward(_ row: Int, _ column: Int) -> Int { (row * columns + column % columns) * 2 }
    func southward(_ row: Int, _ column: Int) -> Int { eastward(row, column) + 1 }
    var neighbours: [Int: (Int, Int)] = [:]
    var order: [Int] = []
    func join(_ a: Int, _ b: Int) {
      for (from, to) in [(a, b), (b, a)] {
        if let known = neighbours[from] {
          neighbours[from] = (known.0, to)
        } else {
          neighbours[from] = (to, -1)
          order.append(from)
        }
      }
    }
    for row in 0..<max(rows - 1, 0) {
      for column in 0..<columns {
        let (a, b) = (value(row, column), value(row, column + 1))
        let (c, d) = (value(row + 1, column + 1), value(row + 1, column))
        guard (a + b + c + d).isFinite else { continue }
        let pattern =
          (a >= level ? 1 : 0) + (b >= level ? 2 : 0) + (c >= level ? 4 : 0) + (d >= level ? 8 : 0)
        let (north, south) = (eastward(row, column), eastward(row + 1, column))
        let (west, east) = (southward(row, column), southward(row, column + 1))
        switch pattern {
        case 1, 14: join(west, north)
        case 2, 13: join(north, east)
        case 3, 12: join(west, east)
        case 4, 11: join(east, south)
        case 6, 9: join(north, south)
        case 7, 8: join(south, west)
        case 5, 10:
          let centreIsHigh = (a + b + c + d) / 4 >= level
          if centreIsHigh == (pattern == 5) {
            join(north, east)
            join(south, west)
          } else {
            join(west, north)
            join(east, south)
          }
        default: break
        }
      }
    }
    func crossing(_ edge: Int) -> (longitude: Double, latitude: Double) {
      let (row, column) = (edge / 2 / columns, edge / 2 % columns)
      let isSouthward = edge % 2 == 1
      let from = value(row, column)
      let to = isSouthward ? value(row + 1, column) : value(row, column + 1)
      let fraction = to == from ? 0.5 : min(max((level - from) / (to - from), 0), 1)
      let step = 360 / Double(columns)
      if isSouthward {
        let (north, south) = (field.latitudes[row], field.latitudes[row + 1])
        return (Double(column) * step, north + (south - north) * fraction)
      }
      let longitude = (Double(column) + fraction) * step
      return (longitude >= 360 ? longitude - 360 : longitude, field.latitudes[row])
    }
    var isUsed: Set<Int> = []
    func walk(from start: Int) -> (edges: [Int], isClosed: Bool) {
      var edges = [start]
      isUsed.insert(start)
      var at = start
      while let next = neighbours[at] {
        let candidates = [next.0, next.1].filter { $0 >= 0 && !isUsed.contains($0) }
        guard let chosen = candidates.first else { break }
        edges.append(chosen)
        isUsed.insert(chosen)
        at = chosen
      }
      let ends = neighbours[at] ?? (-1, -1)
      return (edges, edges.count > 2 && (ends.0 == start || ends.1 == start))
    }
    // Open lines first, from their ends; what is left are rings.
    let ends = order.filter { neighbours[$0]?.1 == -1 }
    var lines: [Line] = []
    for start in ends + order where !isUsed.contains(start) {
      let (edges, isClosed) = walk(from: start)
      guard edges.count > 1 else { continue }
      lines.append(Line(points: edges.map(crossing), isClosed: isClosed))
    }
    return lines
  }
}
