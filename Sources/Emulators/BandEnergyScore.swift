import Basics
import Fields
import Foundation
import Kernels
import Sphere

/// The energy score of a few members, band by band of degrees and point by point, over all channels at once, and its
/// gradient:
///
///     L = mean over bands and area of [1/M sum_i |x_i - y| - (M - 1 + alpha) / (2 M^2 (M - 1)) sum_ij |x_i - x_j|]
///
/// where |z| is the root mean square over channels of a whitened field's band at a point, in units of the band's deviation.
/// The CRPS of single channels at points cannot tell members whose channels belong together from members whose channels
/// were drawn apart, nor a wave from a bump of the same variance: noise passed through a network one channel at a time
/// scores as well. Vectors of channels tell the first, the variance of every band at every place the second.
public struct BandEnergyScore: Sendable {
  /// First degrees of the bands, and the end of the last one.
  public let edges: [Int]
  /// alpha, as of `AlmostFairCRPS`.
  public let alpha: Double
  private let transform: SphericalTransform<Float>
  private let channels: Int
  private let rowWeights: [Float]

  /// A loss over bands that end at powers of two.
  public init(transform: SphericalTransform<Float>, channels: Int, alpha: Double = 0.95) {
    self.transform = transform
    self.channels = channels
    self.alpha = alpha
    var edges = [0]
    var next = 4
    while next < transform.degrees {
      edges.append(next)
      next *= 2
    }
    self.edges = edges + [transform.degrees]
    let grid = transform.grid
    rowWeights = grid.areaShares.map { Float($0) }
  }

  /// Scratch of one thread for a number of members.
  public final class Workspace: @unchecked Sendable {
    let spectra: [AlignedBuffer<Float>]
    let band: [AlignedBuffer<Float>]
    let gradients: [AlignedBuffer<Float>]
    let spectrum, gradientSpectrum: AlignedBuffer<Float>
    let sums: [AlignedBuffer<Float>]
    let transform: TransformWorkspace<Float>

    init(_ plan: BandEnergyScore, members: Int) {
      let size = plan.channels * plan.transform.grid.pointCount
      let count = plan.transform.coefficientCount(plan.channels)
      // The truth is the last.
      spectra = (0...members).map { _ in AlignedBuffer(count) }
      band = (0...members).map { _ in AlignedBuffer(size) }
      gradients = (0..<members).map { _ in AlignedBuffer(size) }
      sums = (0..<members).map { _ in AlignedBuffer(count) }
      spectrum = AlignedBuffer(count)
      gradientSpectrum = AlignedBuffer(count)
      transform = plan.transform.makeWorkspace(plan.channels)
    }
  }

  /// Scratch of one thread.
  public func makeWorkspace(members: Int) -> Workspace { Workspace(self, members: members) }

  /// The loss of whitened members against a whitened truth, each [channel][point].
  /// - Parameters:
  ///   - factor: on loss and gradient.
  ///   - gradients: of every member; added to. Empty where not wanted.
  public func evaluate(
    _ members: [UnsafePointer<Float>], _ truth: UnsafePointer<Float>, factor: Double,
    addingTo gradients: [UnsafeMutablePointer<Float>], _ space: Workspace
  ) -> Double {
    let m = members.count
    for (field, spectrum) in zip(members + [truth], space.spectra) {
      transform.forward(field, count: channels, into: spectrum.pointer, space.transform)
    }
    for sum in space.sums { sum.pointer.update(repeating: 0, count: sum.count) }
    let bands = edges.count - 1
    var loss = 0.0
    for band in 0..<bands {
      let range = edges[band]..<edges[band + 1]
      // The band's share of the variance of white noise.
      let share = Double(range.upperBound * range.upperBound - range.lowerBound * range.lowerBound)
      let scale = Float(Double(transform.degrees) / share.squareRoot())
      for member in 0...m {
        pick(space.spectra[member].pointer, range, scale, into: space.spectrum.pointer)
        transform.inverse(
          space.spectrum.pointer, count: channels, into: space.band[member].pointer, space.transform)
      }
      loss += score(m, factor: factor / Double(bands), wants: !gradients.isEmpty, space)
      guard !gradients.isEmpty else { continue }
      for member in 0..<m {
        transform.inverseAdjoint(
          space.gradients[member].pointer, count: channels, into: space.gradientSpectrum.pointer,
          space.transform)
        let (from, sum) = (space.gradientSpectrum.pointer, space.sums[member].pointer)
        transform.eachRow(channels) { l, _, row in
          guard range.contains(l) else { return }
          for c in 0..<channels { sum[row + c] += scale * from[row + c] }
        }
      }
    }
    for (member, gradient) in gradients.enumerated() {
      let field = space.band[member].pointer
      transform.forwardAdjoint(space.sums[member].pointer, count: channels, into: field, space.transform)
      ChannelPasses.add(field, channels * transform.grid.pointCount, to: gradient)
    }
    return loss
  }

  private func pick(
    _ spectrum: UnsafePointer<Float>, _ range: Range<Int>, _ scale: Float,
    into target: UnsafeMutablePointer<Float>
  ) {
    transform.eachRow(channels) { l, _, row in
      let factor = range.contains(l) ? scale : 0
      for c in 0..<channels { target[row + c] = factor * spectrum[row + c] }
    }
  }

  /// The score of one band's fields; writes their gradients.
  private func score(_ m: Int, factor: Double, wants: Bool, _ space: Workspace) -> Double {
    let (points, columns) = (transform.grid.pointCount, transform.grid.longitudeCount)
    let own = 1 / Float(m)
    let pair = m > 1 ? Float((Double(m - 1) + alpha) / (2 * Double(m * m * (m - 1)))) : 0
    let norm = 1 / Float(channels).squareRoot()
    let truth = space.band[m].pointer
    var loss = 0.0
    if wants { for g in space.gradients { g.pointer.update(repeating: 0, count: g.count) } }
    func distance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ point: Int) -> Float {
      var sum: Float = 0
      for c in 0..<channels {
        let d = a[c * points + point] - b[c * points + point]
        sum += d * d
      }
      return norm * sum.squareRoot()
    }
    /// Adds slope times the gradient of |a - b| by a to `g`.
    func pull(
      _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ point: Int, _ length: Float, _ slope: Float,
      _ g: UnsafeMutablePointer<Float>
    ) {
      guard length > 0 else { return }
      let factor = slope / (length * Float(channels))
      for c in 0..<channels {
        g[c * points + point] += factor * (a[c * points + point] - b[c * points + point])
      }
    }
    for row in 0..<transform.grid.latitudeCount {
      let weight = Float(factor) * rowWeights[row]
      var sum: Float = 0
      for point in row * columns..<(row + 1) * columns {
        for a in 0..<m {
          let x = space.band[a].pointer
          let length = distance(x, truth, point)
          sum += own * length
          if wants { pull(x, truth, point, length, weight * own, space.gradients[a].pointer) }
          for b in 0..<a {
            let other = space.band[b].pointer
            let length = distance(x, other, point)
            sum -= 2 * pair * length
            guard wants else { continue }
            pull(x, other, point, length, -2 * weight * pair, space.gradients[a].pointer)
            pull(other, x, point, length, -2 * weight * pair, space.gradients[b].pointer)
          }
        }
      }
      loss += Double(weight * sum)
    }
    return loss
  }
}
