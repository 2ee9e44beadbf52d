import Foundation

/// JSON with its keys in order: the same bytes for equal values.
public enum SortedJSON {
  /// The bytes of a value.
  /// - Parameters:
  ///   - isPretty: in lines, for people.
  ///   - writesNonFinite: writes what is no number as "inf", "-inf" or "nan", which reading back does not understand.
  ///   - snakeCase: writes properties as `lead_hours`, the way users read them everywhere; keys of dictionaries stay.
  /// - Throws: `EncodingError`, for numbers that are not finite, too.
  public static func data(
    _ value: some Encodable, isPretty: Bool = false, writesNonFinite: Bool = false, snakeCase: Bool = false
  ) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    if writesNonFinite {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }
    if snakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
    return try encoder.encode(value)
  }

  /// The same as text.
  /// - Throws: as `data`.
  public static func text(_ value: some Encodable, isPretty: Bool = false) throws -> String {
    String(decoding: try data(value, isPretty: isPretty), as: UTF8.self)
  }

  /// SHA-256 of a value's bytes, in hexadecimal.
  /// - Throws: as `data`.
  public static func digest(_ value: some Encodable) throws -> String {
    SHA256.hexadecimal(of: Array(try data(value)))
  }
}
