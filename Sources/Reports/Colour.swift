import Foundation

/// A colour in sRGB.
public struct Colour: Sendable, Hashable {
  /// Red, green and blue, 0...255.
  public let red: UInt8
  /// Green, 0...255.
  public let green: UInt8
  /// Blue, 0...255.
  public let blue: UInt8
  /// Opacity 0...1.
  public let opacity: Double

  /// A colour of the given components.
  public init(red: UInt8, green: UInt8, blue: UInt8, opacity: Double = 1) {
    self.red = red
    self.green = green
    self.blue = blue
    self.opacity = min(max(opacity, 0), 1)
  }

  /// A colour written as in HTML: 0xRRGGBB.
  public init(_ hexadecimal: UInt32, opacity: Double = 1) {
    self.init(
      red: UInt8(hexadecimal >> 16 & 255), green: UInt8(hexadecimal >> 8 & 255),
      blue: UInt8(hexadecimal & 255), opacity: opacity)
  }

  /// The colour as 0xRRGGBB, without opacity.
  public var hexadecimal: UInt32 { UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue) }

  /// The same colour with another opacity.
  public func withOpacity(_ opacity: Double) -> Colour {
    Colour(red: red, green: green, blue: blue, opacity: opacity)
  }

  static let white = Colour(0xffffff)
  static let ink = Colour(0x1f2933)
  static let mutedInk = Colour(0x5b6770)
  static let grid = Colour(0xe3e7ea)
  static let frame = Colour(0x8a949b)
  /// Where a field has no value.
  static let missing = Colour(0xc9c9c9)
}

/// CIE 1976 L*a*b* under the illuminant D65: distances there are about perceived differences.
package struct LabColour: Sendable, Hashable {
  package var lightness: Double
  package var a: Double
  package var b: Double

  package init(lightness: Double, a: Double, b: Double) {
    self.lightness = lightness
    self.a = a
    self.b = b
  }

  // IEC 61966-2-1 (sRGB) matrices and the D65 white point.
  private static let whitePoint = (x: 0.95047, y: 1.0, z: 1.08883)

  /// Converts from sRGB (IEC 61966-2-1; CIE 15:2004).
  package init(_ colour: Colour) {
    func linear(_ component: UInt8) -> Double {
      let value = Double(component) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    let (r, g, b) = (linear(colour.red), linear(colour.green), linear(colour.blue))
    func f(_ t: Double) -> Double { t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116 }
    let x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / Self.whitePoint.x)
    let y = f((0.2126729 * r + 0.7151522 * g + 0.0721750 * b) / Self.whitePoint.y)
    let z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / Self.whitePoint.z)
    self.init(lightness: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z))
  }

  /// The nearest sRGB colour, each component clipped.
  package var colour: Colour {
    func inverse(_ f: Double) -> Double {
      let cube = f * f * f
      return cube > 216.0 / 24389 ? cube : (116 * f - 16) * 27 / 24389
    }
    let fy = (lightness + 16) / 116
    let x = inverse(fy + a / 500) * Self.whitePoint.x
    let y = inverse(fy) * Self.whitePoint.y
    let z = inverse(fy - b / 200) * Self.whitePoint.z
    func component(_ linear: Double) -> UInt8 {
      let clipped = min(max(linear, 0), 1)
      let value = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * pow(clipped, 1 / 2.4) - 0.055
      return UInt8((value * 255).rounded())
    }
    return Colour(
      red: component(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
      green: component(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
      blue: component(0.0556434 * x - 0.2040259 * y + 1.0572252 * z))
  }

  /// CIE 1976 colour difference.
  package func difference(from other: LabColour) -> Double {
    let (dl, da, db) = (lightness - other.lightness, a - other.a, b - other.b)
    return (dl * dl + da * da + db * db).squareRoot()
  }

  func interpolated(to other: LabColour, fraction: Double) -> LabColour {
    LabColour(
      lightness: lightness + fraction * (other.lightness - lightness), a: a + fraction * (other.a - a),
      b: b + fraction * (other.b - b))
  }
}
