import Fields
import Sphere

/// Scales a difference of states to a wanted size in each hemisphere (spec/hens.md 3.1, step 2).
///
/// dx[c, latitude] <- dx A_c / H_c(latitude), where H_c is the root mean square of dx over the rows
/// poleward of 20 degrees north (N_c), of 20 degrees south (S_c), and between the two runs linearly
/// in latitude from N_c to S_c. On the 721-row grid of HENS this is exactly its rule: 280 rows, 161
/// interpolated rows with both end points, 280 rows.
public struct HemisphericRescaling: Sendable {
  /// How the root mean square of a cap is taken.
  public enum CapNorm: String, Sendable, Codable, CaseIterable {
    /// As the HENS code does: weights cos(latitude) over their global mean, then a plain mean over the
    /// rows of the cap. The weights of a cap average less than 1, so caps end 1.09 x too large.
    case hens
    /// The true root mean square of the cap: its weights average 1.
    case area
  }

  /// The grid of the states.
  public let grid: SphereGrid
  /// Latitude [degrees] that bounds the tropics.
  public let tropics: Double
  /// How the root mean square of a cap is taken.
  public let norm: CapNorm
  private let rows: (north: Range<Int>, south: Range<Int>)
  private let weights: [Double]
  // Share of the southern norm in each row: 0 in the north, 1 in the south.
  private let southernShare: [Double]

  /// Plans the rescaling on a grid.
  public init(grid: SphereGrid, tropics: Double = 20, norm: CapNorm = .hens) {
    self.grid = grid
    self.tropics = tropics
    self.norm = norm
    let latitudes = grid.latitudes
    // Rows at the boundary itself (up to rounding of the colatitude) count as tropical, as in HENS.
    let north = latitudes.prefix { $0 > tropics + 1e-9 }.count
    let south = latitudes.prefix { $0 > -tropics - 1e-9 }.count
    // A grid too coarse to have rows poleward of the bound takes one row a side.
    rows = (0..<max(north, 1), min(south, latitudes.count - 1)..<latitudes.count)
    weights = grid.cosineWeights
    southernShare = latitudes.map { min(max((tropics - $0) / (2 * tropics), 0), 1) }
  }

  /// Root mean square of one channel over the northern and the southern cap.
  public func capNorms(_ values: UnsafePointer<Float>) -> (north: Double, south: Double) {
    (rootMeanSquare(values, rows.north), rootMeanSquare(values, rows.south))
  }

  /// Rescales every channel of `values` [channel][latitude][longitude] to `amplitudes`; a channel
  /// whose difference vanishes in a hemisphere is left as it is there.
  public func apply(to values: inout [Float], amplitudes: [Double]) {
    let points = grid.pointCount
    let columns = grid.longitudeCount
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for channel in amplitudes.indices {
        let field = base + channel * points
        var (north, south) = capNorms(field)
        if north == 0 { north = amplitudes[channel] }
        if south == 0 { south = amplitudes[channel] }
        for row in 0..<grid.latitudeCount {
          let size = north + (south - north) * southernShare[row]
          let factor = size > 0 ? Float(amplitudes[channel] / size) : 0
          for column in 0..<columns { field[row * columns + column] *= factor }
        }
      }
    }
  }

  private func rootMeanSquare(_ values: UnsafePointer<Float>, _ rows: Range<Int>) -> Double {
    let columns = grid.longitudeCount
    var sum = 0.0
    var weight = 0.0
    for row in rows {
      sum += weights[row] * (values + row * columns).sumOfSquares(columns) / Double(columns)
      weight += weights[row]
    }
    return (sum / (norm == .hens ? Double(rows.count) : weight)).squareRoot()
  }
}

extension UnsafePointer<Float> {
  /// The sum of the squares of `count` numbers from here, in double precision.
  func sumOfSquares(_ count: Int) -> Double {
    var sums = SIMD8<Double>.zero
    var i = 0
    while i + 8 <= count {
      let x = SIMD8<Double>(UnsafeRawPointer(self + i).loadUnaligned(as: SIMD8<Float>.self))
      sums += x * x
      i += 8
    }
    var sum = sums.sum()
    while i < count {
      sum += Double(self[i]) * Double(self[i])
      i += 1
    }
    return sum
  }
}
