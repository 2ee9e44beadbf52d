import Basics
import Foundation
import Sphere
import Testing

/// Properties that hold for every grid and both precisions.
@Suite struct TransformPropertyTests {
  static let grids: [(SphereGrid.Kind, Int, Int, Int)] = [
    (.gaussian, 8, 16, 8), (.gaussian, 33, 64, 33), (.gaussian, 48, 96, 32), (.equiangular, 33, 64, 17),
    (.equiangular, 46, 90, 23), (.gaussian, 91, 480, 90), (.equiangular, 73, 145, 37),
    (.gaussian, 12, 12, 7),
  ]

  func random<Scalar: TransformScalar>(_ count: Int, _ stream: UInt64) -> [Scalar] {
    Philox(seed: 1, purpose: .test, stream).normals(count).map { Scalar($0) }
  }

  func dot<Scalar: TransformScalar>(_ a: [Scalar], _ b: [Scalar]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  func norm<Scalar: TransformScalar>(_ a: [Scalar]) -> Double { dot(a, a).squareRoot() }

  func adjoints<Scalar: TransformScalar>(_ type: Scalar.Type, _ bound: Double, _ index: Int) throws {
    let (kind, rows, columns, degrees) = Self.grids[index]
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    let transform = SphericalTransform<Scalar>(grid: grid, degrees: degrees)
    let count = 2
    let x: [Scalar] = random(count * grid.pointCount, 1)
    var y: [Scalar] = random(transform.coefficientCount(count), 2)
    for field in 0..<count {
      for l in 0..<transform.degrees {
        for m in 0..<transform.orders where m > l {
          let at = ((field * transform.degrees + l) * transform.orders + m) * 2
          y[at] = 0
          y[at + 1] = 0
        }
      }
    }
    let ax = transform.forward(x, count: count)
    let aty = transform.forwardAdjoint(y, count: count)
    #expect(abs(dot(ax, y) - dot(x, aty)) <= bound * norm(ax) * norm(y))
    let by = transform.inverse(y, count: count)
    let btx = transform.inverseAdjoint(x, count: count)
    #expect(abs(dot(by, x) - dot(y, btx)) <= bound * norm(by) * norm(x))
  }

  @Test(arguments: 0..<8) func adjointDouble(index: Int) throws { try adjoints(Double.self, 1e-12, index) }
  @Test(arguments: 0..<8) func adjointSingle(index: Int) throws { try adjoints(Float.self, 1e-5, index) }

  /// A band-limited field survives forward and inverse, whichever Fourier stage serves.
  @Test(arguments: 0..<8) func roundTrip(index: Int) throws {
    let (kind, rows, columns, degrees) = Self.grids[index]
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    let transform = SphericalTransform<Double>(grid: grid, degrees: degrees)
    let noise: [Double] = random(grid.pointCount, 3)
    let field = transform.truncate(noise, count: 1)
    let again = transform.truncate(field, count: 1)
    let error = zip(field, again).map { abs($0 - $1) }.max() ?? 1
    #expect(error < 1e-12 * (field.map(abs).max() ?? 0))
  }

  /// f = 1 + 2 cos t + 3 sin t cos x + sin^2 t sin 2x / 2 has four coefficients (spec/hens.md 2.3).
  @Test func closedForm() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 32)
    let transform = SphericalTransform<Double>(grid: grid, degrees: 16)
    var field: [Double] = []
    for theta in grid.colatitudes {
      for degree in grid.longitudes {
        let x = degree * .pi / 180
        field.append(
          1 + 2 * cos(theta) + 3 * sin(theta) * cos(x) + 0.5 * sin(theta) * sin(theta) * sin(2 * x))
      }
    }
    var coefficients = transform.forward(field, count: 1)
    func take(_ l: Int, _ m: Int) -> (Double, Double) {
      let at = (l * transform.orders + m) * 2
      defer { coefficients[at] = 0; coefficients[at + 1] = 0 }
      return (coefficients[at], coefficients[at + 1])
    }
    #expect(abs(take(0, 0).0 - 3.5449077018) < 1e-9)
    #expect(abs(take(1, 0).0 - 4.0933068318) < 1e-9)
    #expect(abs(take(1, 1).0 + 4.3416075273) < 1e-9)
    #expect(abs(take(2, 2).1 + 0.6472086375) < 1e-9)
    #expect((coefficients.map(abs).max() ?? 1) < 1e-12)
  }

  /// Parseval: the area mean square is the power summed over harmonics / (4 pi).
  @Test func parseval() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 32, longitudes: 64)
    let transform = SphericalTransform<Double>(grid: grid, degrees: 32)
    let field = transform.truncate(random(grid.pointCount, 4), count: 1)
    var mean = 0.0
    for (k, weight) in grid.areaWeights.enumerated() {
      for j in 0..<64 { mean += weight * field[k * 64 + j] * field[k * 64 + j] }
    }
    mean /= Double(grid.pointCount)
    let power = PowerSpectrum.perDegree(
      coefficients: transform.forward(field, count: 1), degrees: 32, orders: transform.orders)
    let total = power.enumerated().reduce(0) { $0 + Double(2 * $1.offset + 1) * $1.element } / (4 * .pi)
    #expect(abs(total / mean - 1) < 1e-12)
  }

  /// Power summed over orders is the mean square per harmonic times their number, field by field, added to what is there.
  @Test func powerOfNativeCoefficients() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 12, longitudes: 24)
    let transform = SphericalTransform<Double>(grid: grid, degrees: 9)
    let fields: [Double] = random(3 * grid.pointCount, 5)
    let spectrum = AlignedBuffer<Double>(transform.coefficientCount(3))
    let input = AlignedBuffer(fields)
    transform.forward(input.pointer, count: 3, into: spectrum.pointer, transform.makeWorkspace(3))
    var sums = [Double](repeating: 1, count: 3 * 9)
    sums.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { transform.addPower(of: spectrum.pointer, count: 3, to: base) }
    }
    for field in 0..<3 {
      let values = Array(fields[field * grid.pointCount..<(field + 1) * grid.pointCount])
      let power = PowerSpectrum.perDegree(
        coefficients: transform.forward(values, count: 1), degrees: 9, orders: transform.orders)
      for l in 0..<9 {
        let expected = 1 + Double(2 * l + 1) * power[l]
        #expect(abs(sums[field * 9 + l] / expected - 1) < 1e-12)
      }
    }
  }

  /// The HENS convention counts m = 0 twice.
  @Test func spectrumConventions() {
    let coefficients: [Double] = [0, 0, 0, 0, 3, 0, 1, 2]  // l = 1: a_10 = 3, a_11 = 1 + 2i
    func power(_ convention: PowerSpectrum.Convention) -> Double {
      PowerSpectrum.perDegree(coefficients: coefficients, degrees: 2, orders: 2, convention: convention)[1]
    }
    #expect(abs(power(.standard) - 19.0 / 3) < 1e-15)
    #expect(abs(power(.hens) - 28.0 / 3) < 1e-15)
  }

  /// Values at theta = 1 rad (spec/hens.md 2.3).
  @Test func legendreValues() {
    let table = LegendreTable(colatitudes: [1], degrees: 8, orders: 8)
    let expected: [(Int, Int, Double)] = [
      (0, 0, 0.282094791774), (1, 0, 0.263993063834), (1, 1, -0.290723302201), (2, 1, -0.351238137949),
      (3, 2, 0.390984765696), (5, 3, -0.335429289218), (5, 5, -0.195811155320),
    ]
    for (l, m, value) in expected {
      #expect(abs(table.value(degree: l, order: m, latitude: 0) - value) < 1e-12)
    }
  }

  /// Solid-body rotation u = U sin(theta) has vorticity 2 U cos(theta) / a and no divergence.
  @Test(arguments: [SphereGrid.Kind.gaussian, .equiangular]) func solidBodyRotation(kind: SphereGrid.Kind)
    throws
  {
    let grid = try SphereGrid(kind, latitudes: 33, longitudes: 64)
    let transform = VectorTransform(grid: grid, degrees: 16)
    let u = grid.colatitudes.flatMap { theta in grid.longitudes.map { _ in 20 * sin(theta) } }
    let (vorticity, divergence) = transform.vorticityDivergence(u: u, v: u.map { _ in 0 })
    for (k, theta) in grid.colatitudes.enumerated() {
      let expected = 40 * cos(theta) / VectorTransform.earthRadius
      #expect(abs(vorticity[k * 64 + 5] - expected) < 1e-17)
      #expect(abs(divergence[k * 64 + 5]) < 1e-17)
    }
  }

  /// Vorticity and divergence to wind and back.
  @Test(arguments: [SphereGrid.Kind.gaussian, .equiangular]) func windRoundTrip(kind: SphereGrid.Kind) throws
  {
    let grid = try SphereGrid(kind, latitudes: 33, longitudes: 64)
    let transform = VectorTransform(grid: grid, degrees: 15)
    let scalar = SphericalTransform<Double>(grid: grid, degrees: 15)
    func meanFree(_ stream: UInt64) -> [Double] {
      var coefficients = scalar.forward(random(grid.pointCount, stream), count: 1)
      coefficients[0] = 0
      return scalar.inverse(coefficients, count: 1)
    }
    let (vorticity, divergence) = (meanFree(5), meanFree(6))
    let wind = transform.wind(vorticity: vorticity, divergence: divergence)
    let back = transform.vorticityDivergence(u: wind.u, v: wind.v)
    let scale = vorticity.map(abs).max() ?? 0
    #expect((zip(vorticity, back.vorticity).map { abs($0 - $1) }.max() ?? 1) < 1e-10 * scale)
    #expect((zip(divergence, back.divergence).map { abs($0 - $1) }.max() ?? 1) < 1e-10 * scale)
  }

  /// Random fields have unit variance at every latitude, poles included, and the correlation asked for.
  @Test func randomFieldIsIsotropic() throws {
    let grid = try SphereGrid(.equiangular, latitudes: 33, longitudes: 64)
    let field = GaussianRandomField(grid: grid, lengthScaleKilometres: 1500, degrees: 17)
    let samples = 400
    var squares = [Double](repeating: 0, count: grid.latitudeCount)
    var product = 0.0
    for index in 0..<samples {
      let values = field.sample(Philox(seed: 3, purpose: .test, UInt64(index)))
      for k in 0..<33 {
        for j in stride(from: 0, to: 64, by: 8) {
          squares[k] += Double(values[k * 64 + j] * values[k * 64 + j]) / 8
        }
      }
      for j in 0..<64 { product += Double(values[16 * 64 + j] * values[16 * 64 + (j + 3) % 64]) / 64 }
    }
    for k in 0..<33 { #expect(abs(squares[k] / Double(samples) - 1) < 0.25, "row \(k)") }
    let angle = 3.0 / 64 * 2 * Double.pi
    let ratio = 1500.0 / 6371
    #expect(abs(product / Double(samples) - exp(-angle * angle / (2 * ratio * ratio))) < 0.05)
  }
}
