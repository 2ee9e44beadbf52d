import Basics
import Foundation

/// The variogram score of the whole globe, on points spread evenly: what far places have to do with each other, which
/// tiles do not see.
public struct GlobalVariogram: Sendable {
  /// Points of the grid, each nearest to one of a Fibonacci lattice, ascending, none twice.
  public let points: [Int]
  private let weights: [Double]

  /// Chooses about `points` points of a grid.
  public init(latitudes: [Double], longitudes: [Double], points count: Int) {
    let golden = (1 + 5.0.squareRoot()) / 2
    func nearest(_ values: [Double], _ wanted: Double, period: Double?) -> Int {
      values.indices.min { a, b in
        func apart(_ i: Int) -> Double {
          let d = abs(values[i] - wanted)
          guard let period else { return d }
          let turn = d.truncatingRemainder(dividingBy: period)
          return min(turn, period - turn)
        }
        return apart(a) < apart(b)
      } ?? 0
    }
    let chosen = (0..<count).map { i -> Int in
      let latitude = asin(1 - (2 * Double(i) + 1) / Double(count)) * 180 / .pi
      let longitude = (Double(i) / golden - (Double(i) / golden).rounded(.down)) * 360
      return nearest(latitudes, latitude, period: nil) * longitudes.count
        + nearest(longitudes, longitude, period: 360)
    }
    points = Array(Set(chosen)).sorted()
    weights = Variogram.weights(points, latitudes: latitudes, longitudes: longitudes)
  }

  /// Scores one case; NaN where a value is missing.
  /// - Parameters:
  ///   - ensemble: all points of the grid.
  ///   - truth: likewise.
  public func score(_ ensemble: EnsembleValues, truth: [Double], threads: Int = Parallel.defaultThreads)
    throws
    -> Double
  {
    let (members, d) = (ensemble.memberCount, points.count)
    var pool = [Double](repeating: 0, count: (members + 1) * d)
    for (j, point) in points.enumerated() {
      pool[j] = truth[point]
      for i in 0..<members { pool[(i + 1) * d + j] = ensemble[i, point] }
    }
    guard !pool.contains(where: \.isNaN) else { return .nan }
    let rows = AlignedBuffer<Double>(d)
    let (values, weights) = (pool, self.weights)
    try Parallel.forEach(d, threads: threads) { j, _ in
      rows.pointer[j] = Variogram.row(j, values, members, d, weights)
    }
    return rows.array.reduce(0, +)
  }
}
