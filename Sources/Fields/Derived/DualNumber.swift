/// A value and its derivative with respect to one unknown: arithmetic with these differentiates as it
/// computes (forward-mode automatic differentiation), so that Newton's method needs no derivatives by hand.
struct DualNumber {
  /// The value.
  var value: Double
  /// Its derivative.
  var slope: Double

  /// The unknown itself.
  static func unknown(_ value: Double) -> DualNumber { DualNumber(value: value, slope: 1) }
  /// A number that does not depend on the unknown.
  static func constant(_ value: Double) -> DualNumber { DualNumber(value: value, slope: 0) }

  static func + (a: DualNumber, b: DualNumber) -> DualNumber {
    DualNumber(value: a.value + b.value, slope: a.slope + b.slope)
  }
  static func - (a: DualNumber, b: DualNumber) -> DualNumber {
    DualNumber(value: a.value - b.value, slope: a.slope - b.slope)
  }
  static func * (a: DualNumber, b: DualNumber) -> DualNumber {
    DualNumber(value: a.value * b.value, slope: a.slope * b.value + a.value * b.slope)
  }
  static func / (a: DualNumber, b: DualNumber) -> DualNumber {
    let inverse = 1 / b.value
    let ratio = a.value * inverse
    return DualNumber(value: ratio, slope: (a.slope - ratio * b.slope) * inverse)
  }

  static func + (a: DualNumber, b: Double) -> DualNumber { DualNumber(value: a.value + b, slope: a.slope) }
  static func - (a: DualNumber, b: Double) -> DualNumber { DualNumber(value: a.value - b, slope: a.slope) }
  static func - (a: Double, b: DualNumber) -> DualNumber { DualNumber(value: a - b.value, slope: -b.slope) }
  static func * (a: DualNumber, b: Double) -> DualNumber {
    DualNumber(value: a.value * b, slope: a.slope * b)
  }

  /// The one of smaller value.
  static func smaller(_ a: DualNumber, _ b: DualNumber) -> DualNumber { a.value <= b.value ? a : b }

  /// The root of a function that increases through it, by Newton's method; where a step leaves the bracket,
  /// which the values seen so far narrow, it is halved instead.
  ///
  /// Convergence is quadratic: a last step below 1e-5 leaves an error of 1e-9 or less.
  /// - Parameters:
  ///   - start: a first guess.
  ///   - bracket: holds the root.
  @inline(__always) static func root(
    from start: Double, in bracket: ClosedRange<Double>, of function: (DualNumber) -> DualNumber
  ) -> Double {
    var (low, high) = (bracket.lowerBound, bracket.upperBound)
    var x = min(max(start, low), high)
    for _ in 0..<100 {
      let found = function(.unknown(x))
      if found.value > 0 { high = x } else { low = x }
      var next = x - found.value / found.slope
      if !(next >= low && next <= high) { next = (low + high) / 2 }
      let step = next - x
      x = next
      if abs(step) < 1e-5 { break }
    }
    return x
  }
}
