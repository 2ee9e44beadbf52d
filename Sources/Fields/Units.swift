import Basics

/// Units of measurement as files spell them, and how to get from one to another.
public enum Units {
  /// Standard gravity [m s-2]: geopotential over geopotential height (WMO, ECMWF).
  public static let standardGravity = 9.80665

  /// A linear change of unit.
  public struct Conversion: Sendable, Hashable {
    /// new = scale x old + offset.
    public let scale: Double
    /// Added after scaling.
    public let offset: Double
    /// Changes nothing.
    public var isIdentity: Bool { scale == 1 && offset == 0 }
  }

  /// One spelling for all: `s**-1`, `s^-1`, `1/s` become `s-1`; `mbar` becomes `hPa`.
  public static func canonical(_ text: String) -> String {
    var plain = text.replacing("**", with: "").replacing("^", with: "").split(separator: " ")
      .joined(separator: " ")
    if let other = spellings[plain] ?? spellings[plain.lowercased()] { plain = other }
    return plain
  }

  private static let spellings: [String: String] = [
    "m/s": "m s-1", "m.s-1": "m s-1", "1/s": "s-1", "m2/s2": "m2 s-2", "gpm": "m", "metre": "m", "meter": "m",
    "metres": "m", "meters": "m", "pascal": "Pa", "pa": "Pa", "hpa": "hPa", "mbar": "hPa", "mb": "hPa",
    "millibar": "hPa", "millibars": "hPa", "kelvin": "K", "k": "K", "degk": "K", "degc": "degC",
    "celsius": "degC", "deg_c": "degC", "°c": "degC", "kg/kg": "kg kg-1", "g/kg": "g kg-1", "kg/m2": "kg m-2",
    "kg/m**2": "kg m-2", "percent": "%", "pa/s": "Pa s-1", "(0 - 1)": "1", "0-1": "1",
    "dimensionless": "1", "": "1", "fraction": "1",
  ]

  private static let table: [String: [String: Conversion]] = [
    "Pa": ["hPa": Conversion(scale: 100, offset: 0), "kPa": Conversion(scale: 1000, offset: 0)],
    "K": ["degC": Conversion(scale: 1, offset: 273.15)],
    "kg kg-1": ["g kg-1": Conversion(scale: 1e-3, offset: 0), "1": Conversion(scale: 1, offset: 0)],
    "m": [
      "m2 s-2": Conversion(scale: 1 / standardGravity, offset: 0), "km": Conversion(scale: 1000, offset: 0),
      "dam": Conversion(scale: 10, offset: 0),
    ],
    "m2 s-2": ["m": Conversion(scale: standardGravity, offset: 0)],
    "kg m-2": ["m": Conversion(scale: 1000, offset: 0), "mm": Conversion(scale: 1, offset: 0)],
    "m s-1": [
      "km h-1": Conversion(scale: 1 / 3.6, offset: 0), "knot": Conversion(scale: 1852.0 / 3600, offset: 0),
    ],
    "%": ["1": Conversion(scale: 100, offset: 0)],
    "1": ["%": Conversion(scale: 0.01, offset: 0)],
  ]

  /// The way from one unit to another.
  /// - Throws: `ApusError` of kind `badData` naming file and variable where there is none.
  public static func conversion(
    from found: String, to wanted: String, file: String? = nil, variable: String? = nil
  ) throws -> Conversion {
    let (old, new) = (canonical(found), canonical(wanted))
    if old == new { return Conversion(scale: 1, offset: 0) }
    if let way = table[new]?[old] { return way }
    throw ApusError(
      .badData, "units are wrong", file: file, variable: variable, found: "'\(found)'",
      expected: "'\(wanted)'" + (table[new].map { " or \($0.keys.sorted().joined(separator: ", "))" } ?? ""),
      advice: "Set the right units attribute, for example with: ncatted -a units,VARIABLE,o,c,'\(wanted)'.")
  }
}
