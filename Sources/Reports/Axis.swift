import Foundation

/// One axis of a chart.
public struct Axis: Sendable, Hashable {
  /// How values are spread along the axis.
  public enum Scale: Sendable, Hashable {
    /// Evenly.
    case linear
    /// By powers of ten; values that are not positive are left out.
    case logarithmic
    /// Values are hours; labels are hours up to two days, days beyond.
    case leadTime
  }

  /// What the values are.
  public var label: String
  /// Unit of the values; empty for none.
  public var units: String
  /// How values are spread along the axis.
  public var scale: Scale
  /// Whether a linear axis includes 0 (scores: yes, or differences look larger than they are).
  public var startsAtZero: Bool
  /// Whether only whole numbers make sense as ticks, as for ranks.
  var hasWholeNumbers = false
  /// The low end; nil to cover the data with round numbers.
  public var low: Double?
  /// The high end; nil to cover the data with round numbers.
  public var high: Double?

  /// An axis; ends that are nil cover the data.
  public init(
    _ label: String, units: String = "", scale: Scale = .linear, startsAtZero: Bool = false,
    low: Double? = nil, high: Double? = nil
  ) {
    self.label = label
    self.units = units
    self.scale = scale
    self.startsAtZero = startsAtZero
    self.low = low
    self.high = high
  }

  /// The axis of lead times in hours.
  public static let leadTime = Axis("Lead time", scale: .leadTime, startsAtZero: true)
  /// The axis of degrees l of spherical harmonics.
  public static let degree = Axis("Degree l", scale: .logarithmic)

  /// An axis with its ends, ticks and labels fixed.
  struct Fitted {
    let low: Double
    let high: Double
    let isLogarithmic: Bool
    let ticks: [Double]
    let labels: [String]
    let minorTicks: [Double]
    /// Label with unit.
    let title: String

    /// 0 at the low end, 1 at the high end; nil where the value has no place.
    func fraction(_ value: Double) -> Double? {
      guard value.isFinite else { return nil }
      guard !isLogarithmic || value > 0 else { return nil }
      let fraction = isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
      return fraction.isFinite ? fraction : nil
    }
  }

  /// Chooses ends and ticks.
  /// - Parameters:
  ///   - values: all data along this axis.
  ///   - target: about how many intervals are wanted.
  ///   - isTight: end at the data rather than at ticks (horizontal axes).
  func fitted(to values: some Sequence<Double>, target: Int, isTight: Bool) -> Fitted {
    var (least, most) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite && (scale != .logarithmic || value > 0) {
      least = min(least, value)
      most = max(most, value)
    }
    let isEmpty = least > most
    if isEmpty { (least, most) = scale == .logarithmic ? (1, 10) : (0, scale == .leadTime ? 24 : 1) }
    if let low, low.isFinite, scale != .logarithmic || low > 0 { least = low }
    if let high, high.isFinite, scale != .logarithmic || high > 0 { most = high }
    if most < least { (least, most) = (most, least) }
    switch scale {
    case .logarithmic: return logarithmic(least, most, target: target, isTight: isTight)
    case .linear, .leadTime:
      if startsAtZero {
        if low == nil { least = min(least, 0) }
        if high == nil { most = max(most, 0) }
      }
      return scale == .leadTime
        ? leadTime(least, most, target: target) : linear(least, most, target: target, isTight: isTight)
    }
  }

  private func title(_ units: String) -> String { units.isEmpty ? label : "\(label) [\(units)]" }

  private func linear(_ least: Double, _ most: Double, target: Int, isTight: Bool) -> Fitted {
    var ticks = Ticks.linear(covering: least, most, target: target)
    if hasWholeNumbers && ticks.step.rounded() != ticks.step {
      let (first, last) = (least.rounded(.up), max(most.rounded(.down), least.rounded(.up)))
      let every = max(ticks.step.rounded(.up), 1)
      ticks = Ticks(values: Array(stride(from: first, through: last, by: every)), step: every)
    }
    var (first, last) = (ticks.values[0], ticks.values.last ?? 1)
    if isTight && most > least || first >= last { (first, last) = (least, max(most, least + 1)) }
    if let low, low.isFinite, low < last { first = low }
    if let high, high.isFinite, high > first { last = high }
    let slack = (last - first) * 1e-6
    let kept = zip(ticks.values, ticks.labels).filter { $0.0 >= first - slack && $0.0 <= last + slack }
    return Fitted(
      low: first, high: last, isLogarithmic: false, ticks: kept.map(\.0), labels: kept.map(\.1),
      minorTicks: [],
      title: title((ticks.exponentPrefix + units).trimmingCharacters(in: .whitespaces)))
  }

  private func leadTime(_ least: Double, _ most: Double, target: Int) -> Fitted {
    // Beyond a hundred thousand years numbers are no lead times, and whole hours no longer exact.
    guard abs(least) < 1e9, abs(most) < 1e9 else { return linear(least, most, target: target, isTight: true) }
    let span = max(most - least, 1)
    let inDays = span > 48
    let steps: [Double] = inDays ? [24, 48, 72, 120, 240, 480, 720] : [1, 3, 6, 12]
    let step =
      steps.first { span / $0 <= Double(target) * 1.6 } ?? (span / Double(target) / 24).rounded(.up) * 24
    let first = (least / step).rounded(.up)
    let last = max(((least + span) / step + 1e-9).rounded(.down), first)
    let ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
    let labels = ticks.map { Ticks.number($0 / (inDays ? 24 : 1), decimals: 0) }
    return Fitted(
      low: least, high: least + span, isLogarithmic: false, ticks: ticks, labels: labels, minorTicks: [],
      title: title(inDays ? "days" : "hours"))
  }

  private func logarithmic(_ least: Double, _ most: Double, target: Int, isTight: Bool) -> Fitted {
    let ticks = Ticks.logarithmic(covering: least, most, target: target)
    var (first, last) = (
      ticks.values[0], max(ticks.values.last ?? 10, pow(10, (log10(most) - 1e-9).rounded(.up)))
    )
    if isTight && most > least { (first, last) = (least, most) }
    let slack = 1e-9
    func isInside(_ value: Double) -> Bool { value >= first * (1 - slack) && value <= last * (1 + slack) }
    var major = zip(ticks.values, ticks.labels).filter { isInside($0.0) }
    var minor: [Double] = []
    var decade = pow(10, log10(first).rounded(.down))
    while decade <= last && minor.count < 200 {
      minor += (2...9).map { Double($0) * decade }.filter(isInside)
      decade *= 10
    }
    // Less than a decade or so has too few powers of ten to read off.
    if major.count < 3 {
      let extra = minor.filter { value in
        [2.0, 5.0].contains { abs(value / pow(10, log10(value / $0).rounded()) - $0) < 1e-6 }
      }
      if first >= 0.01 && last <= 10_000 {
        major = (major + extra.map { ($0, Ticks.short($0)) }).sorted { $0.0 < $1.0 }
      }
    }
    return Fitted(
      low: first, high: last, isLogarithmic: true, ticks: major.map(\.0), labels: major.map(\.1),
      minorTicks: minor, title: title(units))
  }
}
