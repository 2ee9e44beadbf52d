import Basics
import Foundation

/// Isotropic random fields of unit variance with the correlation exp(-d^2 / (2 L^2)) on the sphere.
///
/// Coefficients are independent normals with variance C_l proportional to exp(-kappa l (l + 1)),
/// kappa = (L / R)^2 / 2 (spec/hens.md 3.2). Unlike the HENS code, a_l0 is real with the full variance
/// C_l, and Re and Im of m > 0 have half of it each, which makes the field isotropic: the HENS sampler
/// gives the poles 0.708 of the equator's standard deviation.
public struct GaussianRandomField: Sendable {
  /// The grid of the samples.
  public let grid: SphereGrid
  /// Standard deviation of the coefficients of each degree.
  public let amplitudes: [Double]
  private let transform: SphericalTransform<Double>

  /// Plans sampling.
  /// - Parameters:
  ///   - lengthScaleKilometres: L [km].
  ///   - degrees: l < degrees are sampled; by default all that the grid resolves.
  public init(grid: SphereGrid, lengthScaleKilometres: Double = 500, degrees: Int? = nil) {
    self.grid = grid
    let count = degrees ?? grid.defaultDegreeCount
    transform = SphericalTransform(grid: grid, degrees: count)
    let ratio = lengthScaleKilometres * 1000 / 6.371e6
    let kappa = ratio * ratio / 2
    let shape = (0..<count).map { exp(-kappa * Double($0 * ($0 + 1))) }
    let variance = shape.enumerated().map { Double(2 * $0 + 1) * $1 }.reduce(0, +) / (4 * .pi)
    amplitudes = shape.map { ($0 / variance).squareRoot() }
  }

  /// One field [latitude][longitude], unit variance at every point. Number l(l+1)/2 + m of `stream`
  /// makes coefficient (l, m), so a finer truncation keeps the large scales.
  public func sample(_ stream: Philox) -> [Float] {
    let (degrees, orders) = (transform.degrees, transform.orders)
    var coefficients = [Double](repeating: 0, count: degrees * orders * 2)
    for l in 0..<degrees {
      for m in 0...min(l, orders - 1) {
        let pair = stream.normalPair(UInt64(l * (l + 1) / 2 + m))
        let at = (l * orders + m) * 2
        if m == 0 {
          coefficients[at] = amplitudes[l] * pair.0
        } else {
          coefficients[at] = amplitudes[l] * pair.0 * 0.5.squareRoot()
          coefficients[at + 1] = amplitudes[l] * pair.1 * 0.5.squareRoot()
        }
      }
    }
    return transform.inverse(coefficients, count: 1).map(Float.init)
  }
}
