import Foundation

/// The passes over points that BLAS does not do, sixteen numbers at a time.
///
/// GELU is the exact one, x Phi(x), with erf from a rational approximation (the coefficients of
/// Eigen and XLA); measured against libm over [-12, 12]: absolute error below 5e-7 of max(1, |x|).
package enum PointwiseKernels {
  typealias V = SIMD16<Float>

  @inline(__always) static func load(_ pointer: UnsafePointer<Float>) -> V {
    UnsafeRawPointer(pointer).loadUnaligned(as: V.self)
  }
  @inline(__always) static func store(_ value: V, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: V.self)
  }

  /// x within bounds, NaN as it is. The library's `clamped` goes lane by lane through memory, which took
  /// half the time of a forward pass; masks stay in registers.
  @inline(__always) static func limited(_ x: V, _ low: Float, _ high: Float) -> V {
    let (low, high) = (V(repeating: low), V(repeating: high))
    let raised = x.replacing(with: low, where: x .< low)
    return raised.replacing(with: high, where: raised .> high)
  }

  /// erf(x), |error| < 3e-7.
  @inline(__always) static func erf(_ x: V) -> V {
    let z = limited(x, -4, 4)
    let y = z * z
    var p = V(repeating: -2.72614225801306e-10)
    p = V(repeating: 2.77068142495902e-08).addingProduct(p, y)
    p = V(repeating: -2.10102402082508e-06).addingProduct(p, y)
    p = V(repeating: -5.69250639462346e-05).addingProduct(p, y)
    p = V(repeating: -7.34990630326855e-04).addingProduct(p, y)
    p = V(repeating: -2.95459980854025e-03).addingProduct(p, y)
    p = V(repeating: -1.60960333262415e-02).addingProduct(p, y)
    var q = V(repeating: -1.45660718464996e-05)
    q = V(repeating: -2.13374055278905e-04).addingProduct(q, y)
    q = V(repeating: -1.68282697438203e-03).addingProduct(q, y)
    q = V(repeating: -7.37332916720468e-03).addingProduct(q, y)
    q = V(repeating: -1.42647390514189e-02).addingProduct(q, y)
    return z * p / q
  }

  /// exp(x) for x <= 0; 0 below -87. Relative error below 2e-7.
  @inline(__always) static func expNegative(_ x: V) -> V {
    let t = limited(x, -87, 0)
    let magic = V(repeating: 12_582_912)  // 1.5 * 2^23: adding it rounds to a whole number
    let shifted = magic.addingProduct(t, V(repeating: 1.442695041))
    let n = shifted - magic
    var r = t.addingProduct(n, V(repeating: -0.693359375))
    r = r.addingProduct(n, V(repeating: 2.12194440e-4))
    var p = V(repeating: 1.9875691500e-4)
    p = V(repeating: 1.3981999507e-3).addingProduct(p, r)
    p = V(repeating: 8.3334519073e-3).addingProduct(p, r)
    p = V(repeating: 4.1665795894e-2).addingProduct(p, r)
    p = V(repeating: 1.6666665459e-1).addingProduct(p, r)
    p = V(repeating: 5.0000001201e-1).addingProduct(p, r)
    let e = (r + V(repeating: 1)).addingProduct(r * r, p)
    let bits = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23
    let scaled = unsafeBitCast(e, to: SIMD16<UInt32>.self) &+ bits
    return unsafeBitCast(scaled, to: V.self)
  }

  @inline(__always) static func gelu(_ x: V) -> V {
    let half = x * 0.5
    return half.addingProduct(half, erf(x * 0.70710678118654752))
  }

  /// GELU and its derivative Phi(x) + x phi(x).
  @inline(__always) static func geluWithSlope(_ x: V) -> (V, V) {
    let cdf = V(repeating: 0.5).addingProduct(V(repeating: 0.5), erf(x * 0.70710678118654752))
    let pdf = expNegative(x * x * -0.5) * 0.3989422804014327
    return (x * cdf, cdf.addingProduct(x, pdf))
  }

  /// y_i = gelu(a x_i + b).
  package static func affineGelu(
    _ x: UnsafePointer<Float>, _ a: Float, _ b: Float, _ count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let (va, vb) = (V(repeating: a), V(repeating: b))
    var i = 0
    while i + 16 <= count {
      store(gelu(vb.addingProduct(load(x + i), va)), y + i)
      i += 16
    }
    while i < count {
      y[i] = gelu(V(repeating: b + x[i] * a))[0]
      i += 1
    }
  }

  /// y_i = gelu(a x_i + b) and d_i *= gelu'(a x_i + b).
  package static func affineGeluAdjoint(
    _ x: UnsafePointer<Float>, _ a: Float, _ b: Float, _ count: Int, into y: UnsafeMutablePointer<Float>,
    _ d: UnsafeMutablePointer<Float>
  ) {
    let (va, vb) = (V(repeating: a), V(repeating: b))
    var i = 0
    while i + 16 <= count {
      let (value, slope) = geluWithSlope(vb.addingProduct(load(x + i), va))
      store(value, y + i)
      store(load(d + i) * slope, d + i)
      i += 16
    }
    while i < count {
      let (value, slope) = geluWithSlope(V(repeating: b + x[i] * a))
      y[i] = value[0]
      d[i] *= slope[0]
      i += 1
    }
  }

  /// d_i *= gelu'(a x_i + b), returning the sums of d and of d times x, over `count` points.
  static func geluSlope(
    _ x: UnsafePointer<Float>, _ a: Float, _ b: Float, _ count: Int, _ d: UnsafeMutablePointer<Float>
  ) -> (sum: Float, product: Float) {
    let (va, vb) = (V(repeating: a), V(repeating: b))
    var (sum, product) = (V.zero, V.zero)
    var i = 0
    while i + 16 <= count {
      let vx = load(x + i)
      let (_, slope) = geluWithSlope(vb.addingProduct(vx, va))
      let value = load(d + i) * slope
      store(value, d + i)
      sum += value
      product = product.addingProduct(value, vx)
      i += 16
    }
    var (s, p) = (sum.sum(), product.sum())
    while i < count {
      d[i] *= geluWithSlope(V(repeating: b + x[i] * a)).1[0]
      s += d[i]
      p += d[i] * x[i]
      i += 1
    }
    return (s, p)
  }

  /// y_i = a x_i + b.
  static func affine(
    _ x: UnsafePointer<Float>, _ a: Float, _ b: Float, _ count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let (va, vb) = (V(repeating: a), V(repeating: b))
    var i = 0
    while i + 16 <= count {
      store(vb.addingProduct(load(x + i), va), y + i)
      i += 16
    }
    while i < count {
      y[i] = b + x[i] * a
      i += 1
    }
  }

  /// y_i = a x_i + b z_i + c.
  static func combine(
    _ x: UnsafePointer<Float>, _ a: Float, _ z: UnsafePointer<Float>, _ b: Float, _ c: Float, _ count: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (va, vb, vc) = (V(repeating: a), V(repeating: b), V(repeating: c))
    var i = 0
    while i + 16 <= count {
      store(vc.addingProduct(load(z + i), vb).addingProduct(load(x + i), va), y + i)
      i += 16
    }
    while i < count {
      y[i] = c + z[i] * b + x[i] * a
      i += 1
    }
  }

  /// y_i += x_i.
  static func add(_ x: UnsafePointer<Float>, _ count: Int, to y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + 16 <= count {
      store(load(y + i) + load(x + i), y + i)
      i += 16
    }
    while i < count {
      y[i] += x[i]
      i += 1
    }
  }

  /// Sum of x_i, in sixteen partial sums.
  static func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var total = V.zero
    var i = 0
    while i + 16 <= count {
      total += load(x + i)
      i += 16
    }
    var result = total.sum()
    while i < count {
      result += x[i]
      i += 1
    }
    return result
  }

  /// Sums of x_i and x_i z_i.
  static func sums(_ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ count: Int) -> (Float, Float) {
    var (sum, product) = (V.zero, V.zero)
    var i = 0
    while i + 16 <= count {
      let vx = load(x + i)
      sum += vx
      product = product.addingProduct(vx, load(z + i))
      i += 16
    }
    var (s, p) = (sum.sum(), product.sum())
    while i < count {
      s += x[i]
      p += x[i] * z[i]
      i += 1
    }
    return (s, p)
  }

  /// Mean and biased variance of a channel.
  ///
  /// One pass about a point near the mean (the average of sixteen spread values), so that nothing cancels;
  /// blocks of 4096 are summed in float, the blocks in double.
  static func moments(_ x: UnsafePointer<Float>, _ count: Int) -> (mean: Double, variance: Double) {
    var near: Float = 0
    let stride = max(1, count / 16)
    for i in 0..<16 { near += x[min(i * stride, count - 1)] }
    near /= 16
    let origin = V(repeating: near)
    var (first, second) = (0.0, 0.0)
    var start = 0
    while start < count {
      let end = min(count, start + 4096)
      var (s, q) = (V.zero, V.zero)
      var i = start
      while i + 16 <= end {
        let d = load(x + i) - origin
        s += d
        q = q.addingProduct(d, d)
        i += 16
      }
      first += Double(s.sum())
      second += Double(q.sum())
      while i < end {
        let d = Double(x[i] - near)
        first += d
        second += d * d
        i += 1
      }
      start = end
    }
    let shift = first / Double(count)
    return (Double(near) + shift, max(0, second / Double(count) - shift * shift))
  }
}
