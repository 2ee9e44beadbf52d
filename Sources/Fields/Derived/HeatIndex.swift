/// The heat index for all temperatures and humidities: the temperature at which air of a vapour pressure of
/// 1600 Pa (saturated air, where it is colder than 287 K) feels as hot.
///
/// Lu and Romps (2022), Extending the heat index, J. Appl. Meteor. Climatol. 61, 1367-1383: the equations of
/// their model of a person are solved as they stand, in float64; no table and no polynomial.
public enum HeatIndex {
  /// The heat index [K].
  /// - Parameters:
  ///   - temperature: of the air in the shade [K].
  ///   - relativeHumidity: 1 is saturation (over ice below 273.16 K); values outside 0...1 are moved
  ///     to its ends.
  /// - Returns: NaN where either is NaN, or the temperature is not between 0 and 400 K.
  public static func value(temperature: Double, relativeHumidity: Double) -> Double {
    guard temperature > 0, temperature <= 400, !relativeHumidity.isNaN else { return .nan }
    let vapour = min(max(relativeHumidity, 0), 1) * WaterVapour.saturationPressure(temperature)
    return Thermoregulation(air: temperature, vapour: vapour).referenceTemperature(near: temperature)
  }
}
