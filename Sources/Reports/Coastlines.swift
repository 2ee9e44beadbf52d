import Foundation

/// The coastlines of the world at 1:110 million (Natural Earth, public domain; tools/make_coastlines.py).
public enum Coastlines {
  /// Lines of (longitude -180...180, latitude) [degrees].
  public static let lines: [[(longitude: Double, latitude: Double)]] = decode(CoastlineData.base64)

  /// Decodes the format of `CoastlineData`; stops at the first number that does not fit.
  static func decode(_ base64: String) -> [[(longitude: Double, latitude: Double)]] {
    guard let data = Data(base64Encoded: base64) else { return [] }
    let bytes = [UInt8](data)
    let numbers = stride(from: 0, to: bytes.count - 1, by: 2).map {
      Int(Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))
    }
    var lines: [[(longitude: Double, latitude: Double)]] = []
    var at = 0
    while at < numbers.count {
      let count = numbers[at]
      guard count > 1, at + 2 * count < numbers.count else { break }
      var (longitude, latitude) = (0, 0)
      lines.append(
        (0..<count).map { point in
          longitude += numbers[at + 1 + 2 * point]
          latitude += numbers[at + 2 + 2 * point]
          return (Double(longitude) / 100, Double(latitude) / 100)
        })
      at += 1 + 2 * count
    }
    return lines
  }
}
