import Basics
import Foundation

/// CDO grid descriptions (`cdo griddes`), the files in `grids/`: read by Apus and by
/// `cdo setgrid`/`remapbil` alike.
public enum GridDescription {
  /// Reads a description; `gridtype` gaussian or lonlat with `xsize`, `ysize` and, where present,
  /// `xvals`/`xfirst`+`xinc`, `yvals`/`yfirst`+`yinc`, which must fit.
  /// - Throws: `ApusError` naming the file, the key, what was found and expected.
  public static func read(_ path: String) throws -> SphereGrid {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ApusError(.inputMissing, "cannot read the grid description", file: path)
    }
    return try parse(text, file: path)
  }

  /// Parses the text of a description; `file` is named in errors.
  public static func parse(_ text: String, file: String) throws -> SphereGrid {
    var values: [String: String] = [:]
    var key: String?
    for line in text.split(whereSeparator: \.isNewline) {
      let content = line.prefix { $0 != "#" }
      let parts = content.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2 {
        key = parts[0]
        values[parts[0]] = parts[1]
      } else if let key, parts.count == 1, !parts[0].isEmpty {
        values[key, default: ""] += " " + parts[0]
      }
    }
    func integer(_ key: String) throws -> Int {
      guard let text = values[key], let value = Int(text), (1...100_000).contains(value) else {
        throw ApusError(
          .badData, "grid description lacks a number of points", file: file, variable: key,
          found: values[key] ?? "nothing", expected: "for example \(key) = 96, at most 100000")
      }
      return value
    }
    let type = values["gridtype"] ?? "nothing"
    let kind: SphereGrid.Kind
    switch type {
    case "gaussian": kind = .gaussian
    case "lonlat", "latlon": kind = .equiangular
    default:
      throw ApusError(
        .badData, "unknown grid", file: file, variable: "gridtype", found: type,
        expected: "gaussian or lonlat")
    }
    let (rows, columns) = (try integer("ysize"), try integer("xsize"))
    func axis(_ name: String, _ count: Int) throws -> [Double]? {
      if let list = values[name + "vals"] {
        let numbers = list.split(separator: " ").compactMap { Double($0) }
        guard numbers.count == count else {
          throw ApusError(
            .badData, "wrong number of values", file: file, variable: name + "vals",
            found: "\(numbers.count)", expected: "\(count)")
        }
        return numbers
      }
      guard let first = values[name + "first"].flatMap(Double.init),
        let step = values[name + "inc"].flatMap(Double.init)
      else { return nil }
      return (0..<count).map { first + step * Double($0) }
    }
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    let found = try SphereGrid.detect(
      latitudes: try axis("y", rows) ?? grid.latitudes, longitudes: try axis("x", columns) ?? grid.longitudes,
      file: file)
    guard found == grid else {
      throw ApusError(
        .badData, "latitudes do not fit the grid type", file: file, variable: "gridtype",
        found: "\(type) with the latitudes of a \(found.kind.rawValue) grid")
    }
    return grid
  }

  /// The description of `grid` in CDO's own form.
  public static func text(for grid: SphereGrid) -> String {
    let step = 360 / Double(grid.longitudeCount)
    var lines = [
      "# \(grid): rows north to south",
      "gridtype  = \(grid.kind == .gaussian ? "gaussian" : "lonlat")",
      "gridsize  = \(grid.pointCount)", "xsize     = \(grid.longitudeCount)",
      "ysize     = \(grid.latitudeCount)", "xname     = lon", "xlongname = \"longitude\"",
      "xunits    = \"degrees_east\"", "yname     = lat", "ylongname = \"latitude\"",
      "yunits    = \"degrees_north\"",
    ]
    if grid.kind == .gaussian { lines.append("numLPE    = \(grid.latitudeCount / 2)") }
    lines += ["xfirst    = 0", "xinc      = \(step)"]
    if grid.kind == .gaussian && grid.latitudeCount % 2 == 0 {
      let rows = grid.latitudes.map { String(format: "%.10f", $0) }
      let groups = stride(from: 0, to: rows.count, by: 6).map {
        rows[$0..<min($0 + 6, rows.count)].joined(separator: " ")
      }
      lines.append("yvals     = " + groups.joined(separator: "\n            "))
    } else if grid.kind == .gaussian {
      lines.append("yvals     = " + grid.latitudes.map { String(format: "%.10f", $0) }.joined(separator: " "))
    } else {
      lines += ["yfirst    = 90", "yinc      = \(-180 / Double(grid.latitudeCount - 1))"]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
