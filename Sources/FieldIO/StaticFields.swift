import Basics
import Fields
import Sphere

/// Fields that do not change: orography, land fraction.
public enum StaticFields {
  /// Variables of a file on `grid`, each normalised to area mean 0 and standard deviation 1.
  ///
  /// A file on another grid is brought to `grid` by spectral truncation.
  /// - Returns: [variable][latitude][longitude].
  /// - Throws: `ApusError`: `inputMissing` for a file or variable that is not there, `badData` for missing
  ///   values, more than one time, or a field without variation.
  public static func read(_ path: String, variables: [String], grid: SphereGrid) throws -> [Float] {
    let reader = try NetCDFReader(path)
    let weights = grid.areaWeights
    return try variables.flatMap { name in
      guard let (variable, level) = try Archive.find(name, in: reader) else {
        _ = try reader.variable(name)
        throw ApusError(.badData, "is no static field", file: path, variable: name)
      }
      try Archive.requireOneState(
        variable, hasLevel: ChannelCatalogue.channel(name)?.level != nil, isStatic: true)
      var field = try variable.field(at: [.level: level])
      if let bad = field.firstIndex(where: { !$0.isFinite }) {
        throw ApusError(
          .badData, "missing values (NaN) in a static field", file: path, variable: name,
          found: "point \(bad)", expected: "none")
      }
      if variable.grid != grid {
        let regridding = SpectralRegridding(
          from: variable.grid, to: grid, degrees: grid.defaultDegreeCount)
        field = try regridding.apply(field, count: 1, threads: 1)
      }
      func areaMean(_ value: (Double) -> Double) -> Double {
        var sum = 0.0
        for (row, weight) in weights.enumerated() {
          for column in 0..<grid.longitudeCount {
            sum += weight * value(Double(field[row * grid.longitudeCount + column]))
          }
        }
        return sum / Double(grid.pointCount)
      }
      let mean = areaMean { $0 }
      let deviation = areaMean { ($0 - mean) * ($0 - mean) }.squareRoot()
      // What rounding leaves of a constant is no field.
      guard deviation > 1e-6 * field.reduce(0, { max($0, abs(Double($1))) }) else {
        throw ApusError(.badData, "the field is the same everywhere", file: path, variable: name)
      }
      return field.map { Float((Double($0) - mean) / deviation) }
    }
  }
}
