extension DerivedVariable {
  /// An example of each name that `named` knows, for messages.
  public static let names = [
    "wind_speed10m", "wind_speed850", "relative_humidity2m", "relative_humidity850", "heat_index", "ivt",
    "thickness_500_1000", "vorticity850", "divergence850",
  ]

  /// The variable of a name, nil where there is none: `wind_speed10m` (or `ws10`), `wind_speed100m`
  /// (`ws100`), `relative_humidity2m`, `heat_index`, `ivt`, `thickness_500_1000`, and `wind_speed`,
  /// `relative_humidity`, `vorticity` or `divergence` with a pressure level [hPa].
  ///
  /// The catalogue's u100 and v100 are the wind 100 m above ground (u10, v10 likewise), so that nothing made
  /// of wind exists at 100 and 10 hPa.
  /// - Parameter levels: pressure levels [hPa] at which humidity and wind are there, any order, for `ivt`,
  ///   which is nil with fewer than two; levels 100 and 10 are left out.
  public static func named(_ name: String, levels: [Int] = []) -> DerivedVariable? {
    switch name {
    case "wind_speed10m", "ws10": return windSpeed(height: 10)
    case "wind_speed100m", "ws100": return windSpeed(height: 100)
    case "relative_humidity2m": return relativeHumidity2m
    case "heat_index": return heatIndex
    case "ivt": return vapourTransport(levels)
    default: break
    }
    let parts = name.split(separator: "_", omittingEmptySubsequences: false)
    if parts.count == 3, parts[0] == "thickness", let a = level(parts[1]), let b = level(parts[2]), a != b {
      return thickness(upper: min(a, b), lower: max(a, b))
    }
    let quantity = name.prefix { !$0.isNumber }
    guard let level = level(name.dropFirst(quantity.count)) else { return nil }
    switch quantity {
    case "wind_speed": return windSpeed(level: level)
    case "relative_humidity": return relativeHumidity(level: level)
    case "vorticity": return windDerivative(level: level, isVorticity: true)
    case "divergence": return windDerivative(level: level, isVorticity: false)
    default: return nil
    }
  }

  /// A pressure level [hPa] in plain digits.
  private static func level(_ text: Substring) -> Int? {
    guard text.first != "0", text.allSatisfy({ $0.isASCII && $0.isNumber }), let level = Int(text),
      level <= 1100
    else { return nil }
    return level
  }
}
