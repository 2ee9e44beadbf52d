import Basics
import Fields
import Foundation
import Sphere
import Testing

@Suite struct DerivedVariableTests {
  func compute(_ name: String, levels: [Int] = [], _ inputs: [[Float]]) throws -> [Float] {
    try #require(DerivedVariable.named(name, levels: levels)).compute(inputs, grid: nil)
  }

  // MARK: - Names

  @Test(arguments: [
    ("wind_speed10m", ["u10", "v10"], "m s-1"), ("wind_speed100m", ["u100", "v100"], "m s-1"),
    ("wind_speed850", ["u850", "v850"], "m s-1"), ("relative_humidity2m", ["t2m", "d2m"], "1"),
    ("relative_humidity925", ["t925", "q925"], "1"), ("heat_index", ["t2m", "d2m"], "K"),
    ("thickness_500_1000", ["z500", "z1000"], "m"), ("vorticity850", ["u850", "v850"], "s-1"),
    ("divergence250", ["u250", "v250"], "s-1"),
  ])
  func namesSourcesAndUnits(name: String, sources: [String], units: String) throws {
    let variable = try #require(DerivedVariable.named(name))
    #expect(variable.name == name)
    #expect(variable.sources == sources)
    #expect(variable.units == units)
    #expect(!variable.longName.isEmpty)
    for source in sources { #expect(ChannelCatalogue.channel(source) != nil) }
  }

  @Test func otherSpellings() {
    #expect(DerivedVariable.named("ws10")?.name == "wind_speed10m")
    #expect(DerivedVariable.named("ws100")?.name == "wind_speed100m")
    #expect(DerivedVariable.named("thickness_1000_500")?.name == "thickness_500_1000")
    #expect(DerivedVariable.named("vorticity850")?.standardName == "atmosphere_relative_vorticity")
    #expect(DerivedVariable.named("divergence850")?.longName == "divergence at 850 hPa")
    for name in DerivedVariable.names {
      #expect(DerivedVariable.named(name, levels: [500, 850])?.name == name)
    }
  }

  @Test(arguments: [
    "wind_speed", "windspeed850", "wind_speed10", "wind_speed100", "wind_speed850m", "wind_speed0",
    "wind_speed0850", "wind_speed-850", "wind_speed+850", "wind_speed9999", "wind_speed850 ", "ws850", "ivt",
    "IVT", "heatindex", "heat_index850", "relative_humidity", "relative_humidity10m", "thickness",
    "thickness_500", "thickness_500_500", "thickness_500_", "thickness_500_1000_850", "thickness__500_1000",
    "vorticity", "vorticity100", "divergence_850", "vorticity８５０", "", "_", "t2m",
  ])
  func noNames(name: String) { #expect(DerivedVariable.named(name) == nil) }

  // MARK: - Closed forms

  @Test func windSpeed() throws {
    #expect(try compute("wind_speed10m", [[3, -6, 0], [4, 8, 0]]) == [5, 10, 0])
    #expect(try compute("wind_speed500", [[-5], [12]]) == [13])
  }

  @Test func relativeHumidityFromTheDewPoint() throws {
    #expect(try compute("relative_humidity2m", [[250, 300], [250, 300]]) == [1, 1])
    // spec/hens.md 4.7 at 20 and 10 degrees C: 6.112 exp(17.67 t / (t + 243.5)) = 23.369 and 12.271 hPa.
    let expected = exp(17.67 * 10 / 253.5 - 17.67 * 20 / 263.5)
    let found = try compute("relative_humidity2m", [[293.15], [283.15]])[0]
    #expect(abs(Double(found) - expected) < 1e-6)
    #expect(abs(expected - 12.271 / 23.369) < 1e-4)
  }

  @Test func relativeHumidityFromSpecificHumidity() throws {
    // The specific humidity of air that is saturated at half the vapour pressure.
    let e = 0.5 * Humidity.saturationVapourPressure(285)
    let q = 0.621981 * e / (85_000 - 0.378019 * e)
    let found = try compute("relative_humidity850", [[285], [Float(q)]])[0]
    #expect(abs(found - 0.5) < 1e-6)
  }

  @Test func thickness() throws {
    #expect(try compute("thickness_500_1000", [[5500, 5200], [100, -50]]) == [5400, 5250])
  }

  @Test func vapourTransportOfConstants() throws {
    let variable = try #require(DerivedVariable.named("ivt", levels: [1000, 500, 850, 850]))
    #expect(variable.sources == ["q500", "u500", "v500", "q850", "u850", "v850", "q1000", "u1000", "v1000"])
    #expect(variable.units == "kg m-1 s-1")
    let level: [[Float]] = [[0.008], [-6], [8]]
    let found = try variable.compute(level + level + level, grid: nil)[0]
    // q |u| dp / g
    #expect(abs(Double(found) - 0.008 * 10 * 50_000 / 9.80665) < 1e-3)
  }

  @Test func vapourTransportIsTrapezoidal() throws {
    // q u = 0, 0.1 and 0.3 at 300, 500 and 1000 hPa; v = 0.
    let inputs: [[Float]] = [[0], [10], [0], [0.01], [10], [0], [0.015], [20], [0]]
    let found = try compute("ivt", levels: [500, 300, 1000], inputs)[0]
    #expect(abs(Double(found) - (0.05 * 20_000 + 0.2 * 50_000) / 9.80665) < 1e-3)
    // Transports that cancel.
    let opposite: [[Float]] = [[0.01], [10], [0], [0.01], [-10], [0]]
    #expect(try compute("ivt", levels: [500, 850], opposite) == [0])
  }

  @Test func vapourTransportNeedsTwoLevelsWithWind() {
    #expect(DerivedVariable.named("ivt", levels: [850]) == nil)
    #expect(DerivedVariable.named("ivt", levels: [850, 850]) == nil)
    #expect(DerivedVariable.named("ivt", levels: [850, -1, 9999]) == nil)
    // u100 is the wind 100 m above ground.
    #expect(
      DerivedVariable.named("ivt", levels: [50, 100, 150])?.sources == [
        "q50", "u50", "v50", "q150", "u150", "v150",
      ])
  }

  @Test func heatIndexFromTheDewPoint() throws {
    let humidity = exp(17.67 * 25 / 268.5 - 17.67 * 35 / 278.5)
    let expected = HeatIndex.value(temperature: 308.15, relativeHumidity: humidity)
    let found = try compute("heat_index", [[308.15], [298.15]])[0]
    #expect(abs(Double(found) - expected) < 1e-4)
    // A dew point above the temperature counts as saturation.
    #expect(try compute("heat_index", [[300], [301]]) == compute("heat_index", [[300], [300]]))
  }

  // MARK: - Faults

  @Test(arguments: [
    "wind_speed10m", "relative_humidity2m", "relative_humidity850", "heat_index", "thickness_500_1000",
  ])
  func missingValuesStayMissing(name: String) throws {
    let found = try compute(name, [[.nan, 290, 290], [0.01, .nan, 0.01]])
    #expect(found.map(\.isNaN) == [true, true, false])
  }

  @Test func missingValuesOfALevelStayMissing() throws {
    var inputs = [[Float]](repeating: [0.01, 0.01], count: 6)
    inputs[4][1] = .nan
    #expect(try compute("ivt", levels: [500, 850], inputs).map(\.isNaN) == [false, true])
  }

  /// More points than are computed at once.
  @Test func manyPoints() throws {
    let u = (0..<1000).map { Float(3 * $0) }
    let v = (0..<1000).map { Float(4 * $0) }
    #expect(try compute("wind_speed10m", [u, v]) == (0..<1000).map { Float(5 * $0) })
  }

  @Test func fieldsThatDoNotFit() throws {
    let variable = try #require(DerivedVariable.named("wind_speed10m"))
    let few = #expect(throws: ApusError.self) { try variable.compute([[1]], grid: nil) }
    #expect(few?.kind == .badData)
    #expect(few?.description.contains("u10, v10") == true)
    let uneven = #expect(throws: ApusError.self) { try variable.compute([[1, 2], [1]], grid: nil) }
    #expect(uneven?.kind == .badData)
    #expect(try variable.compute([[], []], grid: nil) == [])
  }
}

@Suite struct DerivedWindTests {
  let omega = 7.292e-5
  let radius = VectorTransform.earthRadius

  /// Solid-body rotation u = a Omega cos(latitude) has vorticity 2 Omega sin(latitude) and no divergence.
  @Test(arguments: SphereGrid.Kind.allCases) func solidBodyRotation(kind: SphereGrid.Kind) throws {
    let grid = try SphereGrid(kind, latitudes: 33, longitudes: 64)
    let u = grid.colatitudes.flatMap { theta in
      grid.longitudes.map { _ in Float(radius * omega * sin(theta)) }
    }
    let calm = u.map { _ in Float(0) }
    let vorticity = try #require(DerivedVariable.named("vorticity850")).compute([u, calm], grid: grid)
    let divergence = try #require(DerivedVariable.named("divergence850")).compute([u, calm], grid: grid)
    for (row, theta) in grid.colatitudes.enumerated() {
      for column in 0..<64 {
        #expect(abs(Double(vorticity[row * 64 + column]) - 2 * omega * cos(theta)) < 1e-5 * omega)
        #expect(abs(Double(divergence[row * 64 + column])) < 1e-5 * omega)
      }
    }
  }

  /// Flow down the velocity potential -a^2 Omega sin(latitude), v = -a Omega cos(latitude), has divergence
  /// 2 Omega sin(latitude) and no vorticity.
  @Test(arguments: SphereGrid.Kind.allCases) func potentialFlow(kind: SphereGrid.Kind) throws {
    let grid = try SphereGrid(kind, latitudes: 33, longitudes: 64)
    let v = grid.colatitudes.flatMap { theta in
      grid.longitudes.map { _ in Float(-radius * omega * sin(theta)) }
    }
    let calm = v.map { _ in Float(0) }
    let vorticity = try #require(DerivedVariable.named("vorticity850")).compute([calm, v], grid: grid)
    let divergence = try #require(DerivedVariable.named("divergence850")).compute([calm, v], grid: grid)
    for (row, theta) in grid.colatitudes.enumerated() {
      for column in 0..<64 {
        #expect(abs(Double(divergence[row * 64 + column]) - 2 * omega * cos(theta)) < 1e-5 * omega)
        #expect(abs(Double(vorticity[row * 64 + column])) < 1e-5 * omega)
      }
    }
  }

  /// The transform that a variable keeps does not outlive its grid.
  @Test func gridsInTurn() throws {
    let variable = try #require(DerivedVariable.named("vorticity850"))
    for latitudes in [16, 24, 16] {
      let grid = try SphereGrid(.gaussian, latitudes: latitudes, longitudes: 2 * latitudes)
      let u = grid.colatitudes.flatMap { theta in
        grid.longitudes.map { _ in Float(radius * omega * sin(theta)) }
      }
      let found = try variable.compute([u, u.map { _ in 0 }], grid: grid)
      #expect(abs(Double(found[0]) - 2 * omega * cos(grid.colatitudes[0])) < 1e-5 * omega)
    }
  }

  @Test func faults() throws {
    let variable = try #require(DerivedVariable.named("vorticity850"))
    let grid = try SphereGrid(.gaussian, latitudes: 4, longitudes: 8)
    var wind = [Float](repeating: 1, count: 32)
    for (field, usable) in [(wind, SphereGrid?.none), ([1, 2], grid)] {
      let error = #expect(throws: ApusError.self) { try variable.compute([field, field], grid: usable) }
      #expect(error?.kind == .badData)
    }
    let calm = wind
    wind[5] = .nan
    let error = #expect(throws: ApusError.self) { try variable.compute([calm, wind], grid: grid) }
    #expect(error?.kind == .badData)
    #expect(
      error?.description.contains("'vorticity850': missing values (NaN) in v850: found 1 of 32") == true)
  }
}
