import Basics
import FieldIO
import Fields
import RunFiles
import Sphere
import Verification

/// The regions of a definition on a grid.
enum SuiteRegions {
  /// - Throws: `ApusError` (`badData`) for a region without a point, or a mask on another grid.
  static func make(_ definition: DiagnosticsFile, _ grid: LatitudeLongitude) throws -> [Region] {
    let land = try definition.landSeaMask.map { mask in
      let archive = try EnsembleArchive([mask.file.path], variable: mask.variable)
      guard archive.grid.matches(grid) else {
        throw ApusError(
          .badData, "the land-sea mask is on another grid", file: mask.file.path, variable: mask.variable,
          found: "\(archive.grid)", expected: "\(grid)",
          advice: "Interpolate it first, for example with: cdo remapcon.")
      }
      let isPercent = Units.canonical(archive.units ?? "1") == "%"
      let share = try archive.values(archive.cases[0]).doubles.map { isPercent ? $0 / 100 : $0 }
      // Interpolation leaves a little over.
      guard let bad = share.first(where: { $0 < -0.01 || $0 > 1.01 }) else {
        return share.map { min(max($0, 0), 1) }
      }
      throw ApusError(
        .badData, "a land-sea mask is no fraction", file: mask.file.path, variable: mask.variable,
        found: "\(isPercent ? bad * 100 : bad) [\(archive.units ?? "no units")]",
        expected: "0 (sea) to 1 (land), or 0 to 100 with the units %")
    }
    return try definition.regions.map { wanted in
      let share = wanted.surface.flatMap { surface in
        land.map { surface == .land ? $0 : $0.map { 1 - $0 } }
      }
      let region = Region(
        wanted.name, latitudes: grid.latitudes, longitudes: grid.longitudes, share: share
      ) { latitude, longitude in
        latitude >= wanted.south && latitude <= wanted.north
          && Eastward.isBetween(longitude, west: wanted.west, east: wanted.east)
      }
      guard region.weights.contains(where: { $0 > 0 }) else {
        throw ApusError(
          .badData, "a region has no point of the grid", variable: wanted.name, found: "\(grid)",
          expected:
            "at least one within \(wanted.south)...\(wanted.north) N, \(wanted.west)...\(wanted.east) E")
      }
      return region
    }
  }
}

/// The events of a definition.
enum SuiteEvents {
  /// - Throws: `ApusError` (`badRunFile`) for a rule that is not understood.
  static func rules(_ definition: DiagnosticsFile, _ variable: String) throws -> [(
    rule: ThresholdRule, isBelow: Bool
  )] {
    try (definition.events[variable] ?? []).map { text in
      let isBelow = text.hasPrefix("below ")
      let rule = isBelow ? String(text.dropFirst("below ".count)) : text
      guard let threshold = ThresholdRule(argument: rule) else {
        throw ApusError(
          .badRunFile, "an event is not understood", variable: variable, found: "'\(text)'",
          expected:
            "a number, climate:p95 (a whole percentage, or 0.01, 0.1, 99.9, 99.99), climate:mean+2std, or one of these after 'below '"
        )
      }
      return (threshold, isBelow)
    }
  }
}

/// The maps of a definition.
enum SuiteMaps {
  /// Scores against the climate.
  static let needClimate =
    ScoreColumns.fieldNames
    + [
      PointScore.climatologySquareError, .climatologyCRPS,
    ].map(\.rawValue)

  /// - Throws: `ApusError` (`badRunFile`) for a score that there is none of.
  static func scores(_ definition: DiagnosticsFile) throws -> [MapScore] {
    try definition.maps.map { name in
      guard let score = MapScore.named(name) else {
        let known = MapScore.all.map(\.name)
        throw ApusError(
          .badRunFile, "no such score", variable: "maps", found: name,
          expected: known.joined(separator: ", "),
          advice: Spelling.nearest(to: name, among: known).map { "Did you mean '\($0)'?" })
      }
      return score
    }
  }
}
