import Basics
import Foundation
import Kernels
import Sphere

/// The latent fields of the variational forecaster: numbers on the cells of a coarse Gaussian grid, of which only
/// degrees l < L reach the forecaster (spec/emulators.md 5a).
///
///     cell:  v_j = mu_j + exp(lambda_j / 2) s_j e_j,   e_j ~ N(0, 1),   s_j = kappa a_j^(-1/2)
///     field: z = synthesis on the fine grid of the analysis of v, l < L
///
/// a_j is the cell's area over the mean: without it noise would be weaker where cells are small (spec/emulators.md 3.9,
/// trap 3). kappa^2 = cells / L^2 gives z variance 1 everywhere for mu = lambda = 0.
public struct LatentSphere: Sendable {
  /// Latent channels.
  public let channels: Int
  /// Degrees L.
  public let degrees: Int
  /// The coarse grid.
  public let coarse: SphereGrid
  /// s_j by row.
  let scales: [Double]
  /// Shares of the cells of a row in area means, sum 1 over the grid.
  let shares: [Double]
  private let inner, outer: SphericalTransform<Float>

  /// Latent fields on half the rows and columns of `grid`.
  /// - Throws: `ApusError` of kind `badData` where that is no grid.
  public init(grid: SphereGrid, channels: Int, degrees: Int) throws {
    let coarse = try SphereGrid(
      .gaussian, latitudes: grid.latitudeCount / 2, longitudes: grid.longitudeCount / 2)
    self.coarse = coarse
    self.channels = channels
    self.degrees = degrees
    inner = SphericalTransform(grid: coarse, degrees: degrees)
    outer = SphericalTransform(grid: grid, degrees: degrees)
    let cells = Double(coarse.pointCount)
    let shares = coarse.areaShares
    self.shares = shares
    let kappa = (cells / Double(degrees * degrees)).squareRoot()
    scales = shares.map { kappa / ($0 * cells).squareRoot() }
  }

  /// Cells of a channel.
  public var cells: Int { coarse.pointCount }

  /// Scratch of one thread.
  public final class Workspace: @unchecked Sendable {
    let spectrum: AlignedBuffer<Float>
    let inner, outer: TransformWorkspace<Float>

    init(_ plan: LatentSphere, fields: Int) {
      spectrum = AlignedBuffer(plan.inner.coefficientCount(fields))
      inner = plan.inner.makeWorkspace(fields)
      outer = plan.outer.makeWorkspace(fields)
    }
  }

  /// Scratch for up to `fields` fields at once.
  public func makeWorkspace(fields: Int) -> Workspace { Workspace(self, fields: max(fields, channels)) }

  /// Coarse cells to fine fields, l < L.
  func synthesise(
    _ cells: UnsafePointer<Float>, count: Int, into fields: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    inner.forward(cells, count: count, into: space.spectrum.pointer, space.inner)
    outer.inverse(space.spectrum.pointer, count: count, into: fields, space.outer)
  }

  /// The transpose of `synthesise`.
  func synthesiseAdjoint(
    _ fields: UnsafePointer<Float>, count: Int, into cells: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    outer.inverseAdjoint(fields, count: count, into: space.spectrum.pointer, space.outer)
    inner.forwardAdjoint(space.spectrum.pointer, count: count, into: cells, space.inner)
  }

  /// Fine fields to coarse cells, l < L: what the networks of prior and posterior see of a state.
  func coarsen(
    _ fields: UnsafePointer<Float>, count: Int, into cells: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    outer.forward(fields, count: count, into: space.spectrum.pointer, space.outer)
    inner.inverse(space.spectrum.pointer, count: count, into: cells, space.inner)
  }

  /// The transpose of `coarsen`.
  func coarsenAdjoint(
    _ cells: UnsafePointer<Float>, count: Int, into fields: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    inner.inverseAdjoint(cells, count: count, into: space.spectrum.pointer, space.inner)
    outer.forwardAdjoint(space.spectrum.pointer, count: count, into: fields, space.outer)
  }

  /// lambda of a network's raw output: -1 + 4 tanh(raw / 4), between -5 and 3, so that no draw explodes.
  @inline(__always) static func logVariance(_ raw: Float) -> Float { -1 + 4 * tanh(raw / 4) }
  /// Its derivative.
  @inline(__always) static func logVarianceSlope(_ raw: Float) -> Float {
    let t = tanh(raw / 4)
    return 1 - t * t
  }

  /// Draws cells from a distribution.
  /// - Parameters:
  ///   - head: [mu, raw lambda][channel][cell].
  ///   - noise: e, [channel][cell].
  func draw(
    _ head: UnsafePointer<Float>, noise: UnsafePointer<Float>, into cells: UnsafeMutablePointer<Float>
  ) {
    let size = channels * self.cells
    each { i, row in
      let deviation = exp(LatentSphere.logVariance(head[size + i]) / 2) * Float(scales[row])
      cells[i] = head[i] + deviation * noise[i]
    }
  }

  /// Adds the transpose of the derivative of `draw` to `headGradient`.
  func drawAdjoint(
    _ gradient: UnsafePointer<Float>, _ head: UnsafePointer<Float>, noise: UnsafePointer<Float>,
    addingTo headGradient: UnsafeMutablePointer<Float>
  ) {
    let size = channels * self.cells
    each { i, row in
      let raw = head[size + i]
      let deviation = exp(LatentSphere.logVariance(raw) / 2) * Float(scales[row])
      headGradient[i] += gradient[i]
      headGradient[size + i] +=
        gradient[i] * noise[i] * deviation / 2 * LatentSphere.logVarianceSlope(raw)
    }
  }

  /// The area mean, over channels and cells, of the divergence of q from p,
  ///
  ///     KL = 1/2 [lambda_p - lambda_q + (exp lambda_q + (mu_q - mu_p)^2 / s^2) exp(-lambda_p) - 1]
  ///
  /// of the cells' normal distributions, of all channels or one; its gradients times `factor` are added where given.
  func divergence(
    _ q: UnsafePointer<Float>, _ p: UnsafePointer<Float>, channel: Int? = nil, factor: Double = 1,
    addingTo qGradient: UnsafeMutablePointer<Float>? = nil, _ pGradient: UnsafeMutablePointer<Float>? = nil
  ) -> Double {
    let size = channels * cells
    let chosen = channel.map { $0..<$0 + 1 } ?? 0..<channels
    var total = 0.0
    each(chosen) { i, row in
      let share = shares[row] / Double(chosen.count)
      let (lq, lp) = (LatentSphere.logVariance(q[size + i]), LatentSphere.logVariance(p[size + i]))
      let inverse = Float(1 / (scales[row] * scales[row]))
      let difference = q[i] - p[i]
      let quotient = (exp(lq) + difference * difference * inverse) * exp(-lp)
      total += share * Double(0.5 * (lp - lq + quotient - 1))
      guard let qGradient, let pGradient else { return }
      let weight = Float(factor * share)
      let slope = weight * difference * inverse * exp(-lp)
      qGradient[i] += slope
      pGradient[i] -= slope
      qGradient[size + i] += 0.5 * weight * (exp(lq - lp) - 1) * LatentSphere.logVarianceSlope(q[size + i])
      pGradient[size + i] += 0.5 * weight * (1 - quotient) * LatentSphere.logVarianceSlope(p[size + i])
    }
    return total
  }

  /// Calls `body` with every number of [channel][cell] and its row.
  @inline(__always) private func each(_ chosen: Range<Int>? = nil, _ body: (_ i: Int, _ row: Int) -> Void) {
    let columns = coarse.longitudeCount
    let chosen = chosen ?? 0..<channels
    var i = chosen.lowerBound * cells
    for _ in chosen {
      for row in 0..<coarse.latitudeCount {
        for _ in 0..<columns {
          body(i, row)
          i += 1
        }
      }
    }
  }
}
