import Basics
import Reports
import Sphere
import Testing

@Suite struct MapFigureTests {
  let grid: SphereGrid

  init() throws { grid = try SphereGrid(.equiangular, latitudes: 37, longitudes: 72) }

  private func map(_ value: (_ latitude: Double, _ longitude: Double) -> Double) -> MapFigure {
    let longitudes = grid.longitudes
    let values = grid.latitudes.flatMap { latitude in longitudes.map { Float(value(latitude, $0)) } }
    var figure = MapFigure(values, on: grid, title: "Test", quantity: "Quantity", units: "K")
    figure.width = 480
    return figure
  }

  private func pixel(_ figure: MapFigure, _ latitude: Double, _ longitude: Double) throws -> UInt32 {
    let place = figure.layout.point(longitude: longitude, latitude: latitude)
    return try figure.pixels()[place.x, place.y]
  }

  @Test(arguments: MapProjection.allCases, [0.0, 180, 250])
  func halvesHaveTheColoursOfTheirValues(projection: MapProjection, centre: Double) throws {
    var figure = map { _, longitude in longitude < 180 ? 1 : 9 }
    figure.projection = projection
    figure.centralLongitude = centre
    figure.range = .fixed(low: 0, high: 10)
    figure.shading = .smooth
    // Places on open ocean or inland, between the meridians of the graticule.
    let east = ColourMap.sequential.colour(at: 0.1).hexadecimal
    let west = ColourMap.sequential.colour(at: 0.9).hexadecimal
    #expect(try pixel(figure, -40, 75) == east)
    #expect(try pixel(figure, 45, 165) == east)
    #expect(try pixel(figure, -40, 195) == west)
    #expect(try pixel(figure, -45, 250) == west)
    #expect(try pixel(figure, 40, 320) == west)
  }

  @Test func northIsUp() throws {
    var figure = map { latitude, _ in latitude > 0 ? 1 : 9 }
    figure.range = .fixed(low: 0, high: 10)
    figure.shading = .smooth
    let north = figure.layout.point(longitude: 195, latitude: 40)
    let south = figure.layout.point(longitude: 195, latitude: -40)
    #expect(north.y < south.y)
    let pixels = try figure.pixels()
    #expect(pixels[north.x, north.y] == ColourMap.sequential.colour(at: 0.1).hexadecimal)
    #expect(pixels[south.x, south.y] == ColourMap.sequential.colour(at: 0.9).hexadecimal)
  }

  @Test func bandsChangeAtTheirEdges() throws {
    // Equal to the latitude: bands of 20 degrees.
    var figure = map { latitude, _ in latitude }
    figure.range = .fixed(low: -100, high: 100)
    figure.projection = .equirectangular
    let pixels = try figure.pixels()
    func colour(_ latitude: Double) -> UInt32 {
      let place = figure.layout.point(longitude: 195, latitude: latitude)
      return pixels[place.x, place.y]
    }
    #expect(colour(41.5) == colour(58))
    #expect(colour(38) != colour(41.5))
    #expect(colour(22) == colour(38))
  }

  @Test func interpolationIsBilinearAndPeriodic() throws {
    // 355 degrees holds 0, 0 degrees holds 10: half-way it is 5.
    var figure = map { _, longitude in longitude == 0 ? 10 : 0 }
    figure.range = .fixed(low: 0, high: 10)
    figure.shading = .smooth
    figure.width = 1600
    let found = Colour(try pixel(figure, -47.5, 357.5))
    let expected = ColourMap.sequential.colour(at: 0.5)
    for (a, b) in [(found.red, expected.red), (found.green, expected.green), (found.blue, expected.blue)] {
      #expect(abs(Int(a) - Int(b)) <= 4)
    }
  }

  @Test func missingValuesAreGreyAndOutsideIsWhite() throws {
    var figure = map { latitude, longitude in
      abs(latitude + 40) < 12 && abs(longitude - 250) < 22 ? .nan : longitude
    }
    let grey = try pixel(figure, -42, 247)
    #expect(grey == 0xc9c9c9)
    #expect(try pixel(figure, -42, 195) != grey)
    let corner = figure.layout
    #expect(try figure.pixels()[Double(corner.left) + 3, Double(corner.top) + 3] == 0xffffff)
    figure.colourMap = .diverging
    #expect(try pixel(figure, -42, 247) == 0xc9c9c9)
  }

  @Test func noDifferenceIsWhite() throws {
    for shading in [ValueScale.Shading.banded, .smooth] {
      var figure = map { _, _ in 0 }
      figure.colourMap = .diverging
      figure.shading = shading
      #expect(try pixel(figure, -42, 247) == 0xffffff)
    }
  }

  @Test func robustRangeLeavesOutliersOutAndStartsAtZero() {
    var values = (0..<grid.pointCount).map { Float($0 % 100) / 10 }
    values[1000] = 1e6
    let scale = ValueScale(
      values: values, rowWeights: grid.cosineWeights, range: .robust, shading: .banded, map: .sequential)
    #expect(scale.low == 0)
    #expect(scale.high >= 9.5 && scale.high <= 12)
    #expect(scale.extendsAbove && !scale.extendsBelow)
    let pressure = values.map { 1000 + min($0, 30) }
    let other = ValueScale(
      values: pressure, rowWeights: grid.cosineWeights, range: .robust, shading: .banded, map: .sequential)
    #expect(other.low >= 995 && other.low <= 1000)
  }

  @Test func divergingRangeIsSymmetric() {
    let values = (0..<grid.pointCount).map { Float($0 % 100) / 10 - 2 }
    let scale = ValueScale(
      values: values, rowWeights: grid.cosineWeights, range: .robust, shading: .banded, map: .diverging)
    #expect(scale.low == -scale.high)
    #expect(scale.colour(of: 0) == Colour(0xffffff))
    #expect(scale.colour(of: 0.5 * scale.high) != scale.colour(of: 0.5 * scale.low))
  }

  @Test(arguments: MapProjection.allCases)
  func degenerateFieldsAreDrawn(projection: MapProjection) throws {
    let fields: [(Double, Double) -> Double] = [
      { _, _ in 0 }, { _, _ in 273.15 }, { _, _ in -1e-30 }, { _, _ in .nan }, { _, _ in .infinity },
      { latitude, _ in latitude > 80 ? 3 : .nan }, { latitude, _ in latitude * 1e37 },
    ]
    for map in [ColourMap.sequential, .diverging] {
      for field in fields {
        var figure = self.map(field)
        figure.width = 330
        figure.projection = projection
        figure.colourMap = map
        figure.contours = .init(values: figure.values, name: "the same", units: "K")
        figure.dots = [Bool](repeating: true, count: grid.pointCount)
        figure.markers = MapFigure.Marker.extremes(of: figure.values, on: grid)
        let picture = try figure.picture()
        #expect(picture.data.starts(with: [0x89, 0x50, 0x4e, 0x47]))
      }
    }
  }

  @Test func contourIntervalsBeyondReasonAreReplaced() throws {
    for interval in [1e-12, 0, -3, .nan, .infinity, 1e9] {
      var figure = map { latitude, _ in latitude }
      figure.contours = .init(values: figure.values, interval: interval, name: "same", units: "K")
      #expect(try figure.picture().data.count > 1000)
    }
  }

  @Test func contoursDotsAndMarkersAreDrawn() throws {
    var plain = map { latitude, longitude in latitude + longitude / 10 }
    let before = try plain.pixels()
    plain.contours = .init(values: plain.values, interval: 20, name: "same", units: "K")
    let withLines = try plain.pixels()
    #expect(zip(before.pixels, withLines.pixels).count { $0 != $1 } > 3000)
    plain.contours = nil
    plain.dots = [Bool](repeating: true, count: grid.pointCount)
    let withDots = try plain.pixels()
    #expect(zip(before.pixels, withDots.pixels).count { $0 != $1 } > 1000)
    plain.dots = nil
    plain.markers = [.init(latitude: -45, longitude: 250 - 360, label: "here")]
    let place = plain.layout.point(longitude: 250, latitude: -45)
    let marked = try plain.pixels()
    #expect(marked[place.x + 4, place.y] != before[place.x + 4, place.y])
  }

  @Test func extremesAreFound() {
    var values = [Float](repeating: 5, count: grid.pointCount)
    values[10 * 72 + 7] = 9
    values[30 * 72 + 40] = -2
    values[0] = .nan
    let markers = MapFigure.Marker.extremes(of: values, on: grid)
    #expect(markers.count == 2)
    #expect(markers.map(\.label) == ["max 9", "min −2"])
    #expect(markers.map { $0.latitude.rounded() } == [40, -60])
    #expect(markers.map(\.longitude) == [35, 200])
    #expect(MapFigure.Marker.extremes(of: [Float](repeating: 1, count: grid.pointCount), on: grid).isEmpty)
  }

  @Test func sameMapSameBytes() throws {
    func bytes() throws -> Picture {
      var figure = map { latitude, longitude in latitude * longitude }
      figure.contours = .init(values: figure.values.map { $0 / 7 }, name: "other", units: "m")
      return try figure.picture()
    }
    #expect(try bytes() == bytes())
  }

  @Test func fieldsOfAnotherGridAreRefused() {
    let short = MapFigure([1, 2, 3], on: grid, title: "Short", quantity: "q", units: "K")
    #expect(throws: ApusError.self) { try short.picture() }
    var figure = map { _, _ in 1 }
    figure.dots = [true]
    #expect {
      try figure.picture()
    } throws: { error in
      (error as? ApusError)?.kind == .badData && "\(error)".contains("found 1 values, expected 2664")
    }
    figure.dots = nil
    figure.contours = .init(values: [], name: "none", units: "")
    #expect(throws: ApusError.self) { try figure.picture() }
  }

  @Test func pixelsAreAtTwiceTheNominalSize() throws {
    let figure = map { latitude, _ in latitude }
    let (picture, pixels) = (try figure.picture(), try figure.pixels())
    #expect(pixels.width == 2 * picture.width && pixels.height == 2 * picture.height)
    // The IHDR chunk of the PNG: width and height, big-endian.
    let header = [UInt8](picture.data.prefix(24))
    #expect(header[16..<20].reduce(0) { $0 << 8 | Int($1) } == pixels.width)
    #expect(header[20..<24].reduce(0) { $0 << 8 | Int($1) } == pixels.height)
    #expect(picture.alternativeText.contains("from −90 to 90 K"))
  }
}
