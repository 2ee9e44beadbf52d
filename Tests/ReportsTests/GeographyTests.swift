import Foundation
import Reports
import Sphere
import Testing

@Suite struct GeographyTests {
  @Test(arguments: MapProjection.allCases)
  func inverseUndoesForward(projection: MapProjection) throws {
    for latitude in stride(from: -90.0, through: 90, by: 3.7) {
      for longitude in stride(from: -180.0, through: 180, by: 11.3) {
        let plane = projection.forward(longitude: longitude, latitude: latitude)
        #expect(abs(plane.x) <= projection.halfWidth + 1e-12 && abs(plane.y) <= projection.halfHeight + 1e-12)
        let back = try #require(projection.inverse(x: plane.x, y: plane.y))
        #expect(abs(back.longitude - longitude) < 1e-6)
        #expect(abs(back.latitude - latitude) < 1e-6)
      }
    }
    #expect(projection.inverse(x: projection.halfWidth * 1.01, y: 0) == nil)
    #expect(projection.inverse(x: 0, y: -projection.halfHeight * 1.01) == nil)
  }

  @Test func robinsonHasItsPublishedValues() {
    // Snyder and Voxland 1989: the poles are 0.5322 as long as the equator, the map is 0.5072 as high as wide.
    let robinson = MapProjection.robinson
    let (pole, equator) = (
      robinson.forward(longitude: 180, latitude: 90), robinson.forward(longitude: 180, latitude: 0)
    )
    #expect(abs(pole.x / equator.x - 0.5322) < 1e-12)
    #expect(abs(robinson.halfHeight / robinson.halfWidth - 0.5072) < 1e-4)
    // Parallels of the table itself: 35 degrees at 0.4340 of the way with length 0.9427.
    let parallel = robinson.forward(longitude: 180, latitude: -35)
    #expect(abs(parallel.y / robinson.halfHeight + 0.4340) < 1e-12)
    #expect(abs(parallel.x / equator.x - 0.9427) < 1e-12)
    #expect(robinson.inverse(x: equator.x, y: pole.y) == nil)
  }

  @Test func coastlinesAreOnEarthAndInPlace() {
    let points = Coastlines.lines.flatMap { $0 }
    #expect(Coastlines.lines.count > 100 && points.count > 4000)
    for point in points {
      #expect(abs(point.longitude) <= 180.001 && abs(point.latitude) <= 90)
    }
    func nearest(_ longitude: Double, _ latitude: Double) -> Double {
      points.map { hypot(($0.longitude - longitude) * cos(latitude * .pi / 180), $0.latitude - latitude) }
        .min() ?? 999
    }
    #expect(nearest(20.0, -34.83) < 1)  // Cape Agulhas
    #expect(nearest(-67.3, -55.98) < 1.2)  // Cape Horn
    #expect(nearest(-9.5, 38.78) < 1)  // Cabo da Roca
    #expect(nearest(142.5, -10.7) < 1)  // Cape York
    #expect(nearest(25.7, 71.1) < 1.5)  // North Cape
    // Far from any coast: the middle of Siberia, the South Pacific, the Sahara.
    #expect(nearest(95, 62) > 5)
    #expect(nearest(-125, -48) > 10)
    #expect(nearest(5, 23) > 5)
    // No line along the south pole or the date line.
    #expect(points.allSatisfy { $0.latitude > -88 })
  }

  @Test func contourOfAZonalFieldIsItsParallel() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 32, longitudes: 64)
    let field = grid.latitudes.flatMap { [Float](repeating: Float($0), count: 64) }
    let lines = ContourLines.trace(field, on: grid, level: 22)
    #expect(lines.count == 1)
    let line = try #require(lines.first)
    #expect(line.isClosed)
    for point in line.points { #expect(abs(point.latitude - 22) < 1e-3) }
    #expect((line.points.map(\.longitude).max() ?? 0) > 355)
    #expect(ContourLines.trace(field, on: grid, level: 95).isEmpty)
  }

  @Test func contourOfACapIsACircle() throws {
    // cos(angle from a point on the equator at 0 degrees) = cos 40 degrees: crosses the map's seam.
    let grid = try SphereGrid(.equiangular, latitudes: 73, longitudes: 144)
    let radian = Double.pi / 180
    let field = grid.latitudes.flatMap { latitude in
      grid.longitudes.map { Float(cos(latitude * radian) * cos($0 * radian)) }
    }
    let lines = ContourLines.trace(field, on: grid, level: cos(40 * radian))
    #expect(lines.count == 1 && lines[0].isClosed)
    for point in lines[0].points {
      let angle = acos(cos(point.latitude * radian) * cos(point.longitude * radian)) / radian
      #expect(abs(angle - 40) < 0.02)
    }
  }

  @Test func saddlesFollowTheirCentre() throws {
    // Two points of 1 that touch at a corner, 0 elsewhere: 0.5 in the middle between them. The grid is
    // fine enough not to be refined.
    let grid = try SphereGrid(.equiangular, latitudes: 145, longitudes: 288)
    for columns in [(100, 101), (101, 100)] {
      var field = [Float](repeating: 0, count: grid.pointCount)
      field[70 * 288 + columns.0] = 1
      field[71 * 288 + columns.1] = 1
      let (joined, apart) = (
        ContourLines.trace(field, on: grid, level: 0.4), ContourLines.trace(field, on: grid, level: 0.6)
      )
      #expect(joined.count == 1 && apart.count == 2)
      #expect((joined + apart).allSatisfy { $0.isClosed })
    }
  }

  @Test func contoursLeaveOutWhatIsMissing() throws {
    let grid = try SphereGrid(.equiangular, latitudes: 19, longitudes: 36)
    var field = grid.latitudes.flatMap { [Float](repeating: Float($0), count: 36) }
    for row in 7..<10 { for column in 10..<20 { field[row * 36 + column] = .nan } }
    let lines = ContourLines.trace(field, on: grid, level: 5)
    #expect(lines.count == 1)
    #expect(!lines[0].isClosed)
    for point in lines.flatMap(\.points) { #expect(!(105..<185).contains(point.longitude)) }
    #expect(ContourLines.trace([Float](repeating: .nan, count: 19 * 36), on: grid, level: 5).isEmpty)
  }
}
