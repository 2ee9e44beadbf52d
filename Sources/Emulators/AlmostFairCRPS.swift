import Basics
import Sphere

/// The almost fair CRPS of a few members (Lang et al. 2024, AIFS-CRPS; spec/emulators.md 3.3, 6.1), and its gradient:
///
///     L = sum over channels of w_c area mean of [1/M sum_i |x_i - y| - (M - 1 + alpha) / (2 M^2 (M - 1)) sum_ij |x_i - x_j|]
///
/// alpha = 1 is the fair CRPS, whose value does not depend on M but which M = 2 members can cheat (one exact, the
/// other anywhere); alpha = 0 the empirical one.
public struct AlmostFairCRPS: Sendable {
  /// alpha.
  public let alpha: Double
  private let grid: SphereGrid
  /// w_c, sum 1.
  private let channelWeights: [Double]
  /// Area weights of a row's points, sum 1 over the grid.
  private let rowWeights: [Double]

  /// A loss.
  /// - Parameter channelWeights: w_c; scaled to sum 1.
  public init(grid: SphereGrid, channelWeights: [Double], alpha: Double = 0.95) {
    self.grid = grid
    self.alpha = alpha
    let total = channelWeights.reduce(0, +)
    self.channelWeights = channelWeights.map { $0 / total }
    rowWeights = grid.areaShares
  }

  /// The loss of members against a truth.
  /// - Parameters:
  ///   - members: each [channel][point].
  ///   - truth: [channel][point].
  ///   - factor: on loss and gradient.
  ///   - gradients: of every member; added to. Empty where not wanted.
  public func evaluate(
    _ members: [UnsafePointer<Float>], _ truth: UnsafePointer<Float>, factor: Double,
    addingTo gradients: [UnsafeMutablePointer<Float>]
  ) -> Double {
    let (m, columns) = (members.count, grid.longitudeCount)
    let own = 1 / Double(m)
    let pair = m > 1 ? (Double(m - 1) + alpha) / (2 * Double(m * m * (m - 1))) : 0
    var loss = 0.0
    for (channel, weight) in channelWeights.enumerated() {
      for row in 0..<grid.latitudeCount {
        let start = (channel * grid.latitudeCount + row) * columns
        let share = factor * weight * rowWeights[row]
        var (errors, spreads) = (Float(0), Float(0))
        for i in start..<start + columns {
          for a in 0..<m {
            errors += abs(members[a][i] - truth[i])
            for b in 0..<a { spreads += abs(members[a][i] - members[b][i]) }
          }
        }
        loss += share * (own * Double(errors) - 2 * pair * Double(spreads))
        guard !gradients.isEmpty else { continue }
        let (slope, pull) = (Float(share * own), Float(2 * share * pair))
        for i in start..<start + columns {
          for a in 0..<m {
            let x = members[a][i]
            var g = x > truth[i] ? slope : x < truth[i] ? -slope : 0
            for b in 0..<m {
              let other = members[b][i]
              g -= x > other ? pull : x < other ? -pull : 0
            }
            gradients[a][i] += g
          }
        }
      }
    }
    return loss
  }
}
