import Foundation

/// Water vapour as the heat index has it: constant heat capacities, so that saturation has a closed form
/// (Rankine-Kirchhoff; Romps 2017, J. Atmos. Sci. 74, 3779).
enum WaterVapour {
  /// Triple point [K], [Pa].
  static let tripleTemperature = 273.16
  static let triplePressure = 611.65
  /// Gas constants of dry air and of vapour [J kg-1 K-1].
  static let gasConstantDryAir = 287.04
  static let gasConstant = 461.0
  /// Heat capacity of dry air at constant pressure [J kg-1 K-1].
  static let heatCapacityDryAir = 719 + gasConstantDryAir
  /// Heat capacities [J kg-1 K-1]: vapour at constant volume, liquid, ice.
  private static let vapour = 1418.0
  private static let liquid = 4119.0
  private static let ice = 1861.0
  /// Differences of internal energy at the triple point [J kg-1]: vapour and liquid, liquid and ice.
  private static let evaporation = 2.3740e6
  private static let melting = 0.3337e6

  /// Latent heat of evaporation [J kg-1].
  static func latentHeat(_ temperature: Double) -> Double {
    evaporation + (vapour - liquid) * (temperature - tripleTemperature) + gasConstant * temperature
  }

  /// Saturation vapour pressure [Pa], over ice below the triple point.
  static func saturationPressure(_ temperature: DualNumber) -> DualNumber {
    let t = temperature.value
    let isIce = t < tripleTemperature
    // p = p_triple (T / T_triple)^power exp(scale (1 / T_triple - 1 / T))
    let power = (vapour + gasConstant - (isIce ? ice : liquid)) / gasConstant
    let energy =
      isIce
      ? evaporation + melting - (vapour - ice) * tripleTemperature
      : evaporation - (vapour - liquid) * tripleTemperature
    let scale = energy / gasConstant
    let inverse = 1 / t
    let pressure =
      triplePressure * exp(power * log(t / tripleTemperature) + scale * (1 / tripleTemperature - inverse))
    let slope = pressure * (power + scale * inverse) * inverse
    return DualNumber(value: pressure, slope: slope * temperature.slope)
  }

  /// Saturation vapour pressure [Pa] of a known temperature [K].
  static func saturationPressure(_ temperature: Double) -> Double {
    saturationPressure(.constant(temperature)).value
  }
}
