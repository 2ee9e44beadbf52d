/// Relative humidity and the heat index.
extension DerivedVariable {
  static var relativeHumidity2m: DerivedVariable {
    DerivedVariable(
      name: "relative_humidity2m", longName: "2 metre relative humidity", standardName: "relative_humidity",
      units: "1", sources: ["t2m", "d2m"],
      formula: .pointwise { Humidity.relative(temperature: $0[0], dewPoint: $0[1]) })
  }

  static func relativeHumidity(level: Int) -> DerivedVariable {
    DerivedVariable(
      name: "relative_humidity\(level)", longName: "relative humidity at \(level) hPa",
      standardName: "relative_humidity", units: "1", sources: ["t\(level)", "q\(level)"],
      formula: .pointwise {
        Humidity.relative(temperature: $0[0], specificHumidity: $0[1], pressure: 100 * Double(level))
      })
  }

  // CF defines heat_index_of_air_temperature above 299.817 K only: another index than this one.
  static var heatIndex: DerivedVariable {
    DerivedVariable(
      name: "heat_index", longName: "heat index (Lu and Romps 2022)", standardName: nil, units: "K",
      sources: ["t2m", "d2m"],
      formula: .pointwise {
        HeatIndex.value(
          temperature: $0[0], relativeHumidity: Humidity.relative(temperature: $0[0], dewPoint: $0[1]))
      })
  }
}
