import Basics
import Foundation

/// What ensembles of n members drawn from a large one would show, for any n, without drawing: expectations over all
/// draws with replacement are sums over the sorted members (HENS Part II, figures 3, 7, 10 and 11, resampled there).
///
/// Of M members, b lie below the truth y and a above it; F(k) = k/M.
/// - outlier: probability that y lies beyond all n, on none of them: (a/M)^n + (b/M)^n;
/// - best member: E min |x - y|^2 = sum over distances d_(1) <= d_(2) ... of d_(j)^2 ((1 - (j-1)/M)^n - (1 - j/M)^n);
/// - furthest member above the mean: E max = sum_k x_(k) (F(k)^n - F(k-1)^n), over the full ensemble's deviation;
/// - width of the central 95 % of the probability k/n of an event that p of the members foresee:
///   1.96 x 2 sqrt(p (1 - p)/n) (binomial, normal approximation).
///
/// Members that hang together (the two of a pair, those of a checkpoint) are drawn together where a `GroupDraw` says so.
public struct EnsembleSizes: Sendable, Codable {
  /// Sizes n.
  public let sizes: [Int]
  /// Number of events.
  public let events: Int
  /// Groups that are drawn; nil: members.
  public let group: GroupDraw?
  /// Weight of all points, weight of the points of each event, then by size weighted sums of outlier probability, least
  /// square error, (E max - mean) over deviation, and the width of each event's probability.
  private var sums: [Double]

  private var head: Int { 1 + events }
  private var width: Int { 3 + events }

  /// Sums of nothing.
  /// - Parameter group: draws these; `sizes` must be multiples of their members.
  public init(sizes: [Int], events: Int, group: GroupDraw? = nil) {
    precondition(group.map { group in sizes.allSatisfy { $0 % group.members == 0 } } ?? true)
    self.sizes = sizes
    self.events = events
    self.group = group
    sums = [Double](repeating: 0, count: 1 + events + sizes.count * (3 + events))
  }

  /// An event without a point has no mean.
  private func mean(_ field: Int) -> [Double] {
    let weight = sums[field < 3 ? 0 : field - 2]
    return sizes.indices.map { weight > 0 ? sums[head + $0 * width + field] / weight : .nan }
  }

  /// Mean outlier probability, by size.
  public var outlier: [Double] { mean(0) }
  /// Root of the mean of the expected least square error.
  public var bestMemberError: [Double] { mean(1).map { $0.squareRoot() } }
  /// Mean of (E max - mean)/deviation.
  public var gain: [Double] { mean(2) }
  /// Mean width of an event's probability.
  public func probabilityWidth(event: Int) -> [Double] { mean(3 + event) }

  /// The sums themselves: what a date adds to them, where one date was added.
  public var row: [Float] { sums.map { Float($0) } }

  /// The same sizes with other sums.
  func with(sums: [Double]) -> EnsembleSizes {
    var result = self
    result.sums = sums
    return result
  }

  /// Outlier probability, best member's error, gain and every event's width, each by size.
  public var statistics: [Double] {
    outlier + bestMemberError + gain + (0..<events).flatMap(probabilityWidth)
  }

  /// Adds the sums of another date, of the same sizes.
  public mutating func add(_ other: EnsembleSizes) {
    precondition(sums.count == other.sums.count)
    for i in sums.indices { sums[i] += other.sums[i] }
  }

  /// Adds the bands of rows of one case, in order: results do not depend on how many are in memory at a time.
  /// - Parameters:
  ///   - ensemble: of the points of all `bands` only.
  ///   - truth: of all points, as the weights and the events' thresholds; points with a missing value are left out, of an
  ///     event those without a threshold, too.
  ///   - bands: points of each, neighbours.
  public mutating func add(
    _ ensemble: EnsembleValues, truth: [Double], weights: [Double], events: [CaseInput.Event],
    bands: [Range<Int>], threads: Int = Parallel.defaultThreads
  ) throws {
    precondition(events.count == self.events)
    guard let firstPoint = bands.first?.lowerBound else { return }
    let members = ensemble.memberCount
    let m = Double(members)
    let (sizes, head, width, length, group) = (self.sizes, self.head, self.width, sums.count, self.group)
    // (1 - j/M)^n, j = 0 ... M, by size.
    let powers = AlignedBuffer(
      sizes.flatMap { n in (0...members).map { pow(1 - Double($0) / m, Double(n)) } })
    let parts = AlignedBuffer<Double>(bands.count * length)
    try Parallel.forEach(bands.count, threads: threads) { band, _ in
      let own = parts.pointer + band * length
      var x = [Double](repeating: 0, count: members)
      var distances = x
      for point in bands[band] {
        let (y, weight) = (truth[point], weights[point])
        guard weight > 0, !y.isNaN else { continue }
        for i in 0..<members { x[i] = ensemble[i, point - firstPoint] }
        guard !x.contains(where: \.isNaN) else { continue }
        own[0] += weight
        for (number, event) in events.enumerated() where !event.threshold[point].isNaN {
          own[1 + number] += weight
        }
        if let group {
          group.add(x, truth: y, weight: weight, events: events, point: point, sizes: sizes, to: own + head)
          continue
        }
        x.sort()
        let mean = x.reduce(0, +) / m
        let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / m).squareRoot()
        let below = x.partitioningIndex { $0 >= y }
        let above = members - x.partitioningIndex { $0 > y }
        // Distances ascend away from the truth on either side: merged, not sorted again.
        var (left, right) = (below - 1, below)
        for i in 0..<members {
          let takesLeft = right >= members || left >= 0 && y - x[left] <= x[right] - y
          distances[i] = takesLeft ? y - x[left] : x[right] - y
          if takesLeft { left -= 1 } else { right += 1 }
        }
        for (place, n) in sizes.enumerated() {
          let p = powers.pointer + place * (members + 1)
          let target = own + head + place * width
          target[0] += weight * (p[members - below] + p[members - above])
          var (best, most) = (0.0, 0.0)
          for j in 0..<members {
            let share = p[j] - p[j + 1]
            best += distances[j] * distances[j] * share
            most += x[members - 1 - j] * share
          }
          target[1] += weight * best
          if deviation > 0 { target[2] += weight * (most - mean) / deviation }
          for (number, event) in events.enumerated() where !event.threshold[point].isNaN {
            let t = event.threshold[point]
            let k = Double(
              event.isBelow ? x.partitioningIndex { $0 >= t } : members - x.partitioningIndex { $0 > t })
            target[3 + number] +=
              weight * 2 * 1.959963984540054 * (k / m * (1 - k / m) / Double(n)).squareRoot()
          }
        }
      }
    }
    for band in bands.indices {
      for i in 0..<length { sums[i] += parts.pointer[band * length + i] }
    }
  }
}

extension Array {
  /// The first place from which on `belongsToSecond` holds, of an array that it parts in two.
  func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
