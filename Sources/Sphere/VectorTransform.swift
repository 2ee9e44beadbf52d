import Basics
import Foundation

/// Wind to vorticity and divergence and back, by vector spherical harmonics in float64.
///
/// With stream function psi and velocity potential chi on a sphere of radius a:
/// u = (dpsi/dtheta + dchi/dlambda / sin theta) / a, v = (dpsi/dlambda / sin theta - dchi/dtheta) / a,
/// vorticity = laplacian psi, divergence = laplacian chi. The tables dP/dtheta and m P / sin theta are
/// finite at the poles, so grids with poles serve too. The mean (degree 0) of either is zero.
public final class VectorTransform: Sendable {
  /// Radius of the Earth [m], as ECMWF's IFS uses it.
  public static let earthRadius = 6_371_229.0

  /// The grid of the wind.
  public let grid: SphereGrid
  /// Degrees l are 0..<degrees.
  public let degrees: Int
  private let orders: Int
  private let scalar: SphericalTransform<Double>
  /// dP_lm/dtheta and m P_lm / sin theta, [order][degree - order][latitude].
  private let derivative: [Double]
  private let rotation: [Double]

  /// Plans for l < degrees.
  public init(grid: SphereGrid, degrees: Int) {
    self.grid = grid
    self.degrees = degrees
    scalar = SphericalTransform(grid: grid, degrees: degrees)
    orders = scalar.orders
    let table = LegendreTable(colatitudes: grid.colatitudes, degrees: degrees, orders: degrees)
    var derivative: [Double] = []
    var rotation: [Double] = []
    for m in 0..<orders {
      for l in m..<degrees {
        let up = Double((l - m) * (l + m + 1)).squareRoot() / 2
        let down = Double((l + m) * (l - m + 1)).squareRoot() / 2
        let ratio = l == 0 ? 0 : (Double(2 * l + 1) / Double(2 * l - 1)).squareRoot() / 2
        let outer = Double(max(0, (l - m) * (l - m - 1))).squareRoot() * ratio
        let inner = Double((l + m) * (l + m - 1)).squareRoot() * ratio
        for k in 0..<grid.latitudeCount {
          func p(_ degree: Int, _ order: Int) -> Double {
            table.value(degree: degree, order: order, latitude: k)
          }
          derivative.append(up * p(l, m + 1) - down * p(l, m - 1))
          rotation.append(m == 0 ? 0 : -(outer * p(l - 1, m + 1) + inner * p(l - 1, m - 1)))
        }
      }
    }
    self.derivative = derivative
    self.rotation = rotation
  }

  /// Relative vorticity and horizontal divergence [s-1] of one level of wind [m s-1], truncated to
  /// l < degrees. All fields [latitude][longitude].
  public func vorticityDivergence(u: [Double], v: [Double]) -> (vorticity: [Double], divergence: [Double]) {
    let both = fourier(u, v)
    let rows = grid.latitudeCount
    var result = [Double](repeating: 0, count: 2 * degrees * orders * 2)
    let scale = -1 / VectorTransform.earthRadius
    var index = 0
    for m in 0..<orders {
      for l in m..<degrees {
        var sums = (0.0, 0.0, 0.0, 0.0)
        for k in 0..<rows {
          let w = grid.quadratureWeights[k] * scale
          let d = derivative[index + k] * w
          let r = rotation[index + k] * w
          let (ur, ui) = both(0, k, m)
          let (vr, vi) = both(1, k, m)
          // vorticity: u dP - i v R; divergence: -v dP - i u R
          sums.0 += d * ur + r * vi
          sums.1 += d * ui - r * vr
          sums.2 += -d * vr + r * ui
          sums.3 += -d * vi - r * ur
        }
        index += rows
        let at = (l * orders + m) * 2
        let second = degrees * orders * 2 + at
        result[at] = sums.0
        result[at + 1] = sums.1
        result[second] = sums.2
        result[second + 1] = sums.3
      }
    }
    let fields = scalar.inverse(result, count: 2)
    return (Array(fields[..<grid.pointCount]), Array(fields[grid.pointCount...]))
  }

  /// The wind (u, v) [m s-1] that has this vorticity and divergence [s-1]. All fields
  /// [latitude][longitude]; degrees l >= degrees are dropped.
  public func wind(vorticity: [Double], divergence: [Double]) -> (u: [Double], v: [Double]) {
    let coefficients = scalar.forward(vorticity + divergence, count: 2)
    let rows = grid.latitudeCount
    let size = degrees * orders * 2
    // Wind components are no scalars, so their Fourier modes are summed here and then turned by a
    // one-degree trick: a row's modes are the coefficients of a transform along longitude alone.
    var modes = [Double](repeating: 0, count: 2 * rows * orders * 2)
    var index = 0
    for m in 0..<orders {
      for l in m..<degrees {
        defer { index += rows }
        guard l > 0 else { continue }
        let scale = -VectorTransform.earthRadius / Double(l * (l + 1))
        let at = (l * orders + m) * 2
        let (pr, pi) = (coefficients[at] * scale, coefficients[at + 1] * scale)
        let (cr, ci) = (coefficients[size + at] * scale, coefficients[size + at + 1] * scale)
        for k in 0..<rows {
          let d = derivative[index + k]
          let r = rotation[index + k]
          let first = (k * orders + m) * 2
          let second = (rows * orders + k * orders + m) * 2
          modes[first] += d * pr - r * ci
          modes[first + 1] += d * pi + r * cr
          modes[second] += -r * pi - d * cr
          modes[second + 1] += r * pr - d * ci
        }
      }
    }
    let columns = grid.longitudeCount
    var fields = [Double](repeating: 0, count: 2 * grid.pointCount)
    for row in 0..<(2 * rows) {
      for j in 0..<columns {
        var sum = modes[row * orders * 2]
        for m in 1..<max(orders, 2) where m < orders {
          let angle = 2 * Double.pi * Double((j * m) % columns) / Double(columns)
          let factor: Double = 2 * m == columns ? 1 : 2
          let at = (row * orders + m) * 2
          sum += factor * (modes[at] * cos(angle) - (2 * m == columns ? 0 : modes[at + 1] * sin(angle)))
        }
        fields[row * columns + j] = sum
      }
    }
    return (Array(fields[..<grid.pointCount]), Array(fields[grid.pointCount...]))
  }

  /// F_m = (2 pi / nlon) sum_j f exp(-i m lambda) of each row of u and v.
  private func fourier(_ u: [Double], _ v: [Double]) -> (Int, Int, Int) -> (Double, Double) {
    precondition(u.count == grid.pointCount && v.count == grid.pointCount)
    let stage = FourierStage<Double>(
      length: grid.longitudeCount, orders: orders, rowsPerField: grid.latitudeCount)
    let rows = 2 * grid.latitudeCount
    let workspace = TransformWorkspace<Double>(
      modes: AlignedBuffer(2 * orders * rows), row: AlignedBuffer(stage.scratchCount))
    let input = AlignedBuffer(u + v)
    stage.analyse(input.pointer, fields: 2, into: workspace, scaling: .quadrature)
    let latitudes = grid.latitudeCount
    return { component, k, m in
      let row = component * latitudes + k
      return (
        workspace.modes.pointer[2 * m * rows + row], workspace.modes.pointer[(2 * m + 1) * rows + row]
      )
    }
  }
}
