import Basics
import Foundation

/// What ensembles of n members drawn from a large one would show, for any n, without drawing: expectations over all
/// draws with replacement are sums over the sorted members (HENS Part II, figures 3, 7, 10 and 11, resampled there).
///
/// Of M members, b lie below the truth y, a above and e on it; F(k) = k/M.
/// - outlier: probability that y lies beyond all n: (1 - b/M)^n + (1 - a/M)^n - (e/M)^n;
/// - best member: E min |x - y|^2 = sum over distances d_(1) <= d_(2) ... of d_(j)^2 ((1 - (j-1)/M)^n - (1 - j/M)^n);
/// - furthest member above the mean: E max = sum_k x_(k) (F(k)^n - F(k-1)^n), over the full ensemble's deviation;
/// - width of the central 95 % of the probability k/n of an event that p of the members foresee:
///   1.96 x 2 sqrt(p (1 - p)/n) (binomial, normal approximation).
public struct EnsembleSizes: Sendable, Codable {
  /// Sizes n.
  public let sizes: [Int]
  /// Area mean of the outlier probability, by size.
  public var outlier: [Double]
  /// Area mean of the least square error.
  public var bestMemberSquareError: [Double]
  /// Area mean of (E max - mean)/deviation.
  public var gain: [Double]
  /// Area mean of the width of each event's probability, [event][size].
  public var probabilityWidth: [[Double]]

  /// Sums of nothing.
  public init(sizes: [Int], events: Int) {
    self.sizes = sizes
    outlier = sizes.map { _ in 0 }
    bestMemberSquareError = outlier
    gain = outlier
    probabilityWidth = (0..<events).map { _ in sizes.map { _ in 0 } }
  }

  /// Adds another case.
  public mutating func add(_ other: EnsembleSizes) {
    outlier = zip(outlier, other.outlier).map(+)
    bestMemberSquareError = zip(bestMemberSquareError, other.bestMemberSquareError).map(+)
    gain = zip(gain, other.gain).map(+)
    probabilityWidth = zip(probabilityWidth, other.probabilityWidth).map { zip($0, $1).map(+) }
  }

  /// Expectations of one case over one region; points with a missing value are left out.
  /// - Parameter events: see `CaseInput`.
  public init(
    sizes: [Int], _ ensemble: EnsembleValues, truth: [Double], weights: [Double],
    events: [CaseInput.Event], threads: Int = Parallel.defaultThreads
  ) throws {
    self.init(sizes: sizes, events: events.count)
    let (members, points) = (ensemble.memberCount, ensemble.pointCount)
    let m = Double(members)
    let width = 3 + events.count
    // (1 - j/M)^n, j = 0 ... M, by size.
    let powers = AlignedBuffer(
      sizes.flatMap { n in (0...members).map { pow(1 - Double($0) / m, Double(n)) } })
    let groups = min(64, points)
    let sums = AlignedBuffer<Double>(groups * (sizes.count * width + 1))
    try Parallel.forEach(groups, threads: threads) { group, _ in
      let own = sums.pointer + group * (sizes.count * width + 1)
      var x = [Double](repeating: 0, count: members)
      var distances = x
      for point in group * points / groups..<(group + 1) * points / groups {
        let (y, weight) = (truth[point], weights[point])
        guard weight > 0, !y.isNaN else { continue }
        for i in 0..<members { x[i] = ensemble[i, point] }
        guard !x.contains(where: \.isNaN) else { continue }
        x.sort()
        for i in 0..<members { distances[i] = abs(x[i] - y) }
        distances.sort()
        let mean = x.reduce(0, +) / m
        let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / m).squareRoot()
        let (below, above) = (x.count { $0 < y }, x.count { $0 > y })
        own[0] += weight
        for (place, n) in sizes.enumerated() {
          let p = powers.pointer + place * (members + 1)
          let target = own + 1 + place * width
          target[0] += weight * (p[below] + p[above] - p[below + above])
          var (best, most) = (0.0, 0.0)
          for j in 0..<members {
            let share = p[j] - p[j + 1]
            best += distances[j] * distances[j] * share
            most += x[members - 1 - j] * share
          }
          target[1] += weight * best
          if deviation > 0 { target[2] += weight * (most - mean) / deviation }
          for (number, event) in events.enumerated() {
            let t = event.threshold[point]
            let k = Double(event.isBelow ? x.count { $0 < t } : x.count { $0 > t })
            target[3 + number] +=
              weight * 2 * 1.959963984540054 * (k / m * (1 - k / m) / Double(n)).squareRoot()
          }
        }
      }
    }
    func total(_ place: Int) -> Double {
      (0..<groups).reduce(0) { $0 + sums.pointer[$1 * (sizes.count * width + 1) + place] }
    }
    let weight = total(0)
    for place in sizes.indices {
      func mean(_ field: Int) -> Double { total(1 + place * width + field) / weight }
      outlier[place] = mean(0)
      bestMemberSquareError[place] = mean(1)
      gain[place] = mean(2)
      for number in events.indices { probabilityWidth[number][place] = mean(3 + number) }
    }
  }
}
