import Foundation

/// Sizes as a person reads them.
enum Sizes {
  /// `1234567` as `1.2 MB` (powers of 1000).
  static func text(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB", "TB"] {
      if value < 1000 || unit == "TB" {
        return unit == "B" ? "\(bytes) B" : String(format: "%.1f %@", value, unit)
      }
      value /= 1000
    }
    return "\(bytes) B"
  }
}
