import Basics
import Foundation
import Kernels
import Operators
import Testing

@Suite struct OperatorPropertyTests {
  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 21, purpose: .test, stream).normals(count).map { Float($0) }
  }

  func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

  /// Numbers of m <= l and of real channels only: the rest of the layout is never touched.
  func triangle(_ values: [Float], channels: Int, degrees: Int, orders: Int) -> [Float] {
    let padded = (channels + 15) / 16 * 16
    var result = values
    for l in 0..<degrees {
      for m in 0..<orders {
        for part in 0..<2 {
          for c in 0..<padded where m > l || c >= channels {
            result[((l * orders + m) * 2 + part) * padded + c] = 0
          }
        }
      }
    }
    return result
  }

  /// The transposed conjugate of every degree's matrix.
  func adjointWeights(_ w: [Float], channels c: Int, degrees: Int) -> [Float] {
    var result = w
    for l in 0..<degrees {
      for part in 0..<2 {
        for i in 0..<c {
          for o in 0..<c {
            let start = (2 * l + part) * c * c
            result[start + o * c + i] = (part == 0 ? 1 : -1) * w[start + i * c + o]
          }
        }
      }
    }
    return result
  }

  /// The convolution is linear in its input and in its weights: <A x, y> = <x, A* y> for both.
  @Test(arguments: [(3, 5, 5), (8, 12, 7), (16, 9, 9), (48, 6, 6)], [1, 2])
  func spectralConvolutionAdjoints(shape: (c: Int, l: Int, m: Int), threads: Int) {
    let (c, l, m) = shape
    let team = Team(threads: threads)
    let padded = (c + 15) / 16 * 16
    let convolution = SpectralConvolution(channels: c, degrees: l, orders: m, stride: m * 2 * padded)
    let size = m * l * 2 * padded
    let weightCount = 2 * l * c * c
    let x = AlignedBuffer(triangle(random(size, 1), channels: c, degrees: l, orders: m))
    let dy = AlignedBuffer(triangle(random(size, 2), channels: c, degrees: l, orders: m))
    let w = random(weightCount, 3)
    let y = AlignedBuffer<Float>(size)
    convolution.apply(x.pointer, w, into: y.pointer, team)
    let dx = AlignedBuffer<Float>(size)
    convolution.apply(dy.pointer, adjointWeights(w, channels: c, degrees: l), into: dx.pointer, team)
    let dw = AlignedBuffer<Float>(weightCount)
    for degree in 0..<l {
      convolution.weightGradient(degree, x.pointer, dy.pointer, into: dw.pointer, accumulate: degree % 2 == 0)
    }
    let forward = dot(y.array, dy.array)
    let scale = (dot(y.array, y.array) * dot(dy.array, dy.array)).squareRoot()
    #expect(abs(forward - dot(x.array, dx.array)) < 1e-5 * scale)
    #expect(abs(forward - dot(w, dw.array)) < 1e-5 * scale)
  }

  /// A convolution with weights that are the same for all l and m commutes with rotations; here the simplest
  /// one: W_l = identity leaves the field alone, W_l = i turns it by a quarter wave.
  @Test(arguments: [2, 16]) func identityAndQuarterTurn(c: Int) {
    let (l, m) = (4, 4)
    let convolution = SpectralConvolution(channels: c, degrees: l, orders: m, stride: m * 32)
    let x = AlignedBuffer(triangle(random(m * l * 32, 4), channels: c, degrees: l, orders: m))
    for part in 0..<2 {
      var w = [Float](repeating: 0, count: 2 * l * c * c)
      for degree in 0..<l { for k in 0..<c { w[(2 * degree + part) * c * c + k * c + k] = 1 } }
      let y = AlignedBuffer<Float>(x.count)
      convolution.apply(x.pointer, w, into: y.pointer, Team(threads: 1))
      for item in 0..<m * l {
        for k in 0..<c {
          let (re, im) = (x.pointer[item * 32 + k], x.pointer[item * 32 + 16 + k])
          #expect(y.pointer[item * 32 + k] == (part == 0 ? re : -im))
          #expect(y.pointer[item * 32 + 16 + k] == (part == 0 ? im : re))
        }
      }
    }
  }

  /// The adjoint of instance normalisation against its linearisation, worked out in double precision:
  /// J v = scale (v - mean(v) - xhat mean(xhat v)), which is symmetric.
  @Test func instanceNormAdjoint() {
    let (channels, padded, points, part) = (3, 16, 200, 64)
    var x = [Float](repeating: 0, count: points * padded)
    var (dy, v) = (x, x)
    let (a, b, c) = (random(x.count, 5), random(x.count, 6), random(x.count, 7))
    for i in x.indices where i % padded < channels { (x[i], dy[i], v[i]) = (3 * a[i] + 7, b[i], c[i]) }
    let (weight, bias) = (random(channels, 8), random(channels, 9))
    let parts = (points + part - 1) / part
    var moments = [Float](repeating: 0, count: parts * 2 * padded)
    var sums = moments
    for p in 0..<parts {
      let (start, n) = (p * part, min(part, points - p * part))
      x.withUnsafeBufferPointer { x in
        dy.withUnsafeBufferPointer { dy in
          moments.withUnsafeMutableBufferPointer { moments in
            sums.withUnsafeMutableBufferPointer { sums in
              guard let x = x.baseAddress, let dy = dy.baseAddress, let m = moments.baseAddress,
                let s = sums.baseAddress
              else { return }
              let at = start * padded
              ChannelPasses.moments(x + at, points: n, channels: padded, into: m + p * 2 * padded)
              ChannelPasses.sums(dy + at, x + at, points: n, channels: padded, into: s + p * 2 * padded)
            }
          }
        }
      }
    }
    var lines = [Float](repeating: 0, count: 4 * padded)
    InstanceNorm.merge(
      moments, partPoints: part, points: points, channels: channels, weight: weight, bias: bias, into: &lines)
    var (dWeight, dBias) = ([Float](repeating: 0, count: padded), [Float](repeating: 0, count: padded))
    var adjoint = [Float](repeating: 0, count: 3 * padded)
    InstanceNorm.adjointLines(
      lines, sums: sums, parts: parts, points: points, channels: channels, weightGradient: &dWeight,
      biasGradient: &dBias, into: &adjoint)
    for c in 0..<channels {
      func column(_ values: [Float]) -> [Double] { (0..<points).map { Double(values[$0 * padded + c]) } }
      let (xs, gs, vs) = (column(x), column(dy), column(v))
      let mean = xs.reduce(0, +) / Double(points)
      let variance = xs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(points)
      let hats = xs.map { ($0 - mean) / (variance + 1e-6).squareRoot() }
      for (i, value) in xs.enumerated() {
        let y = Double(lines[c]) * value + Double(lines[padded + c])
        #expect(abs(y - (Double(weight[c]) * hats[i] + Double(bias[c]))) < 1e-5)
      }
      let meanV = vs.reduce(0, +) / Double(points)
      let projection = zip(hats, vs).reduce(0) { $0 + $1.0 * $1.1 } / Double(points)
      let scale = Double(weight[c]) / (variance + 1e-6).squareRoot()
      let forward = gs.indices.reduce(0.0) {
        $0 + gs[$1] * scale * (vs[$1] - meanV - hats[$1] * projection)
      }
      let backward = gs.indices.reduce(0.0) {
        $0 + vs[$1]
          * (Double(adjoint[c]) * gs[$1] + Double(adjoint[padded + c]) * xs[$1]
            + Double(adjoint[2 * padded + c]))
      }
      #expect(abs(forward - backward) < 1e-5 * abs(scale) * Double(points))
      #expect(abs(Double(dWeight[c]) - zip(gs, hats).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-3)
      #expect(abs(Double(dBias[c]) - gs.reduce(0, +)) < 1e-4)
    }
  }
}
