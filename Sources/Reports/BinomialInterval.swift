import Foundation

/// The central interval of a binomial distribution.
package enum BinomialInterval {
  /// The smallest counts that are not exceeded with the probabilities (1 - coverage) / 2 and
  /// (1 + coverage) / 2 in `trials` trials of the given probability. Exact below a variance of 1e6, by the
  /// normal distribution above (then the difference is less than 1 in 1000 of the width).
  package static func central(trials: Double, probability: Double, coverage: Double = 0.95) -> (
    low: Double, high: Double
  ) {
    let n = trials.rounded()
    let p = min(max(probability, 0), 1)
    guard n >= 1, n.isFinite, p > 0, p < 1 else { return (n * p, n * p) }
    let mean = n * p
    let deviation = (mean * (1 - p)).squareRoot()
    if deviation > 1000 {
      // 1.959964 is the 97.5th percentile of the normal distribution.
      let reach = coverage == 0.95 ? 1.959964 : 2.0.squareRoot() * Self.inverseErrorFunction(coverage)
      return (mean - reach * deviation, mean + reach * deviation)
    }
    let first = max(0, (mean - 12 * deviation - 12).rounded(.down))
    let last = min(n, (mean + 12 * deviation + 12).rounded(.up))
    var cumulated = 0.0
    var (low, high) = (first, last)
    var foundLow = false
    var k = first
    while k <= last {
      let ways: Double = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
      let chance: Double = k * log(p) + (n - k) * log1p(-p)
      cumulated += exp(ways + chance)
      if !foundLow && cumulated >= (1 - coverage) / 2 {
        low = k
        foundLow = true
      }
      if cumulated >= (1 + coverage) / 2 {
        high = k
        break
      }
      k += 1
    }
    return (low, high)
  }

  /// Newton's method on erf; |value| < 1.
  private static func inverseErrorFunction(_ value: Double) -> Double {
    var x = 0.0
    for _ in 0..<60 { x -= (erf(x) - value) / (2 / Double.pi.squareRoot() * exp(-x * x)) }
    return x
  }
}
