import Foundation
import Sphere

/// Weights of the rows of a latitude-longitude grid, for area means.
public struct AreaWeights: Sendable, Hashable {
  /// One weight a row, mean 1.
  public let rows: [Double]
  /// Points a row.
  public let columns: Int
  /// Number of points.
  public var pointCount: Int { rows.count * columns }

  /// cos(latitude) weights of rows at `latitudes` [degrees north]: what the field's scores use
  /// (spec/hens.md 2.4).
  public init(latitudes: [Double], columns: Int) {
    // cos(90 degrees) is not quite 0 in floating point; a pole never weighs less than nothing.
    self.init(rowWeights: latitudes.map { max(0, cos($0 * .pi / 180)) }, columns: columns)
  }

  /// cos(latitude) weights of a grid's rows.
  public init(_ grid: SphereGrid) {
    self.init(rowWeights: grid.cosineWeights, columns: grid.longitudeCount)
  }

  /// Any row weights; they are scaled to mean 1.
  public init(rowWeights: [Double], columns: Int) {
    precondition(!rowWeights.isEmpty && columns > 0)
    let mean = rowWeights.reduce(0, +) / Double(rowWeights.count)
    rows = rowWeights.map { $0 / mean }
    self.columns = columns
  }

  /// The weighted mean of `values` [point]. NaN points are left out and the weights renormalised;
  /// NaN where nothing is left.
  public func mean(_ values: [Double]) -> Double { mean { values[$0] } }

  /// The weighted mean of `value(point)`, summed in the order of the points, row by row.
  public func mean(_ value: (_ point: Int) -> Double) -> Double {
    var total = 0.0
    var weight = 0.0
    for (row, rowWeight) in rows.enumerated() {
      var sum = 0.0
      var count = 0
      for column in 0..<columns {
        let x = value(row * columns + column)
        if !x.isNaN {
          sum += x
          count += 1
        }
      }
      // A row of weight 0 with infinite values adds nothing.
      if count > 0 && rowWeight > 0 {
        total += rowWeight * sum
        weight += rowWeight * Double(count)
      }
    }
    return weight > 0 ? total / weight : .nan
  }
}
