import Fields
import Foundation
import Testing

@Suite struct HeatIndexTests {
  /// pythermalcomfort's answers (Resources/README.md) in regions I to VI.
  @Test func agreesWithAnIndependentSolver() throws {
    let path = Bundle.module.bundlePath + "/Resources/heat_index.csv"
    let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst()
    #expect(rows.count == 230)
    for row in rows {
      let numbers = row.split(separator: ",").compactMap { Double($0) }
      try #require(numbers.count == 3)
      let found = HeatIndex.value(temperature: numbers[0], relativeHumidity: numbers[1])
      #expect(abs(found - numbers[2]) < 1e-6, "\(row): \(found)")
    }
  }

  /// Air of the reference vapour pressure, 1600 Pa, feels as hot as it is; so does saturated cold air.
  @Test func theReferenceFeelsAsItIs() {
    // Saturation vapour pressure over water by the constants of the paper.
    func saturation(_ t: Double) -> Double {
      611.65 * pow(t / 273.16, (1418 + 461 - 4119.0) / 461)
        * exp((2.3740e6 + (4119 - 1418) * 273.16) / 461 * (1 / 273.16 - 1 / t))
    }
    for temperature in stride(from: 288.0, through: 390, by: 1.5) {
      let found = HeatIndex.value(
        temperature: temperature, relativeHumidity: 1600 / saturation(temperature))
      #expect(abs(found - temperature) < 1e-6, "\(temperature) K")
    }
    for temperature in stride(from: 20.0, to: 287, by: 3) {
      #expect(abs(HeatIndex.value(temperature: temperature, relativeHumidity: 1) - temperature) < 1e-6)
    }
  }

  @Test func neverFallsWithTemperatureOrHumidity() {
    for humidity in stride(from: 0.0, through: 1, by: 0.05) {
      var before = 0.0
      for temperature in stride(from: 100.0, through: 390, by: 0.25) {
        let found = HeatIndex.value(temperature: temperature, relativeHumidity: humidity)
        #expect(found > before, "\(temperature) K, \(humidity)")
        before = found
      }
    }
    for temperature in stride(from: 150.0, through: 390, by: 5) {
      var before = 0.0
      for humidity in stride(from: 0.0, through: 1, by: 0.005) {
        let found = HeatIndex.value(temperature: temperature, relativeHumidity: humidity)
        #expect(found >= before, "\(temperature) K, \(humidity)")
        before = found
      }
    }
  }

  @Test func outsideItsDomain() {
    #expect(HeatIndex.value(temperature: .nan, relativeHumidity: 0.5).isNaN)
    #expect(HeatIndex.value(temperature: 300, relativeHumidity: .nan).isNaN)
    for temperature in [0, -5, 400.1, .infinity] {
      #expect(HeatIndex.value(temperature: temperature, relativeHumidity: 0.5).isNaN)
    }
    #expect(
      HeatIndex.value(temperature: 300, relativeHumidity: 1.2)
        == HeatIndex.value(temperature: 300, relativeHumidity: 1))
    #expect(
      HeatIndex.value(temperature: 300, relativeHumidity: -1)
        == HeatIndex.value(temperature: 300, relativeHumidity: 0))
    // Extremes stay finite and in order.
    #expect(HeatIndex.value(temperature: 400, relativeHumidity: 1).isFinite)
    #expect(abs(HeatIndex.value(temperature: 1, relativeHumidity: 0.5) - 1) < 1e-6)
  }

}
