import Basics
import Kernels

/// The Driscoll-Healy convolution: every degree l has one complex matrix, shared over orders m,
/// Y[l, m, out] = sum_in X[l, m, in] W[l, in, out] (spec/hens.md 1.3).
///
/// X and Y as `ChannelTransform` lays coefficients out, [l][m][re, im][channel padded], of which only
/// m <= l is touched; W as [l][re, im][in][out]. Degrees are shared out over the team.
package struct SpectralConvolution: Sendable {
  let channels: Int
  let degrees: Int
  let orders: Int
  /// Numbers from one degree to the next.
  let stride: Int

  package init(channels: Int, degrees: Int, orders: Int, stride: Int) {
    (self.channels, self.degrees, self.orders, self.stride) = (channels, degrees, orders, stride)
  }

  private var padded: Int { ChannelPadding.padded(channels) }
  private func rows(_ l: Int) -> Int { min(l + 1, orders) }

  private func planes(_ x: UnsafePointer<Float>, _ l: Int) -> ComplexProduct.Planes {
    let start = x + l * stride
    return .init(re: start, im: start + padded, row: 2 * padded)
  }

  /// Whether a degree's weights leave room in the second-level cache for the next one's.
  private var prefetches: Bool { channels <= 256 }

  /// A block's weights as `apply` reads them.
  package struct Weights {
    /// [l][re, im][in][out].
    let start: UnsafePointer<Float>
    /// Every degree's as products of this precision read them, `words` each; not read where `words` is 0.
    var parts: UnsafePointer<UInt32>?
    var words = 0
    var precision = ProductPrecision.highest

    /// Of one degree, a matrix [re, im][in][out].
    func matrix(_ l: Int, channels: Int) -> PreparedMatrix {
      let place = start + 2 * l * channels * channels
      guard let parts, words > 0 else { return PreparedMatrix(lying: place, row: channels) }
      return PreparedMatrix(
        place, row: channels, depth: 2 * channels, columns: channels, parts: parts + l * words,
        precision: precision)
    }
  }

  /// `apply` with weights [l][re, im][in][out] as they lie, in single precision.
  package func apply(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, _ team: Team
  ) { apply(x, Weights(start: w), into: y, team) }

  /// Y = X W; with the transposed conjugate weights, dX = dY W^H.
  package func apply(
    _ x: UnsafePointer<Float>, _ w: Weights, into y: UnsafeMutablePointer<Float>, _ team: Team
  ) {
    team.each(degrees) { index, _ in
      let l = self.degrees - 1 - index  // the largest first, so that threads end together
      let target = y + l * self.stride
      ComplexProduct.run(
        rows: self.rows(l), columns: self.channels, depth: self.channels, self.planes(x, l),
        w.matrix(l, channels: self.channels), target, target + self.padded, cRow: 2 * self.padded,
        ahead: w.words > 0 ? nil : self.nextWeights(w.start, l - team.threads))
    }
  }

  private func nextWeights(_ w: UnsafePointer<Float>, _ l: Int) -> Prefetch? {
    guard prefetches, l >= 0 else { return nil }
    return Prefetch(
      w + 2 * l * channels * channels, rows: 2 * channels, width: channels / 16 * 16, stride: channels)
  }

  /// One degree's dW = or += X^H dY, with gradients as dL/dRe, dL/dIm.
  /// - Parameter next: the X and dY of the next call with this degree.
  package func weightGradient(
    _ l: Int, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, into dw: UnsafeMutablePointer<Float>,
    accumulate: Bool, next: (x: UnsafePointer<Float>, dy: UnsafePointer<Float>)? = nil
  ) {
    let size = channels * channels
    let x = planes(x, l)
    let target = dw + 2 * l * size
    ComplexProduct.run(
      rows: channels, columns: channels, depth: rows(l),
      .init(re: x.re, im: x.im, row: 1, column: x.row), conjugate: true, planes(dy, l), target,
      target + size, cRow: channels, accumulate: accumulate,
      ahead: next.map {
        Prefetch(
          $0.x + l * stride, and: $0.dy + l * stride, rows: rows(l), width: 2 * padded, stride: 2 * padded)
      })
  }
}
