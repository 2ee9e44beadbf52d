/// How a person keeps the core at 310 K, from the coldest to the hottest air (Lu and Romps 2022, regions I to
/// VI). Each case holds the one number that says how hot it feels: two kinds of air of the same number feel
/// alike.
enum Thermoregulation {
  /// Region I: clothes that let nothing through cover this fraction of the skin, 0.84 or more.
  case covering(fraction: Double)
  /// Regions II and III: 0.84 of the skin is under clothes of this resistance to heat [K m2 W-1].
  case clothing(resistance: Double)
  /// Regions IV and V: naked; the flow of blood gives the skin this resistance to heat [K m2 W-1].
  case bloodFlow(skinResistance: Double)
  /// Region VI: no longer; the core warms at this rate [K s-1], 0 or more.
  case warming(rate: Double)

  private typealias Person = IdealPerson

  /// What the person does in air of a temperature [K] and vapour pressure [Pa].
  init(air: Double, vapour: Double) {
    let net = Person.netHeat(air: .constant(air), vapour: .constant(vapour)).value
    let bare = Self.skinTemperature(of: .exposed, air: air, vapour: vapour, from: Person.coreTemperature)
    let bareHeat = (1 - Person.clothedFraction) * (Person.coreTemperature - bare) / Person.skinResistance
    if net <= bareHeat {
      self = .covering(fraction: 1 - net * Person.skinResistance / (Person.coreTemperature - bare))
      return
    }
    let open = Self.skinTemperature(of: .clothed, air: air, vapour: vapour, from: bare)
    // What must pass through the clothes, per area that they cover.
    let through = (net - bareHeat) / Person.clothedFraction
    if through <= (Person.coreTemperature - open) / Person.skinResistance {
      let skin = Person.coreTemperature - through * Person.skinResistance
      self = .clothing(resistance: Self.resistance(air: air, vapour: vapour, skin: skin, through: through))
      return
    }
    let naked = Person.Surface.naked
    let surplus =
      net - naked.heat(.constant(Person.coreTemperature), air: .constant(air)).value
      - (Person.corePressure - vapour) / naked.vapourResistance
    if surplus >= 0 {
      self = .warming(rate: surplus / Person.heatCapacity)
      return
    }
    let skin = DualNumber.root(from: 305, in: 0...Person.coreTemperature) { skin in
      let resistance = (Person.coreTemperature - skin) * (1 / net)
      return naked.heat(skin, air: .constant(air))
        + Self.sweat(skin, resistance: resistance, vapour: vapour) - net
    }
    self = .bloodFlow(skinResistance: (Person.coreTemperature - skin) / net)
  }

  /// The temperature [K] of the air, at the heat index's reference humidity, in which the person does this.
  func referenceTemperature(near guess: Double) -> Double {
    switch self {
    case .covering(let fraction): Self.coveringTemperature(fraction, near: guess)
    case .clothing(let resistance): Self.clothingTemperature(resistance, near: guess)
    case .bloodFlow(let resistance):
      // The three kinds of surface differ, so that regions III and IV do not join exactly.
      max(Self.bloodFlowTemperature(resistance, near: guess), Self.undressing)
    case .warming(let rate): Self.warmingTemperature(rate)
    }
  }

  // MARK: - Balances of heat

  /// Temperature [K] of skin of the ordinary resistances with nothing over it.
  private static func skinTemperature(
    of surface: Person.Surface, air: Double, vapour: Double, from guess: Double
  ) -> Double {
    DualNumber.root(from: guess, in: 0...1000) {
      skinBalance(of: surface, $0, air: .constant(air), vapour: .constant(vapour))
    }
  }

  /// Heat that leaves that skin less heat that reaches it [W m-2].
  private static func skinBalance(
    of surface: Person.Surface, _ skin: DualNumber, air: DualNumber, vapour: DualNumber
  ) -> DualNumber {
    surface.heat(skin, air: air)
      + (Person.corePressure - vapour) * (1 / (Person.skinVapourResistance + surface.vapourResistance))
      - (Person.coreTemperature - skin) * (1 / Person.skinResistance)
  }

  /// Resistance of the clothes [K m2 W-1] through which this heat [W m-2] leaves skin of this temperature
  /// [K].
  private static func resistance(air: Double, vapour: Double, skin: Double, through: Double) -> Double {
    let surface = Person.Surface.clothed
    let open = Person.skinVapourResistance + surface.vapourResistance
    let cloth = DualNumber.root(from: (air + skin) / 2, in: air...max(air, skin)) { cloth in
      let dry = surface.heat(cloth, air: .constant(air))
      return dry - through
        + dry * (Person.corePressure - vapour) / (dry * open + (skin - cloth) * Person.clothVapourRatio)
    }
    // Without end where regions I and II meet; a number that high keeps the arithmetic finite.
    let dry = surface.heat(.constant(cloth), air: .constant(air)).value
    return min((skin - cloth) / max(dry, 1e-12), 1e9)
  }

  /// Heat by evaporation from naked skin [W m-2]: what diffuses through it (region IV), at most what leaves
  /// it when it is wet (region V).
  private static func sweat(_ skin: DualNumber, resistance: DualNumber, vapour: Double) -> DualNumber {
    let air = Person.Surface.naked.vapourResistance
    let diffusing =
      DualNumber.constant(Person.corePressure - vapour) / (Person.vapourResistance(skin: resistance) + air)
    let wet = (WaterVapour.saturationPressure(skin) * Person.saltiness - vapour) * (1 / air)
    return .smaller(diffusing, wet)
  }

  // MARK: - At the reference humidity

  /// The heat index is the temperature in air of this vapour pressure [Pa], saturated where it is colder.
  private static let referenceVapour = 1600.0

  /// Where clothes are taken off (regions III and IV), at the reference humidity [K].
  private static let undressing = DualNumber.root(from: 298, in: 290...310) { air in
    let vapour = DualNumber.constant(referenceVapour)
    let bare = solved(.exposed, air: air, vapour: vapour, from: 305)
    let open = solved(.clothed, air: air, vapour: vapour, from: 305)
    let loss =
      (Person.coreTemperature - bare) * (1 - Person.clothedFraction)
      + (Person.coreTemperature - open) * Person.clothedFraction
    return Person.netHeat(air: air, vapour: vapour) - loss * (1 / Person.skinResistance)
  }

  /// The skin's temperature with its derivative, by the rule for implicit functions.
  private static func solved(
    _ surface: Person.Surface, air: DualNumber, vapour: DualNumber, from guess: Double
  ) -> DualNumber {
    let skin = skinTemperature(of: surface, air: air.value, vapour: vapour.value, from: guess)
    let slope = skinBalance(
      of: surface, .unknown(skin), air: .constant(air.value), vapour: .constant(vapour.value)
    ).slope
    let rest = skinBalance(of: surface, .constant(skin), air: air, vapour: vapour)
    return DualNumber(value: skin, slope: -rest.slope / slope)
  }

  private static func coveringTemperature(_ fraction: Double, near guess: Double) -> Double {
    DualNumber.root(from: guess, in: 0...300) { air in
      let vapour = WaterVapour.saturationPressure(air)
      let heat = Person.netHeat(air: air, vapour: vapour) * (1 / (1 - fraction))
      // All the heat leaves by the bare skin, whose temperature follows.
      let skin = Person.coreTemperature - heat * Person.skinResistance
      return .constant(0) - skinBalance(of: .exposed, skin, air: air, vapour: vapour)
    }
  }

  private static func clothingTemperature(_ resistance: Double, near guess: Double) -> Double {
    let surface = Person.Surface.clothed
    let vapourResistance =
      Person.skinVapourResistance + surface.vapourResistance + Person.clothVapourRatio * resistance
    var (bareGuess, clothGuess) = (305.0, guess)
    return DualNumber.root(from: guess, in: 200...320) { air in
      let vapour = DualNumber.smaller(WaterVapour.saturationPressure(air), .constant(referenceVapour))
      let bare = solved(.exposed, air: air, vapour: vapour, from: bareGuess)
      bareGuess = bare.value
      let bareHeat =
        (Person.coreTemperature - bare) * ((1 - Person.clothedFraction) / Person.skinResistance)
      let through = (Person.netHeat(air: air, vapour: vapour) - bareHeat) * (1 / Person.clothedFraction)
      let skin = Person.coreTemperature - through * Person.skinResistance
      let dry = through - (Person.corePressure - vapour) * (1 / vapourResistance)
      // The surface of the clothes that gives off this heat.
      clothGuess = DualNumber.root(from: clothGuess, in: 0...1000) {
        surface.heat($0, air: .constant(air.value)) - dry.value
      }
      let slope = surface.heat(.unknown(clothGuess), air: .constant(air.value)).slope
      let rest = surface.heat(.constant(clothGuess), air: air) - dry
      let cloth = DualNumber(value: clothGuess, slope: -rest.slope / slope)
      return dry * resistance - (skin - cloth)
    }
  }

  private static func bloodFlowTemperature(_ resistance: Double, near guess: Double) -> Double {
    DualNumber.root(from: min(max(guess, 298), 345), in: 280...360) { air in
      let net = Person.netHeat(air: air, vapour: .constant(referenceVapour))
      let skin = Person.coreTemperature - net * resistance
      return net - Person.Surface.naked.heat(skin, air: air)
        - sweat(skin, resistance: .constant(resistance), vapour: referenceVapour)
    }
  }

  private static func warmingTemperature(_ rate: Double) -> Double {
    let naked = Person.Surface.naked
    let stored = rate * Person.heatCapacity + (Person.corePressure - referenceVapour) / naked.vapourResistance
    return DualNumber.root(from: 350, in: 300...5000) { air in
      Person.netHeat(air: air, vapour: .constant(referenceVapour))
        - naked.heat(.constant(Person.coreTemperature), air: air) - stored
    }
  }
}
