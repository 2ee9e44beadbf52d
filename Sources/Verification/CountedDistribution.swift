import Foundation

/// A distribution known by how many of N members lie above some bounds, and by its extremes: F is taken as linear
/// between the bounds.
///
/// With the bounds of `DistributionLadder` its CRPS is within a hundredth of the spread of the members' own
/// (docs/huge-ensembles.md gives the measured difference); it is exact where members lie evenly between bounds.
public struct CountedDistribution: Sendable {
  /// Bounds, ascending, first and last the extremes.
  private let bounds: [Double]
  /// F at the bounds, 0 to 1.
  private let fractions: [Double]
  private let members: Int

  /// A distribution from counts.
  /// - Parameters:
  ///   - bounds: ascending.
  ///   - above: members above each bound.
  ///   - least: of all members; so is `most`.
  public init(bounds: [Double], above: [Int], least: Double, most: Double, members: Int) {
    var (places, fractions) = ([least], [0.0])
    for (bound, count) in zip(bounds, above) where bound > least && bound < most {
      places.append(bound)
      fractions.append(1 - Double(count) / Double(members))
    }
    places.append(most)
    fractions.append(1)
    self.bounds = places
    self.fractions = fractions
    self.members = members
  }

  /// CRPS = integral (F(x) - 1{x >= y})^2 dx.
  public func crps(_ truth: Double) -> Double {
    LinearDistribution(bounds: bounds, fractions: fractions).crps(truth)
  }

  /// The fair CRPS: as if the members were a sample of infinitely many (Ferro 2014).
  public func fairCRPS(_ truth: Double) -> Double {
    LinearDistribution(bounds: bounds, fractions: fractions).fairCRPS(truth, members: members)
  }

  /// The quantile of a level between 0 and 1.
  public func quantile(_ level: Double) -> Double {
    guard let k = fractions.firstIndex(where: { $0 >= level }), k > 0 else { return bounds.first ?? .nan }
    let (a, b) = (fractions[k - 1], fractions[k])
    return b > a ? bounds[k - 1] + (bounds[k] - bounds[k - 1]) * (level - a) / (b - a) : bounds[k]
  }
}
