import Foundation

/// Round numbers for axes and colour bars, and how to write them.
public struct Ticks: Sendable, Hashable {
  /// The values, increasing; at least two.
  public let values: [Double]
  /// Distance between values; 0 on a logarithmic scale.
  public let step: Double

  /// Round values at steps of 1, 2, 2.5 or 5 times a power of ten that cover `low`...`high`.
  ///
  /// Degenerate ranges (equal, reversed, not finite) are widened or replaced rather than refused, for
  /// fields may be constant or empty.
  /// - Parameter target: about how many intervals are wanted.
  public static func linear(covering low: Double, _ high: Double, target: Int) -> Ticks {
    var (low, high) = (min(low, high), max(low, high))
    if !low.isFinite || !high.isFinite || abs(low) > 1e300 || abs(high) > 1e300 { (low, high) = (0, 1) }
    if high - low <= 1e-9 * max(abs(low), abs(high)) {
      let margin = low == 0 ? 1 : abs(low) * 0.01
      (low, high) = (low - margin, high + margin)
    }
    if high - low < 1e-290 { (low, high) = (0, 1) }
    let rough = (high - low) / Double(max(target, 1))
    let power = pow(10, log10(rough).rounded(.down))
    let multiple =
      [1, 2, 2.5, 5, 10].min { abs(log($0 * power / rough)) < abs(log($1 * power / rough)) } ?? 1
    let step = multiple * power
    // A tolerance, so that 0.30000000000000004 does not need one more interval than 0.3.
    let first = (low / step + 1e-6).rounded(.down)
    let last = max((high / step - 1e-6).rounded(.up), first + 1)
    let count = Int(last - first)
    return Ticks(values: (0...count).map { clean((first + Double($0)) * step, step: step) }, step: step)
  }

  /// Powers of ten that cover `low`...`high`, both positive; degenerate ranges are widened.
  /// - Parameter target: about how many intervals are wanted at most; decades are skipped to keep to it.
  public static func logarithmic(covering low: Double, _ high: Double, target: Int) -> Ticks {
    var (low, high) = (min(low, high), max(low, high))
    if !(low > 0) || !high.isFinite { (low, high) = (1, 10) }
    let first = Int((log10(low) + 1e-9).rounded(.down))
    let last = max(Int((log10(high) - 1e-9).rounded(.up)), first + 1)
    let every = max(1, Int((Double(last - first) / Double(max(target, 1))).rounded(.up)))
    var exponents = Array(stride(from: first, through: last, by: every))
    if exponents.count < 2 { exponents = [first, last] }
    return Ticks(values: exponents.map { pow(10, Double($0)) }, step: 0)
  }

  /// Removes the rounding noise of `value` relative to `step`.
  private static func clean(_ value: Double, step: Double) -> Double {
    let places = Int(max(0, 2 - log10(step).rounded(.down)))
    guard places < 300 else { return value }
    return abs(value) < step * 1e-6 ? 0 : (Double(String(format: "%.\(min(places, 300))f", value)) ?? value)
  }

  /// The power of ten taken out of the labels, a multiple of 3 (0 where plain numbers read well).
  public var exponent: Int {
    let largest = values.map(abs).max() ?? 0
    guard step > 0, largest > 0, largest >= 99_999 || largest < 0.01 else { return 0 }
    return Int((log10(largest) / 3).rounded(.down)) * 3
  }

  /// The values as text, all with the same number of decimals, divided by 10^`exponent`.
  public var labels: [String] {
    guard step > 0 else { return values.map(Self.powerOfTen) }
    let scale = pow(10, Double(exponent))
    var decimals = 0
    while decimals < 6 {
      let shifted = step / scale * pow(10, Double(decimals))
      if abs(shifted - shifted.rounded()) < 1e-6 * shifted { break }
      decimals += 1
    }
    return values.map { Self.number($0 / scale, decimals: decimals) }
  }

  /// "×10⁻⁵ " in front of a unit where `exponent` is not 0, otherwise nothing.
  public var exponentPrefix: String {
    exponent == 0 ? "" : "×10\(Self.superscript(exponent)) "
  }

  /// `value` with fixed decimals and a true minus sign.
  static func number(_ value: Double, decimals: Int) -> String {
    let text = String(format: "%.\(decimals)f", abs(value))
    let isZero = !text.contains { "123456789".contains($0) }
    return value < 0 && !isZero ? "−" + text : text
  }

  /// A short text for one value: three significant digits, from 1000 on all whole digits.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "no value" }
    let isLarge = abs(value) >= 999.5 && abs(value) < 1e7
    return String(format: isLarge ? "%.0f" : "%.3g", value).replacingOccurrences(of: "-", with: "−")
  }

  /// 0.1, 1, 10, 100, 1000 plainly, other powers as 10⁻⁵.
  private static func powerOfTen(_ value: Double) -> String {
    let exponent = Int(log10(value).rounded())
    switch exponent {
    case -1: return "0.1"
    case 0...3: return String(Int(pow(10, Double(exponent))))
    default: return "10" + superscript(exponent)
    }
  }

  static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (number < 0 ? "⁻" : "")
      + String(String(abs(number)).compactMap { $0.wholeNumberValue }.map { digits[$0] })
  }
}
