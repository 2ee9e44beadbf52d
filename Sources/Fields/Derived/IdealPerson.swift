import Foundation

/// The person of the heat index: walking in the shade, of the constants of Lu and Romps (2022), most of them
/// Steadman's (1979). Heat and vapour flow per area of skin.
enum IdealPerson {
  /// Temperature of the core [K].
  static let coreTemperature = 310.0
  /// Vapour pressure of sweat over that of pure water.
  static let saltiness = 0.9
  /// Vapour pressure of the core [Pa].
  static let corePressure = saltiness * WaterVapour.saturationPressure(coreTemperature)
  /// Heat made [W m-2].
  static let metabolicHeat = 180.0
  /// Heat capacity of the core [J K-1 m-2]: 83.6 kg of 3492 J kg-1 K-1, 1.69 m tall, over the skin's area
  /// (DuBois and DuBois 1916).
  static let heatCapacity = 83.6 * 3492 / (0.202 * pow(83.6, 0.425) * pow(1.69, 0.725))
  /// Fraction of the skin that ordinary clothes cover.
  static let clothedFraction = 0.84
  /// Resistance of skin to heat [K m2 W-1] and to vapour [Pa m2 W-1], unless more blood flows through it.
  static let skinResistance = 0.0387
  static let skinVapourResistance = 52.1
  /// Resistance of clothes to vapour over that to heat [Pa K-1].
  static let clothVapourRatio = 124.0

  /// What breathing takes away for each K and each Pa between core and air [W m-2 K-1], [W m-2 Pa-1]: air of
  /// 1013 hPa, of which 1.43e-6 kg is breathed in for each joule made.
  private static let breathHeat = 1.43e-6 * metabolicHeat * WaterVapour.heatCapacityDryAir
  private static let breathVapour =
    1.43e-6 * metabolicHeat * WaterVapour.latentHeat(coreTemperature) * WaterVapour.gasConstantDryAir
    / (101_300 * WaterVapour.gasConstant)

  /// Heat made less what breathing takes away [W m-2], in air of this temperature [K] and vapour pressure
  /// [Pa].
  static func netHeat(air: DualNumber, vapour: DualNumber) -> DualNumber {
    metabolicHeat - (coreTemperature - air) * breathHeat - (corePressure - vapour) * breathVapour
  }

  /// Resistance to vapour [Pa m2 W-1] of skin of this resistance to heat [K m2 W-1], as blood flow sets it.
  static func vapourResistance(skin: DualNumber) -> DualNumber {
    let square = skin * skin
    return square * square * skin * 6e8
  }

  /// A kind of surface by how it gives heat and vapour to the air.
  struct Surface {
    /// Heat by convection [W m-2 K-1].
    let convection: Double
    /// Heat by radiation [W m-2 K-4]: emissivity 0.97, the fraction that sees the surroundings, and
    /// Stefan's and Boltzmann's constant.
    let radiation: Double
    /// Resistance of the air at the surface to vapour [Pa m2 W-1].
    let vapourResistance: Double

    private init(convection: Double, radiatingFraction: Double) {
      self.convection = convection
      radiation = 0.97 * radiatingFraction * 5.67e-8
      vapourResistance = 60.6 / convection
    }

    /// The bare skin of a clothed person; clothes, or the skin below where they resist nothing; a naked
    /// person.
    static let exposed = Surface(convection: 17.4, radiatingFraction: 0.85)
    static let clothed = Surface(convection: 11.6, radiatingFraction: 0.79)
    static let naked = Surface(convection: 12.3, radiatingFraction: 0.80)

    /// Dry heat from this surface to the air [W m-2], temperatures in K.
    func heat(_ temperature: DualNumber, air: DualNumber) -> DualNumber {
      potential(temperature) - potential(air)
    }

    private func potential(_ temperature: DualNumber) -> DualNumber {
      let t = temperature.value
      let cube = radiation * t * t * t
      return DualNumber(
        value: t * (convection + cube), slope: temperature.slope * (convection + 4 * cube))
    }
  }
}
