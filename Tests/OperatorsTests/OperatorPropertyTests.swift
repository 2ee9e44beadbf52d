import Basics
import Foundation
import Operators
import Testing

@Suite struct OperatorPropertyTests {
  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 21, purpose: .test, stream).normals(count).map { Float($0) }
  }

  func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

  /// Numbers of m <= l only: the rest of the native layout is never touched.
  func triangle(_ values: [Float], channels: Int, degrees: Int, orders: Int) -> [Float] {
    var result = values
    for m in 0..<orders {
      for l in 0..<min(m, degrees) {
        for i in 0..<2 * channels { result[(m * degrees + l) * 2 * channels + i] = 0 }
      }
    }
    return result
  }

  /// The convolution is linear in its input and in its weights: <A x, y> = <x, A* y> for both.
  @Test(arguments: [(3, 5, 5), (8, 12, 7)]) func spectralConvolutionAdjoints(c: Int, l: Int, m: Int) {
    let convolution = SpectralConvolution(channels: c, degrees: l, orders: m)
    let size = m * l * 2 * c
    let weightCount = 2 * l * c * c
    let x = triangle(random(size, 1), channels: c, degrees: l, orders: m)
    let dy = triangle(random(size, 2), channels: c, degrees: l, orders: m)
    let w = random(weightCount, 3)
    var y = [Float](repeating: 0, count: size)
    convolution.forward(x, w, into: &y)
    var dx = [Float](repeating: 0, count: size)
    var dw = [Float](repeating: 0, count: weightCount)
    convolution.adjoint(x, w, dy, into: &dx, weights: &dw)
    let forward = dot(y, dy)
    let scale = (dot(y, y) * dot(dy, dy)).squareRoot()
    #expect(abs(forward - dot(x, dx)) < 1e-5 * scale)
    #expect(abs(forward - dot(w, dw)) < 1e-5 * scale)
  }

  /// A convolution with weights that are the same for all l and m commutes with rotations; here the simplest
  /// one: W_l = identity leaves the field alone, W_l = i turns it by a quarter wave.
  @Test func identityAndQuarterTurn() {
    let (c, l, m) = (2, 4, 4)
    let convolution = SpectralConvolution(channels: c, degrees: l, orders: m)
    let x = triangle(random(m * l * 2 * c, 4), channels: c, degrees: l, orders: m)
    for part in 0..<2 {
      var w = [Float](repeating: 0, count: 2 * l * c * c)
      for degree in 0..<l { for k in 0..<c { w[(2 * degree + part) * c * c + k * c + k] = 1 } }
      var y = [Float](repeating: 0, count: x.count)
      convolution.forward(x, w, into: &y)
      for item in 0..<m * l {
        for k in 0..<c {
          let (re, im) = (x[item * 2 * c + k], x[item * 2 * c + c + k])
          #expect(y[item * 2 * c + k] == (part == 0 ? re : -im))
          #expect(y[item * 2 * c + c + k] == (part == 0 ? im : re))
        }
      }
    }
  }

  /// The adjoint of instance normalisation against its linearisation, worked out in double precision:
  /// J v = scale (v - mean(v) - xhat mean(xhat v)), which is symmetric.
  @Test func instanceNormAdjoint() {
    let (channels, points) = (3, 200)
    let x = random(channels * points, 5).map { 3 * $0 + 7 }
    let (dy, v) = (random(channels * points, 6), random(channels * points, 7))
    let (weight, bias) = (random(channels, 8), random(channels, 9))
    var lines = [Float](repeating: 0, count: 4 * channels)
    InstanceNorm.measure(x, channels: channels, points: points, weight: weight, bias: bias, into: &lines)
    var (dWeight, dBias) = ([Float](repeating: 0, count: channels), [Float](repeating: 0, count: channels))
    for c in 0..<channels {
      let range = c * points..<(c + 1) * points
      let (xs, gs, vs) = (x[range].map(Double.init), dy[range].map(Double.init), v[range].map(Double.init))
      let mean = xs.reduce(0, +) / Double(points)
      let variance = xs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(points)
      let hats = xs.map { ($0 - mean) / (variance + 1e-6).squareRoot() }
      for (i, value) in xs.enumerated() {
        let y = Double(lines[c]) * value + Double(lines[channels + c])
        #expect(abs(y - (Double(weight[c]) * hats[i] + Double(bias[c]))) < 1e-5)
      }
      let line = InstanceNorm.adjointLine(
        lines, channel: c, channels: channels, points: points, sum: gs.reduce(0, +),
        product: zip(gs, xs).reduce(0) { $0 + $1.0 * $1.1 }, weightGradient: &dWeight, biasGradient: &dBias)
      let meanV = vs.reduce(0, +) / Double(points)
      let projection = zip(hats, vs).reduce(0) { $0 + $1.0 * $1.1 } / Double(points)
      let scale = Double(weight[c]) / (variance + 1e-6).squareRoot()
      let forward = zip(gs.indices, gs).reduce(0.0) {
        $0 + $1.1 * scale * (vs[$1.0] - meanV - hats[$1.0] * projection)
      }
      let backward = zip(gs.indices, gs).reduce(0.0) {
        $0 + vs[$1.0] * (Double(line.a) * $1.1 + Double(line.b) * xs[$1.0] + Double(line.c))
      }
      #expect(abs(forward - backward) < 1e-5 * abs(scale) * Double(points))
      #expect(abs(Double(dWeight[c]) - zip(gs, hats).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-3)
    }
  }

  /// GELU and its slope against libm in double precision, tails and all.
  @Test func geluAndItsSlope() {
    let count = 4001
    let x = (0..<count).map { Float(-12 + 24 * Double($0) / Double(count - 1)) }
    var y = [Float](repeating: 0, count: count)
    PointwiseKernels.affineGelu(x, 1, 0, count, into: &y)
    var again = y
    var slope = [Float](repeating: 1, count: count)
    PointwiseKernels.affineGeluAdjoint(x, 1, 0, count, into: &again, &slope)
    for i in 0..<count {
      let value = Double(x[i])
      let cdf = 0.5 * erfc(-value / 2.0.squareRoot())
      let pdf = exp(-value * value / 2) / (2 * Double.pi).squareRoot()
      #expect(abs(Double(y[i]) - value * cdf) < 5e-7 * max(1, abs(value)))
      #expect(abs(Double(slope[i]) - (cdf + value * pdf)) < 1e-6)
    }
    // NaN is not swallowed by the bounds.
    PointwiseKernels.affineGelu([Float.nan] + x.prefix(15), 1, 0, 16, into: &y)
    #expect(y[0].isNaN)
  }
}
