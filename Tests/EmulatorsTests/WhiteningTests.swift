import Basics
import Emulators
import Foundation
import Sphere
import Testing

@Suite struct WhiteningTests {
  static let grid = try? SphereGrid(.gaussian, latitudes: 24, longitudes: 48)

  static func whitening() throws -> SpectralWhitening {
    let transform = SphericalTransform<Float>(grid: try #require(grid), degrees: 16)
    let lines = (0..<3).map { c in (0..<16).map { l in Double(c + 1) / Double(1 + l) } }
    return SpectralWhitening(transform: transform, deviations: [lines, lines.map { $0.map { 2 * $0 } }])
  }

  static func dot(_ a: AlignedBuffer<Float>, _ b: AlignedBuffer<Float>) -> Double {
    zip(a.array, b.array).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  @Test func colourUndoesWhiten() throws {
    let whitening = try WhiteningTests.whitening()
    let space = whitening.makeWorkspace()
    let size = 3 * whitening.transform.grid.pointCount
    let (x, w, y) = (AlignedBuffer<Float>(size), AlignedBuffer<Float>(size), AlignedBuffer<Float>(size))
    whitening.noise(Philox(seed: 1, purpose: .test), into: x.pointer, space)
    whitening.whiten(x.pointer, set: 1, into: w.pointer, space)
    whitening.colour(w.pointer, set: 1, into: y.pointer, space)
    for i in 0..<size { #expect(abs(y.pointer[i] - x.pointer[i]) < 2e-5) }
  }

  @Test func adjoints() throws {
    let whitening = try WhiteningTests.whitening()
    let space = whitening.makeWorkspace()
    let size = 3 * whitening.transform.grid.pointCount
    let stream = Philox(seed: 2, purpose: .test)
    let (x, y) = (
      AlignedBuffer(stream.normals(size).map { Float($0) }),
      AlignedBuffer(Philox(seed: 3, purpose: .test).normals(size).map { Float($0) })
    )
    let (ax, ay) = (AlignedBuffer<Float>(size), AlignedBuffer<Float>(size))
    whitening.whiten(x.pointer, set: 0, into: ax.pointer, space)
    whitening.whitenAdjoint(y.pointer, set: 0, into: ay.pointer, space)
    let scale = (WhiteningTests.dot(ax, ax) * WhiteningTests.dot(y, y)).squareRoot()
    #expect(abs(WhiteningTests.dot(ax, y) - WhiteningTests.dot(x, ay)) < 1e-5 * scale)
    whitening.colour(x.pointer, set: 1, into: ax.pointer, space)
    whitening.colourAdjoint(y.pointer, set: 1, into: ay.pointer, space)
    #expect(
      abs(WhiteningTests.dot(ax, y) - WhiteningTests.dot(x, ay))
        < 1e-5 * (WhiteningTests.dot(ax, ax) * WhiteningTests.dot(y, y)).squareRoot())
  }

  /// Noise has variance 1 at every latitude (spec/emulators.md 3.9), and a fit to it finds deviations of 1.
  @Test func noiseIsWhiteAndIsotropic() throws {
    let whitening = try WhiteningTests.whitening()
    let (space, grid) = (whitening.makeWorkspace(), whitening.transform.grid)
    let x = AlignedBuffer<Float>(3 * grid.pointCount)
    var rows = [Double](repeating: 0, count: grid.latitudeCount)
    var fit = WhiteningFit(transform: whitening.transform, channels: 3, sets: 1)
    let count = 400
    for number in 0..<count {
      whitening.noise(Philox(seed: 4, purpose: .test, UInt64(number)), into: x.pointer, space)
      fit.add(x.pointer, set: 0, space)
      for i in 0..<3 * grid.pointCount {
        rows[i / grid.longitudeCount % grid.latitudeCount] += Double(x.pointer[i] * x.pointer[i])
      }
    }
    for row in rows { #expect(abs(row / Double(3 * count * grid.longitudeCount) - 1) < 0.13) }
    for line in fit.whitening().deviations[0] {
      for (l, value) in line.enumerated() {
        // Of (2 l + 1) x 400 squares of normals.
        #expect(abs(value - 1) < 5 / (2 * Double(2 * l + 1) * Double(count)).squareRoot())
      }
    }
  }
}
