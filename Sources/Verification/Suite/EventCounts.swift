import Foundation

/// How often an event came when k of M members foresaw it: reliability, Brier decomposition, ROC and the rest
/// follow from these counts, which add up over points, dates and shards.
public struct EventCounts: Sendable, Hashable, Codable {
  /// Points where the event came, by number of members that foresaw it, 0...M.
  public var events: [Int]
  /// Points where it did not come, likewise.
  public var nonEvents: [Int]

  /// Counts of nothing, for so many members.
  public init(members: Int) {
    events = [Int](repeating: 0, count: members + 1)
    nonEvents = events
  }

  /// Adds one time; points where anything is NaN are left out.
  public mutating func add(_ scores: PointwiseScores.AboveThreshold, truth: [Double]) {
    for point in truth.indices where !scores.brier[point].isNaN {
      let foreseen = Int((scores.probability[point] * Double(members)).rounded())
      if truth[point] > scores.threshold[point] { events[foreseen] += 1 } else { nonEvents[foreseen] += 1 }
    }
  }

  /// Adds counts of as many members.
  public mutating func add(_ other: EventCounts) {
    precondition(events.count == other.events.count)
    for k in events.indices {
      events[k] += other.events[k]
      nonEvents[k] += other.nonEvents[k]
    }
  }

  /// Number of members M.
  public var members: Int { events.count - 1 }
  /// All points.
  public var total: Int { events.reduce(0, +) + nonEvents.reduce(0, +) }
  /// How often the event came.
  public var baseRate: Double { Double(events.reduce(0, +)) / Double(total) }

  /// The Brier score taken apart (Murphy 1973), exactly, over the M + 1 probabilities there are:
  /// Brier score = reliability - resolution + uncertainty. NaN without points.
  public var brierDecomposition: (reliability: Double, resolution: Double, uncertainty: Double) {
    let (n, base) = (Double(total), baseRate)
    var (reliability, resolution) = (0.0, 0.0)
    for k in events.indices {
      let count = Double(events[k] + nonEvents[k])
      guard count > 0 else { continue }
      let (p, o) = (Double(k) / Double(members), Double(events[k]) / count)
      reliability += count * (p - o) * (p - o)
      resolution += count * (o - base) * (o - base)
    }
    return (reliability / n, resolution / n, base * (1 - base))
  }

  /// (false alarm rate, hit rate) where the event is called from k members on, k = M + 1 ... 0: from (0, 0) to (1, 1).
  /// NaN where the event never or always came.
  public var curve: [(falseAlarmRate: Double, hitRate: Double)] {
    ReceiverOperatingCharacteristic.curve(events: events, nonEvents: nonEvents)
  }

  /// Area under `curve` by trapezoids: the chance that an event had the higher probability than a non-event, ties
  /// counting half. 1 perfect, 0.5 no skill.
  public var area: Double { ReceiverOperatingCharacteristic.area(curve) }

  /// Hits, misses, false alarms and correct rejections where the event is called once at least half of the members
  /// foresee it.
  public var contingency: (hits: Int, misses: Int, falseAlarms: Int, rejections: Int) {
    let from = (members + 1) / 2
    return (
      events[from...].reduce(0, +), events[..<from].reduce(0, +), nonEvents[from...].reduce(0, +),
      nonEvents[..<from].reduce(0, +)
    )
  }

  /// Extremal dependence index, (ln F - ln H) / (ln F + ln H) of false alarm and hit rate (Ferro and Stephenson 2011);
  /// NaN where either is 0.
  public var extremalDependenceIndex: Double {
    let (hits, misses, falseAlarms, rejections) = contingency
    guard hits > 0, falseAlarms > 0 else { return .nan }
    let h = log(Double(hits) / Double(hits + misses))
    let f = log(Double(falseAlarms) / Double(falseAlarms + rejections))
    return (f - h) / (f + h)
  }

  /// The reliability diagram: probabilities in bins of equal width, the last with its upper edge.
  public func reliability(bins: Int) -> [(probability: Double, frequency: Double, count: Int)] {
    var (sums, came, counts) = (
      [Double](repeating: 0, count: bins), [Int](repeating: 0, count: bins),
      [Int](repeating: 0, count: bins)
    )
    for k in events.indices {
      let bin = min(bins - 1, k * bins / max(1, members))
      let count = events[k] + nonEvents[k]
      sums[bin] += Double(k) / Double(max(1, members)) * Double(count)
      came[bin] += events[k]
      counts[bin] += count
    }
    return (0..<bins).map {
      (sums[$0] / Double(counts[$0]), Double(came[$0]) / Double(counts[$0]), counts[$0])
    }
  }

  /// The discrimination diagram: how often each bin of probability was given, when the event came and when not.
  public func discrimination(bins: Int) -> [(whenCame: Double, whenNot: Double)] {
    var (came, not) = ([Int](repeating: 0, count: bins), [Int](repeating: 0, count: bins))
    for k in events.indices {
      let bin = min(bins - 1, k * bins / max(1, members))
      came[bin] += events[k]
      not[bin] += nonEvents[k]
    }
    let (all, none) = (Double(events.reduce(0, +)), Double(nonEvents.reduce(0, +)))
    return (0..<bins).map { (Double(came[$0]) / all, Double(not[$0]) / none) }
  }
}
