import Basics
import Ensembles
import Foundation
import Sphere
import Testing

@Suite struct HemisphericRescalingTests {
  /// The rule of spec/hens.md 3.1 written out for the 721 rows of HENS.
  @Test func onTheGridOfHENSItIsTheRuleOfHENS() throws {
    let grid = try SphereGrid(.equiangular, latitudes: 721, longitudes: 8)
    let field = Philox(seed: 1, purpose: .test).normals(grid.pointCount).map { Float($0) }
    var rescaled = field
    HemisphericRescaling(grid: grid).apply(to: &rescaled, amplitudes: [0.7])

    let weights = (0..<721).map { sin(Double.pi * Double($0) / 720) }
    let mean = weights.reduce(0, +) / 721
    func norm(_ rows: Range<Int>) -> Double {
      let squares = rows.map { row in
        (0..<8).map { pow(Double(field[row * 8 + $0]), 2) }.reduce(0, +) / 8 * weights[row] / mean
      }
      return (squares.reduce(0, +) / Double(rows.count)).squareRoot()
    }
    let (north, south) = (norm(0..<280), norm(441..<721))
    for row in 0..<721 {
      let size =
        row < 280 ? north : row > 440 ? south : north + (south - north) * Double(row - 280) / 160
      for column in 0..<8 {
        let expected = Double(field[row * 8 + column]) * 0.7 / size
        #expect(abs(Double(rescaled[row * 8 + column]) - expected) < 1e-6 * max(1, abs(expected)))
      }
    }
  }

  @Test(arguments: [SphereGrid.Kind.gaussian, .equiangular], [31, 48])
  func capsGetTheirSize(kind: SphereGrid.Kind, rows: Int) throws {
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: 2 * rows)
    let random = Philox(seed: 2, purpose: .test).normals(2 * grid.pointCount)
    // The south is made a hundred times larger: both hemispheres must come out alike.
    let values = random.enumerated().map {
      Float($1) * ($0 % grid.pointCount > grid.pointCount / 2 ? 100 : 1)
    }
    for norm in HemisphericRescaling.CapNorm.allCases {
      let rescaling = HemisphericRescaling(grid: grid, norm: norm)
      var rescaled = values
      rescaling.apply(to: &rescaled, amplitudes: [3, 0.01])
      for (channel, amplitude) in [3, 0.01].enumerated() {
        let field = Array(rescaled[channel * grid.pointCount..<(channel + 1) * grid.pointCount])
        let (north, south) = rescaling.capNorms(field)
        #expect(abs(north / amplitude - 1) < 1e-5)
        #expect(abs(south / amplitude - 1) < 1e-5)
      }
    }
  }

  @Test func aUniformCapKeepsItsAreaNorm() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 48, longitudes: 96)
    let ones = [Float](repeating: 2, count: grid.pointCount)
    let norms = HemisphericRescaling(grid: grid, norm: .area).capNorms(ones)
    #expect(abs(norms.north - 2) < 1e-12 && abs(norms.south - 2) < 1e-12)
    // HENS' weights average 0.8445 over a cap (spec/hens.md), up to the grid's rows.
    let published = HemisphericRescaling(grid: try SphereGrid(.equiangular, latitudes: 721, longitudes: 4))
    let share = published.capNorms([Float](repeating: 1, count: 721 * 4)).north
    #expect(abs(share * share - 0.8445) < 5e-4)
  }

  @Test func nothingStaysNothing() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 32)
    var zeros = [Float](repeating: 0, count: grid.pointCount)
    HemisphericRescaling(grid: grid).apply(to: &zeros, amplitudes: [5])
    #expect(zeros.allSatisfy { $0 == 0 })
  }
}
