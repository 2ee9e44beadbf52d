import Basics
import Foundation
import Kernels
import Sphere
import Testing

/// The network's transform against the plain one, and each map against its transpose, on grids that take
/// every path: folded rows and FFTW, with and without an equator, fewer orders than degrees.
@Suite struct ChannelTransformTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let kind: SphereGrid.Kind
    let rows, columns, degrees, orders: Int
    var testDescription: String { "\(kind) \(rows) x \(columns), l < \(degrees), m < \(orders)" }
  }

  static let cases = [
    Case(kind: .gaussian, rows: 16, columns: 32, degrees: 16, orders: 16),
    Case(kind: .gaussian, rows: 15, columns: 32, degrees: 11, orders: 7),
    Case(kind: .equiangular, rows: 33, columns: 64, degrees: 16, orders: 16),
    Case(kind: .equiangular, rows: 12, columns: 24, degrees: 12, orders: 13),
    Case(kind: .gaussian, rows: 16, columns: 30, degrees: 12, orders: 12),
    Case(kind: .equiangular, rows: 13, columns: 18, degrees: 6, orders: 10),
    Case(kind: .gaussian, rows: 100, columns: 240, degrees: 100, orders: 100),
    Case(kind: .equiangular, rows: 9, columns: 8, degrees: 5, orders: 5),
  ]

  let channels = 32
  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 41, purpose: .test, stream).normals(count).map { Float($0) }
  }
  func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

  func plan(_ c: Case) throws -> (SphereGrid, ChannelTransform) {
    let grid = try SphereGrid(c.kind, latitudes: c.rows, longitudes: c.columns)
    return (grid, ChannelTransform(grid: grid, degrees: c.degrees, orders: c.orders, channels: channels))
  }

  /// Random numbers in the rows (l, m) with m <= l alone.
  func spectrum(_ t: ChannelTransform, _ stream: UInt64) -> AlignedBuffer<Float> {
    let values = random(t.spectrumCount, stream)
    let result = AlignedBuffer<Float>(t.spectrumCount)
    for l in 0..<t.degrees {
      for m in 0..<min(l + 1, t.orders) {
        let start = t.spectrumOffset(l, m)
        for i in start..<start + 2 * channels { result.pointer[i] = values[i] }
      }
    }
    return result
  }

  @Test(arguments: cases) func agreesWithThePlainTransform(c: Case) throws {
    let (grid, transform) = try plan(c)
    let plain = SphericalTransform<Double>(grid: grid, degrees: c.degrees, orders: c.orders)
    let points = grid.pointCount
    let fields = AlignedBuffer(random(points * channels, 1))
    let space = transform.makeWorkspace(threads: 1)
    let found = AlignedBuffer<Float>(transform.spectrumCount)
    transform.forward(fields.pointer, into: found.pointer, space)
    for channel in [0, 17] {
      let field = (0..<points).map { Double(fields.pointer[$0 * channels + channel]) }
      let expected = plain.forward(field, count: 1)
      let scale = expected.map { abs($0) }.max() ?? 1
      for l in 0..<transform.degrees {
        for m in 0..<min(l + 1, transform.orders) {
          let row = transform.spectrumOffset(l, m) + channel
          let at = (l * plain.orders + m) * 2
          #expect(abs(Double(found.pointer[row]) - expected[at]) < 3e-6 * scale)
          #expect(abs(Double(found.pointer[row + channels]) - expected[at + 1]) < 3e-6 * scale)
        }
      }
    }
    let coefficients = spectrum(transform, 2)
    let back = AlignedBuffer<Float>(points * channels)
    let moments = AlignedBuffer<Float>(c.rows * 2 * channels)
    transform.inverse(coefficients.pointer, into: back.pointer, moments: moments.pointer, space)
    for channel in [3, 31] {
      var input = [Double](repeating: 0, count: plain.coefficientCount(1))
      for l in 0..<transform.degrees {
        for m in 0..<min(l + 1, transform.orders) {
          let row = transform.spectrumOffset(l, m) + channel
          input[(l * plain.orders + m) * 2] = Double(coefficients.pointer[row])
          input[(l * plain.orders + m) * 2 + 1] = Double(coefficients.pointer[row + channels])
        }
      }
      let expected = plain.inverse(input, count: 1)
      let scale = expected.map { abs($0) }.max() ?? 1
      for p in 0..<points {
        #expect(abs(Double(back.pointer[p * channels + channel]) - expected[p]) < 3e-6 * scale)
      }
      for row in 0..<c.rows {
        let values = expected[row * c.columns..<(row + 1) * c.columns]
        let mean = values.reduce(0, +) / Double(c.columns)
        #expect(abs(Double(moments.pointer[row * 2 * channels + channel]) - mean) < 1e-5 * scale)
      }
    }
  }

  @Test(arguments: cases) func transposesAreTransposes(c: Case) throws {
    let (grid, transform) = try plan(c)
    let space = transform.makeWorkspace(threads: 1)
    let x = AlignedBuffer(random(grid.pointCount * channels, 3))
    let y = spectrum(transform, 4)
    let forward = AlignedBuffer<Float>(transform.spectrumCount)
    let back = AlignedBuffer<Float>(x.count)
    for isForward in [true, false] {
      if isForward {
        transform.forward(x.pointer, into: forward.pointer, space)
        transform.forwardAdjoint(y.pointer, into: back.pointer, space)
      } else {
        transform.inverseAdjoint(x.pointer, into: forward.pointer, space)
        transform.inverse(y.pointer, into: back.pointer, space)
      }
      // Imaginary parts that no real field has are no part of the map either way.
      let (ax, yy) = (forward.array, y.array)
      let scale =
        (dot(ax, ax) * dot(yy, yy)).squareRoot()
        + (dot(back.array, back.array) * dot(x.array, x.array)).squareRoot()
      #expect(abs(dot(ax, yy) - dot(x.array, back.array)) < 1e-5 * scale)
    }
  }

  /// Adding to a field is writing and adding; the team changes no bit.
  @Test(arguments: cases) func accumulatesAndShares(c: Case) throws {
    let (grid, transform) = try plan(c)
    let y = spectrum(transform, 5)
    let start = random(grid.pointCount * channels, 6)
    let alone = AlignedBuffer<Float>(start.count)
    transform.forwardAdjoint(y.pointer, into: alone.pointer, transform.makeWorkspace(threads: 1))
    let added = AlignedBuffer(start)
    transform.forwardAdjoint(
      y.pointer, into: added.pointer, accumulate: true, transform.makeWorkspace(threads: 1))
    for i in start.indices { #expect(abs(added.pointer[i] - (start[i] + alone.pointer[i])) < 1e-4) }
    let together = AlignedBuffer<Float>(start.count)
    transform.forwardAdjoint(y.pointer, into: together.pointer, transform.makeWorkspace(threads: 3))
    #expect(together.array == alone.array)
    let (one, three) = (
      AlignedBuffer<Float>(transform.spectrumCount), AlignedBuffer<Float>(transform.spectrumCount)
    )
    transform.forward(alone.pointer, into: one.pointer, transform.makeWorkspace(threads: 1))
    transform.forward(alone.pointer, into: three.pointer, transform.makeWorkspace(threads: 3))
    #expect(one.array == three.array)
  }
}
