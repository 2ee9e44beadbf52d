import Basics
import Foundation
import Kernels
import Testing

@Suite struct ChannelPassesTests {
  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 32, purpose: .test, stream).normals(count).map { Float($0) }
  }

  /// GELU and its slope against libm in double precision, tails and all.
  @Test func geluAndItsSlope() {
    let count = 4016
    let x = (0..<count).map { Float(-12 + 24 * Double($0) / Double(count - 1)) }
    let (one, zero) = ([Float](repeating: 1, count: 16), [Float](repeating: 0, count: 16))
    var y = [Float](repeating: 0, count: count)
    var (again, slope) = (y, y)
    let points = count / 16
    ChannelPasses.affineGELU(x, points: points, channels: 16, scale: one, shift: zero, into: &y)
    ChannelPasses.affineGELUWithSlope(
      x, points: points, channels: 16, scale: one, shift: zero, into: &again, slope: &slope)
    #expect(y == again)
    for i in 0..<count {
      let value = Double(x[i])
      let cdf = 0.5 * erfc(-value / 2.0.squareRoot())
      let pdf = exp(-value * value / 2) / (2 * Double.pi).squareRoot()
      #expect(abs(Double(y[i]) - value * cdf) < 3e-7 * max(1, abs(value)))
      #expect(abs(Double(slope[i]) - (cdf + value * pdf)) < 1e-6)
    }
    // NaN is not swallowed by the bounds.
    ChannelPasses.affineGELU(
      [Float.nan] + x.prefix(15), points: 1, channels: 16, scale: one, shift: zero, into: &y)
    #expect(y[0].isNaN)
  }

  /// Means and squares of a channel with a large offset, to the rounding of the values themselves.
  @Test func momentsDoNotCancel() {
    let (points, channels) = (96, 32)
    let x = random(points * channels, 1).map { 5000 + $0 }
    var moments = [Float](repeating: 0, count: 2 * channels)
    ChannelPasses.moments(x, points: points, channels: channels, into: &moments)
    for c in 0..<channels {
      let values = (0..<points).map { Double(x[$0 * channels + c]) }
      let mean = values.reduce(0, +) / Double(points)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      #expect(abs(Double(moments[c]) - mean) < 1e-2)
      #expect(abs(Double(moments[channels + c]) - squares) < 0.01 * squares)
    }
  }

  /// The adjoint pass multiplies by the slope and sums; two calls add up.
  @Test func biasAdjointSumsTwice() {
    let (points, channels) = (10, 32)
    let (x, bias) = (random(points * channels, 2), random(channels, 3))
    let d = random(points * channels, 4)
    var (y, twice, sums) = (x, d, [Float](repeating: 0, count: channels))
    for _ in 0..<2 {
      twice = d
      ChannelPasses.biasGELUAdjoint(
        x, points: points, channels: channels, bias: bias, into: &y, &twice, addingTo: &sums)
    }
    for c in 0..<channels {
      var sum = 0.0
      for p in 0..<points {
        let z = Double(x[p * channels + c]) + Double(bias[c])
        let cdf = 0.5 * erfc(-z / 2.0.squareRoot())
        let slope = cdf + z * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
        sum += Double(d[p * channels + c]) * slope
        #expect(abs(Double(y[p * channels + c]) - z * cdf) < 1e-6)
      }
      #expect(abs(Double(sums[c]) - 2 * sum) < 1e-5)
    }
  }

  @Test func interleavingThereAndBack() {
    let (points, channels, padded) = (7, 20, 32)
    let x = random(channels * points, 5)
    var rows = [Float](repeating: 9, count: points * padded)
    ChannelPasses.interleave(
      x, stride: points, channels: channels, points: points, padded: padded, into: &rows)
    for p in 0..<points {
      for c in 0..<padded { #expect(rows[p * padded + c] == (c < channels ? x[c * points + p] : 0)) }
    }
    var back = [Float](repeating: 0, count: x.count)
    ChannelPasses.separate(
      rows, stride: points, channels: channels, points: points, padded: padded, into: &back)
    #expect(back == x)
  }
}
