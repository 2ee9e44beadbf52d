/// The Driscoll-Healy convolution: every degree l has one complex matrix, shared over orders m,
/// Y[l, m, out] = sum_in X[l, m, in] W[l, in, out] (spec/hens.md 1.3).
///
/// X and Y in the transform's native layout [m][l][re, im][channel], of which only m <= l is touched;
/// W as [l][re, im][in][out]. A complex product is four real ones over planes, so the weights need no
/// second copy and every product is an sgemm of [orders] x [in] x [out].
package struct SpectralConvolution {
  let channels: Int
  let degrees: Int
  let orders: Int

  package init(channels: Int, degrees: Int, orders: Int) {
    self.channels = channels
    self.degrees = degrees
    self.orders = orders
  }

  private func rows(_ l: Int) -> Int { min(l + 1, orders) }

  package func forward(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    let c = channels
    let stride = degrees * 2 * c
    for l in 0..<degrees {
      let (re, im) = (x + l * 2 * c, x + l * 2 * c + c)
      let (wr, wi) = (w + 2 * l * c * c, w + (2 * l + 1) * c * c)
      let (yr, yi) = (y + l * 2 * c, y + l * 2 * c + c)
      let n = rows(l)
      gemm(false, false, n, c, c, 1, re, stride, wr, c, 0, yr, stride)
      gemm(false, false, n, c, c, -1, im, stride, wi, c, 1, yr, stride)
      gemm(false, false, n, c, c, 1, re, stride, wi, c, 0, yi, stride)
      gemm(false, false, n, c, c, 1, im, stride, wr, c, 1, yi, stride)
    }
  }

  /// dX = dY W^H into `dx`; dW += X^H dY, with gradients as dL/dRe, dL/dIm.
  package func adjoint(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, weights dw: UnsafeMutablePointer<Float>
  ) {
    let c = channels
    let stride = degrees * 2 * c
    for l in 0..<degrees {
      let (re, im) = (x + l * 2 * c, x + l * 2 * c + c)
      let (wr, wi) = (w + 2 * l * c * c, w + (2 * l + 1) * c * c)
      let (gr, gi) = (dy + l * 2 * c, dy + l * 2 * c + c)
      let (xr, xi) = (dx + l * 2 * c, dx + l * 2 * c + c)
      let (vr, vi) = (dw + 2 * l * c * c, dw + (2 * l + 1) * c * c)
      let n = rows(l)
      gemm(false, true, n, c, c, 1, gr, stride, wr, c, 0, xr, stride)
      gemm(false, true, n, c, c, 1, gi, stride, wi, c, 1, xr, stride)
      gemm(false, true, n, c, c, 1, gi, stride, wr, c, 0, xi, stride)
      gemm(false, true, n, c, c, -1, gr, stride, wi, c, 1, xi, stride)
      gemm(true, false, c, c, n, 1, re, stride, gr, stride, 1, vr, c)
      gemm(true, false, c, c, n, 1, im, stride, gi, stride, 1, vr, c)
      gemm(true, false, c, c, n, 1, re, stride, gi, stride, 1, vi, c)
      gemm(true, false, c, c, n, -1, im, stride, gr, stride, 1, vi, c)
    }
  }
}
