import ArgumentParser
import Basics
import Verification

/// `--threshold-from`.
struct ThresholdRule: ExpressibleByArgument {
  private enum Rule {
    case constant(Double)
    case meanPlus(Double)
    /// Place among the levels of `ClimateQuantiles`.
    case percentile(place: Int)
  }
  private let rule: Rule
  let text: String

  init?(argument: String) {
    text = argument
    if let number = Double(argument), number.isFinite {
      rule = .constant(number)
      return
    }
    guard argument.hasPrefix("climate:") else { return nil }
    let words = argument.dropFirst("climate:".count)
    if words.hasPrefix("p"), let percent = Double(words.dropFirst()),
      let place = ClimateQuantiles.place(percent: percent)
    {
      rule = .percentile(place: place)
    } else if words == "mean" {
      rule = .meanPlus(0)
    } else if words.hasPrefix("mean"), words.hasSuffix("std") {
      let factor = words.dropFirst("mean".count).dropLast("std".count)
      switch factor {
      case "+": rule = .meanPlus(1)
      case "-": rule = .meanPlus(-1)
      default:
        guard factor.hasPrefix("+") || factor.hasPrefix("-"), let number = Double(factor), number.isFinite
        else { return nil }
        rule = .meanPlus(number)
      }
    } else {
      return nil
    }
  }

  /// The number that it is everywhere; nil where it depends on the climate.
  var constant: Double? { if case .constant(let value) = rule { value } else { nil } }

  var needsClimate: Bool { if case .constant = rule { false } else { true } }

  /// [point]
  func threshold(_ climate: ClimateQuantiles?, points: Int) throws -> [Double] {
    switch (rule, climate) {
    case (.constant(let value), _): return [Double](repeating: value, count: points)
    case (.meanPlus(let factor), let climate?): return climate.meanPlus(standardDeviations: factor)
    case (.percentile(let place), let climate?): return climate.quantile(place: place)
    default: throw ApusError(.usage, "the threshold needs a climate", expected: "--climate")
    }
  }
}
