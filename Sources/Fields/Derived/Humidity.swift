import Foundation

/// Saturation and relative humidity of air over liquid water.
public enum Humidity {
  /// Gas constant of dry air over that of water vapour, as ECMWF's IFS has it (287.0597 / 461.5250).
  static let gasConstantRatio = 0.621981

  /// Saturation vapour pressure over water [Pa] at a temperature [K]: 611.2 exp(17.67 (T - 273.15) / (T -
  /// 29.65)), Bolton 1980, equation 10; within 0.3 % from -35 to 35 degrees C. What HENS uses (spec/hens.md
  /// 4.7).
  public static func saturationVapourPressure(_ temperature: Double) -> Double {
    611.2 * exp(exponent(temperature))
  }

  /// Relative humidity (1 is saturation) from temperature and dew point [K]: e_s(dew point) / e_s(T).
  /// Above 1 where the dew point is above the temperature.
  public static func relative(temperature: Double, dewPoint: Double) -> Double {
    exp(exponent(dewPoint) - exponent(temperature))
  }

  /// Relative humidity (1 is saturation) from temperature [K], specific humidity [kg kg-1] and pressure [Pa]:
  /// e / e_s(T), with e = q p / (0.621981 + 0.378019 q).
  public static func relative(temperature: Double, specificHumidity q: Double, pressure: Double) -> Double {
    q * pressure / (gasConstantRatio + (1 - gasConstantRatio) * q) / saturationVapourPressure(temperature)
  }

  private static func exponent(_ temperature: Double) -> Double {
    17.67 * (temperature - 273.15) / (temperature - 29.65)
  }
}
