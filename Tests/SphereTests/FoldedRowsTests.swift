import Basics
import Sphere
import Testing

/// Rows of a length divisible by 4 are folded by symmetry before their Fourier sum; others are not.
@Suite struct FoldedRowsTests {
  /// A field of one harmonic has one coefficient, at every length of row, folded (64, 96) or not (63, 90),
  /// up to the Nyquist order, where the sine vanishes on the grid.
  @Test(arguments: [12, 63, 64, 90, 96]) func oneWaveHasOneOrder(columns: Int) throws {
    let grid = try SphereGrid(.gaussian, latitudes: 24, longitudes: columns)
    let transform = SphericalTransform<Double>(grid: grid, degrees: 24)
    for m in 0..<transform.orders where 2 * m < columns {
      var spectrum = [Double](repeating: 0, count: transform.coefficientCount(1))
      let place = ((transform.degrees - 1) * transform.orders + m) * 2
      spectrum[place] = 0.7
      if m > 0 { spectrum[place + 1] = -0.4 }
      let back = transform.forward(transform.inverse(spectrum, count: 1), count: 1)
      for (found, expected) in zip(back, spectrum) { #expect(abs(found - expected) < 1e-13) }
    }
  }

  /// A workspace made for a fine grid serves a coarser one, with as many fields: that is how a network's
  /// inner grid uses it. More rows than one tile, and rows that fill no whole tile.
  @Test(arguments: [(96, 48), (97, 48), (180, 60), (480, 96)])
  func aWorkspaceServesACoarserGrid(fine: Int, coarse: Int) throws {
    let fields = 64
    let outer = SphericalTransform<Float>(
      grid: try SphereGrid(.gaussian, latitudes: 48, longitudes: fine), degrees: 24)
    let inner = SphericalTransform<Float>(
      grid: try SphereGrid(.gaussian, latitudes: 24, longitudes: coarse), degrees: 24)
    let values = Philox(seed: 5, purpose: .test).normals(fields * inner.grid.pointCount).map { Float($0) }
    let expected = inner.truncate(values, count: fields)
    let space = outer.makeWorkspace(fields)
    let input = AlignedBuffer(values)
    let spectrum = AlignedBuffer<Float>(inner.coefficientCount(fields))
    let output = AlignedBuffer<Float>(values.count)
    inner.forward(input.pointer, count: fields, into: spectrum.pointer, space)
    inner.inverse(spectrum.pointer, count: fields, into: output.pointer, space)
    #expect(output.array == expected)
  }
}
