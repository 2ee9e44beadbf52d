import Basics
import Sphere
import Testing

@Suite struct GridWindowTests {
  let grid: SphereGrid
  init() throws { grid = try SphereGrid(.gaussian, latitudes: 48, longitudes: 96) }

  func window(_ south: Double, _ north: Double, _ west: Double, _ east: Double) -> GridWindow? {
    GridWindow(grid, LatitudeLongitudeBox(south: south, north: north, west: west, east: east))
  }

  @Test func rowsAndColumnsOfABox() throws {
    let box = try #require(window(30, 60, 11.25, 30))
    #expect(box.longitudes == [11.25, 15, 18.75, 22.5, 26.25, 30])
    #expect(box.columns == [3, 4, 5, 6, 7, 8])
    #expect(box.latitudes.allSatisfy { $0 >= 30 && $0 <= 60 } && box.latitudes.count == 8)
    #expect(box.latitudes == Array(grid.latitudes[box.rows]))
    #expect(box.latitudes.first ?? 0 > box.latitudes.last ?? 0)
    #expect(!box.isWhole(grid) && box.pointCount == 48)
  }

  @Test func boxesAcrossTheMeridiansWhereLongitudesBeginAgain() throws {
    // Greenwich, from either side of the names of the longitudes.
    #expect(try #require(window(0, 90, -5, 5)).longitudes == [-3.75, 0, 3.75])
    #expect(try #require(window(0, 90, 355, 5)).longitudes == [356.25, 360, 363.75])
    #expect(try #require(window(0, 90, 355, 365)).columns == [95, 0, 1])
    // The date line: west is larger than east.
    let pacific = try #require(window(-10, 10, 175, -175))
    #expect(pacific.longitudes == [176.25, 180, 183.75])
    #expect(pacific.columns == [47, 48, 49])
    let whole = try #require(window(-90, 90, 0, 360))
    #expect(whole.isWhole(grid))
    let turned = try #require(window(-90, 90, -180, 180))
    #expect(turned.longitudes.first == -180 && turned.columns.count == 96 && !turned.isWhole(grid))
  }

  @Test func aBoxBetweenThePointsHasNone() {
    #expect(window(0, 1, 0, 360) == nil)
    #expect(window(-90, 90, 1, 2) == nil)
  }

  @Test func aWindowTakesItsPointsOutOfAField() throws {
    let box = try #require(window(30, 60, -5, 5))
    let field = (0..<2 * grid.pointCount).map(Float.init)
    let part = box.part(of: field[grid.pointCount...], gridColumns: 96)
    let expected = box.rows.flatMap { row in [95, 0, 1].map { Float(grid.pointCount + row * 96 + $0) } }
    #expect(part == expected)
  }

  @Test func whatLiesBetweenTwoMeridians() {
    let cases: [(Double, Double, Double, Bool)] = [
      (10, 0, 20, true), (370, 0, 20, true), (-350, 0, 20, true), (21, 0, 20, false), (20, 0, 20, true),
      (0, 0, 20, true), (359.9, 0, 20, false), (180, 170, -170, true), (-175, 170, -170, true),
      (0, 170, -170, false), (5, 350, 370, true), (355, 350, 370, true), (345, 350, 370, false),
      (123, 0, 360, true), (123, -180, 180, true), (-169.9, 170, -170, false),
    ]
    for (longitude, west, east, isInside) in cases {
      #expect(Eastward.isBetween(longitude, west: west, east: east) == isInside, "\(longitude)")
    }
  }
}
