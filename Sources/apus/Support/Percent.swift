import Foundation

/// Parts of a whole in words.
enum Percent {
  /// `95 %`, `99.9 %`: as many digits as the number has.
  static func text(_ part: Double) -> String { String(format: "%g %%", 100 * part) }
}
