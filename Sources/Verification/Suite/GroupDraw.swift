import Foundation

/// Draws whole groups of members: n members are n/g groups of g, drawn with replacement.
///
/// As in `EnsembleSizes`, with k = n/g of G groups; of the groups, those below have all members below the truth, those
/// above above it:
/// - outlier: (above/G)^k + (below/G)^k;
/// - best member: of each group's least distance;
/// - furthest member above the mean: of each group's highest member;
/// - width: 1.96 x 2 sqrt(v/k), v the variance over groups of the share that foresees the event.
public struct GroupDraw: Sendable, Hashable, Codable {
  /// What a group is, for names: pairs, checkpoints.
  public let name: String
  /// Members g of a group, neighbours.
  public let members: Int
  /// Place of the control, which belongs to no group.
  public let control: Int?

  /// Groups of so many members.
  public init(name: String, members: Int, control: Int?) {
    (self.name, self.members, self.control) = (name, members, control)
  }

  /// Whether so many members part into at least two groups.
  public func divides(_ count: Int) -> Bool {
    let grouped = count - (control == nil ? 0 : 1)
    return grouped % members == 0 && grouped / members > 1
  }

  /// Adds one point's expectations, by size: outlier, least square error, (E max - mean)/deviation, widths.
  func add(
    _ all: [Double], truth y: Double, weight: Double, events: [CaseInput.Event], point: Int, sizes: [Int],
    to sums: UnsafeMutablePointer<Double>
  ) {
    var x = all
    if let control { x.remove(at: control) }
    let (g, groups) = (members, x.count / members)
    let mean = x.reduce(0, +) / Double(x.count)
    let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)).squareRoot()
    var (below, above) = (0, 0)
    var (nearest, highest) = ([Double](), [Double]())
    for group in 0..<groups {
      let own = x[group * g..<(group + 1) * g]
      below += own.allSatisfy { $0 < y } ? 1 : 0
      above += own.allSatisfy { $0 > y } ? 1 : 0
      nearest.append(own.map { ($0 - y) * ($0 - y) }.min() ?? 0)
      highest.append(own.max() ?? 0)
    }
    nearest.sort()
    highest.sort(by: >)
    // Zero where the event has no threshold: the point has no weight there.
    let variances = events.map { event in
      let t = event.threshold[point]
      guard !t.isNaN else { return 0.0 }
      let shares = (0..<groups).map { group in
        Double(x[group * g..<(group + 1) * g].count { event.isBelow ? $0 < t : $0 > t }) / Double(g)
      }
      let average = shares.reduce(0, +) / Double(groups)
      return shares.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(groups)
    }
    for (place, n) in sizes.enumerated() {
      let k = Double(n / g)
      func power(_ count: Int) -> Double { pow(Double(count) / Double(groups), k) }
      let target = sums + place * (3 + events.count)
      target[0] += weight * (power(above) + power(below))
      var (best, most) = (0.0, 0.0)
      for j in 0..<groups {
        let share = power(groups - j) - power(groups - j - 1)
        best += nearest[j] * share
        most += highest[j] * share
      }
      target[1] += weight * best
      if deviation > 0 { target[2] += weight * (most - mean) / deviation }
      for (number, variance) in variances.enumerated() {
        target[3 + number] += weight * 2 * 1.959963984540054 * (variance / k).squareRoot()
      }
    }
  }
}
