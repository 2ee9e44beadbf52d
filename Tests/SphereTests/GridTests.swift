import Basics
import Foundation
import Sphere
import Testing

@Suite struct GridTests {
  @Test func quadratureKnownValues() throws {
    let gauss = Quadrature.gaussLegendre(4)
    #expect(abs(cos(gauss.colatitudes[0]) - 0.8611363115940526) < 1e-14)
    #expect(abs(gauss.weights[1] - 0.6521451548625461) < 1e-14)
    let cc = Quadrature.clenshawCurtis(5).weights
    for (found, expected) in zip(cc, [1.0 / 15, 8.0 / 15, 4.0 / 5, 8.0 / 15, 1.0 / 15]) {
      #expect(abs(found - expected) < 1e-14)
    }
    #expect(abs(Quadrature.clenshawCurtis(721).weights[1] - 1.85880194e-5) < 1e-12)
    #expect(abs(Quadrature.gaussLegendre(360).weights[0] - 5.70998e-5) < 1e-9)
  }

  /// Weights integrate x^p over [-1, 1] to 2 / (p + 1) up to the rule's degree.
  @Test(arguments: [5, 8, 33, 48, 91]) func quadratureIsExact(count: Int) {
    func moment(_ rule: (colatitudes: [Double], weights: [Double]), _ p: Int) -> Double {
      zip(rule.colatitudes, rule.weights).reduce(0) { $0 + $1.1 * pow(cos($1.0), Double(p)) }
    }
    for p in stride(from: 0, through: 2 * count - 2, by: 2) {
      let error = abs(moment(Quadrature.gaussLegendre(count), p) - 2 / Double(p + 1))
      #expect(error < 1e-13, "Gauss \(count), power \(p): \(error)")
    }
    for p in stride(from: 0, through: count - 1, by: 2) {
      #expect(abs(moment(Quadrature.clenshawCurtis(count), p) - 2 / Double(p + 1)) < 1e-13)
    }
  }

  @Test(arguments: [(SphereGrid.Kind.gaussian, 48, 96), (.equiangular, 73, 144), (.gaussian, 33, 64)])
  func descriptionRoundTrip(kind: SphereGrid.Kind, rows: Int, columns: Int) throws {
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    #expect(try GridDescription.parse(GridDescription.text(for: grid), file: "text") == grid)
  }

  @Test func detectionToleratesSinglePrecisionAndEitherOrder() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 32, longitudes: 64)
    let rows = grid.latitudes.reversed().map { Double(Float($0)) }
    #expect(try SphereGrid.detect(latitudes: rows, longitudes: grid.longitudes.map { $0 - 180 }) == grid)
  }

  @Test func unknownGridsAreRefused() {
    #expect(throws: ApusError.self) {
      try SphereGrid.detect(latitudes: [50, 49.3, 47], longitudes: [0, 10, 20])
    }
    #expect(throws: ApusError.self) {
      try GridDescription.parse("gridtype = unstructured\nxsize = 4\nysize = 3", file: "x")
    }
  }
}
