import Basics
import Sphere

/// A variable that no file holds and that is computed from those that it does, point by point or, for
/// vorticity and divergence, from whole fields (docs/derived-variables.md).
public struct DerivedVariable: Sendable {
  /// Our name: `wind_speed10m`, `thickness_500_1000`.
  public let name: String
  /// In words.
  public let longName: String
  /// CF standard name, nil where CF has none that fits.
  public let standardName: String?
  /// Unit of the result, in CF spelling.
  public let units: String
  /// Channels that it is computed from, in the order that `compute` takes them, in the units of
  /// `ChannelCatalogue`.
  public let sources: [String]
  private let formula: Formula

  /// How the result comes from the sources.
  enum Formula: Sendable {
    /// From the values of all sources at one point, in the order of `sources`.
    case pointwise(@Sendable (UnsafeBufferPointer<Double>) -> Double)
    /// From whole fields [source][point].
    case global(@Sendable ([[Float]], SphereGrid) throws -> [Float])
  }

  init(
    name: String, longName: String, standardName: String?, units: String, sources: [String], formula: Formula
  ) {
    self.name = name
    self.longName = longName
    self.standardName = standardName
    self.units = units
    self.sources = sources
    self.formula = formula
  }

  /// The field of this variable, [point].
  ///
  /// A point at which a source is NaN is NaN, but vorticity and divergence need every point.
  /// - Parameters:
  ///   - inputs: a field [point] for each of `sources`, rows north to south.
  ///   - grid: of the fields; only vorticity and divergence look at it.
  /// - Throws: `ApusError` of kind `badData` where fields are missing or differ in size; for vorticity and
  ///   divergence also where there is no grid, the fields do not fit it, or one holds NaN.
  public func compute(_ inputs: [[Float]], grid: SphereGrid?) throws -> [Float] {
    guard inputs.count == sources.count else {
      throw ApusError(
        .badData, "wrong number of fields", variable: name, found: "\(inputs.count)",
        expected: "\(sources.count) (\(sources.joined(separator: ", ")))")
    }
    let points = inputs.first?.count ?? 0
    for (source, field) in zip(sources, inputs) where field.count != points {
      throw ApusError(
        .badData, "fields differ in size", variable: name,
        found: "\(points) points of \(sources[0]), \(field.count) of \(source)", expected: "one grid")
    }
    switch formula {
    case .pointwise(let function): return DerivedVariable.pointwise(inputs, points: points, function)
    case .global(let function):
      return try function(inputs, try usable(grid, points: points, inputs: inputs))
    }
  }

  /// Applies a function at every point; gathers the sources of a block of points at once, so that each field
  /// is read in order.
  private static func pointwise(
    _ inputs: [[Float]], points: Int, _ function: (UnsafeBufferPointer<Double>) -> Double
  ) -> [Float] {
    let (sources, block) = (inputs.count, 256)
    var result: [Float] = []
    result.reserveCapacity(points)
    var gathered = [Double](repeating: 0, count: sources * block)
    gathered.withUnsafeMutableBufferPointer { gathered in
      for start in stride(from: 0, to: points, by: block) {
        let count = min(block, points - start)
        for (source, field) in inputs.enumerated() {
          for i in 0..<count { gathered[i * sources + source] = Double(field[start + i]) }
        }
        for i in 0..<count {
          let values = UnsafeBufferPointer(rebasing: gathered[i * sources..<(i + 1) * sources])
          result.append(Float(function(values)))
        }
      }
    }
    return result
  }

  /// The grid, where the transform can be applied.
  private func usable(_ grid: SphereGrid?, points: Int, inputs: [[Float]]) throws -> SphereGrid {
    guard let grid else {
      throw ApusError(
        .badData, "cannot be computed without a global grid", variable: name,
        expected: "a global Gaussian grid, or a global regular grid with both poles")
    }
    guard grid.pointCount == points else {
      throw ApusError(
        .badData, "fields do not fit the grid", variable: name, found: "\(points) points",
        expected: "\(grid.pointCount) (\(grid))")
    }
    for (source, field) in zip(sources, inputs) {
      let bad = field.count { !$0.isFinite }
      if bad > 0 {
        throw ApusError(
          .badData, "missing values (NaN) in \(source)", variable: name, found: "\(bad) of \(points) points",
          expected: "none", advice: "The spherical transform needs every point of the globe.")
      }
    }
    return grid
  }
}
