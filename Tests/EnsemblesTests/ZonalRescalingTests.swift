import Basics
import Ensembles
import Foundation
import Sphere
import Testing

@Suite struct ZonalRescalingTests {
  func zonalSizes(_ values: ArraySlice<Float>, _ grid: SphereGrid) -> [Double] {
    let (values, columns) = (Array(values), grid.longitudeCount)
    return (0..<grid.latitudeCount).map { row in
      let squares = (0..<columns).map { pow(Double(values[row * columns + $0]), 2) }
      return (squares.reduce(0, +) / Double(columns)).squareRoot()
    }
  }

  /// Sizes that differ from pole to pole twentyfold, but slowly, come out as one (short of 1.5 %: squares of an
  /// exponential, smoothed).
  @Test(arguments: [SphereGrid.Kind.gaussian, .equiangular], [48, 91])
  func everyLatitudeGetsItsSize(kind: SphereGrid.Kind, rows: Int) throws {
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: 2 * rows)
    let noise = GaussianRandomField(grid: grid, lengthScaleKilometres: 300)
    let values: [Float] = (0..<2).flatMap { (channel: Int) -> [Float] in
      noise.sample(Philox(seed: 5, purpose: .test, UInt64(channel))).enumerated().map {
        (i: Int, x: Float) -> Float in
        let size = Float(exp(grid.latitudes[i / (2 * rows)] / 60))
        return channel == 0 ? x * size : -7 * x * size
      }
    }
    var rescaled = values
    ZonalRescaling(grid: grid).apply(to: &rescaled, amplitudes: [3, 0.01])
    for (channel, amplitude) in [3, 0.01].enumerated() {
      let range = channel * grid.pointCount..<(channel + 1) * grid.pointCount
      let sizes = zonalSizes(rescaled[range], grid)
      // Noise of one latitude differs from its neighbours; so do the polar rows, where it is a single number.
      for (size, latitude) in zip(sizes, grid.latitudes) where abs(latitude) < 60 {
        #expect(size > 0.5 * amplitude && size < 2 * amplitude, "\(latitude)")
      }
      var mean = 0.0
      for (size, weight) in zip(sizes, grid.areaWeights) { mean += size * size * weight / Double(rows) }
      #expect(abs(mean.squareRoot() / amplitude - 1) < 0.05)
    }
    // Within a row nothing but the size changes.
    for i in stride(from: 0, to: values.count - 1, by: 7) where (i + 1) % (2 * rows) != 0 {
      let (before, after) = (values[i] * rescaled[i + 1], values[i + 1] * rescaled[i])
      #expect(abs(before - after) <= 1e-5 * abs(before))
    }
  }

  /// The same size everywhere is a fixed point, whatever it was before; the sign and the scale do not matter.
  @Test func aFieldOfOneSizeOnlyChangesThat() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 48, longitudes: 96)
    let wave: [Float] = (0..<grid.pointCount).map { 4 * Float(cos(2 * Double.pi * 5 * Double($0 % 96) / 96)) }
    let root = Float(2.0.squareRoot())
    for scale: Float in [1, -0.001, 1e6] {
      var rescaled = wave.map { $0 * scale }
      ZonalRescaling(grid: grid).apply(to: &rescaled, amplitudes: [2])
      let sign: Float = scale < 0 ? -1 : 1
      for (x, y) in zip(rescaled, wave) { #expect(abs(x - sign * y / 2 * root) < 1e-5) }
    }
  }

  @Test func nothingStaysNothing() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 32)
    var zeros = [Float](repeating: 0, count: grid.pointCount)
    ZonalRescaling(grid: grid).apply(to: &zeros, amplitudes: [5])
    #expect(zeros.allSatisfy { $0 == 0 })
  }
}
