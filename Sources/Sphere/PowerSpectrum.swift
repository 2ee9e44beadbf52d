/// Power per degree l of a field's spherical harmonic coefficients.
public enum PowerSpectrum {
  /// How the orders m > 0, stored once for +m and -m, are counted.
  public enum Convention: String, Sendable, Codable, CaseIterable {
    /// (|a_l0|^2 + 2 sum_{m>0} |a_lm|^2) / (2 l + 1): the mean square per harmonic.
    case standard
    /// 2 / (2 l + 1) sum_{m>=0} |a_lm|^2, which counts m = 0 twice: HENS' own scripts (spec/hens.md 4.3).
    case hens
  }

  /// Power of degrees 0..<degrees from coefficients [l][m][re, im] of one field
  /// (in the field's unit squared).
  public static func perDegree(
    coefficients: [Double], degrees: Int, orders: Int, convention: Convention = .standard
  ) -> [Double] {
    precondition(coefficients.count == degrees * orders * 2)
    return (0..<degrees).map { l in
      var zonal = 0.0
      var waves = 0.0
      for m in 0...min(l, orders - 1) {
        let at = (l * orders + m) * 2
        let square = coefficients[at] * coefficients[at] + coefficients[at + 1] * coefficients[at + 1]
        if m == 0 { zonal = square } else { waves += square }
      }
      let total = convention == .standard ? zonal + 2 * waves : 2 * (zonal + waves)
      return total / Double(2 * l + 1)
    }
  }
}
