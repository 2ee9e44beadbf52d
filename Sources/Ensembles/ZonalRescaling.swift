import Foundation
import Sphere

/// Scales a difference of states to a wanted size at every latitude.
///
/// dx[c, latitude] <- dx A_c / Z_c(latitude), where Z_c is the zonal root mean square of dx, smoothed along the meridian
/// (squares, weighted by area and a Gaussian of 7.5 degrees).
///
/// Between hemispheres that are scaled as wholes (`HemisphericRescaling`) the tropics get what is left: there bred
/// vectors of most channels decay, and ensembles spread too little for days. Regional rescaling after Toth and Kalnay
/// (1997, section 3), whose mask along meridians is flat here.
public struct ZonalRescaling: Sendable {
  /// The grid of the states.
  public let grid: SphereGrid
  /// [row][row of the mean]: weights of the smoothing, sum 1.
  private let weights: [[Double]]

  /// Plans the rescaling on a grid.
  public init(grid: SphereGrid) {
    self.grid = grid
    let latitudes = grid.latitudes
    let areas = grid.areaWeights
    weights = latitudes.map { here in
      let row = zip(latitudes, areas).map { there, area in
        let distance = (there - here) / 7.5
        return area * exp(-0.5 * distance * distance)
      }
      let sum = row.reduce(0, +)
      return row.map { $0 / sum }
    }
  }

  /// Rescales every channel of `values` [channel][latitude][longitude] to `amplitudes`; rows around which the
  /// difference vanishes are left as they are.
  public func apply(to values: inout [Float], amplitudes: [Double]) {
    let (rows, columns) = (grid.latitudeCount, grid.longitudeCount)
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for channel in amplitudes.indices {
        let field = base + channel * rows * columns
        let squares = (0..<rows).map {
          UnsafePointer(field + $0 * columns).sumOfSquares(columns) / Double(columns)
        }
        for row in 0..<rows {
          let size = zip(weights[row], squares).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot()
          guard size > 0 else { continue }
          let factor = Float(amplitudes[channel] / size)
          for column in 0..<columns { field[row * columns + column] *= factor }
        }
      }
    }
  }
}
