/// Wind speed, vorticity and divergence.
extension DerivedVariable {
  /// Whether the catalogue has the wind of a pressure level.
  static func hasWind(_ level: Int) -> Bool { ChannelCatalogue.channel("u\(level)")?.level == level }

  static func windSpeed(height: Int) -> DerivedVariable {
    windSpeed("\(height)m", longName: "\(height) metre wind speed", ["u\(height)", "v\(height)"])
  }

  static func windSpeed(level: Int) -> DerivedVariable? {
    guard hasWind(level) else { return nil }
    return windSpeed("\(level)", longName: "wind speed at \(level) hPa", ["u\(level)", "v\(level)"])
  }

  private static func windSpeed(_ suffix: String, longName: String, _ sources: [String]) -> DerivedVariable {
    DerivedVariable(
      name: "wind_speed\(suffix)", longName: longName, standardName: "wind_speed", units: "m s-1",
      sources: sources,
      formula: .pointwise { ($0[0] * $0[0] + $0[1] * $0[1]).squareRoot() })
  }

  static func windDerivative(level: Int, isVorticity: Bool) -> DerivedVariable? {
    guard hasWind(level) else { return nil }
    let channel = ChannelCatalogue.channel("\(isVorticity ? "vo" : "d")\(level)")
    let derivatives = WindDerivatives()
    return DerivedVariable(
      name: "\(isVorticity ? "vorticity" : "divergence")\(level)", longName: channel?.longName ?? "",
      standardName: channel?.standardName, units: "s-1", sources: ["u\(level)", "v\(level)"],
      formula: .global { inputs, grid in
        let found = derivatives.fields(u: inputs[0], v: inputs[1], grid: grid)
        return isVorticity ? found.vorticity : found.divergence
      })
  }
}
