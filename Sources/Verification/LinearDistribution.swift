/// A distribution whose F is linear between bounds; equal bounds are a step.
struct LinearDistribution {
  /// Ascending; first and last are the extremes.
  let bounds: [Double]
  /// F at the bounds, 0 to 1.
  let fractions: [Double]

  /// CRPS = integral (F(x) - 1{x >= y})^2 dx, exactly.
  func crps(_ truth: Double) -> Double {
    guard let least = bounds.first, let most = bounds.last else { return .nan }
    var total = max(least - truth, 0) + max(truth - most, 0)
    for k in 1..<bounds.count {
      let (low, high) = (bounds[k - 1], bounds[k])
      let (a, b) = (fractions[k - 1], fractions[k])
      if truth <= low {
        total += Self.square(a - 1, b - 1, high - low)
      } else if truth >= high {
        total += Self.square(a, b, high - low)
      } else {
        let middle = a + (b - a) * (truth - low) / (high - low)
        total += Self.square(a, middle, truth - low) + Self.square(middle - 1, b - 1, high - truth)
      }
    }
    return total
  }

  /// Half the mean distance of two draws: the integral of F (1 - F).
  var halfMeanDistance: Double {
    var half = 0.0
    for k in 1..<bounds.count {
      let (a, b, width) = (fractions[k - 1], fractions[k], bounds[k] - bounds[k - 1])
      half += width * (a + b) / 2 - Self.square(a, b, width)
    }
    return half
  }

  /// The CRPS of a distribution that stands for a sample of so many, as if they were infinitely many (Ferro 2014).
  func fairCRPS(_ truth: Double, members: Int) -> Double {
    members > 1 ? crps(truth) - halfMeanDistance / Double(members - 1) : .nan
  }

  /// Integral of a linear function's square from a to b over a width.
  private static func square(_ a: Double, _ b: Double, _ width: Double) -> Double {
    width * (a * a + a * b + b * b) / 3
  }
}
