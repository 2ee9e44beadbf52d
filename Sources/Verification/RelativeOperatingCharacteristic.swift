/// The relative operating characteristic of event probabilities k/M, pooled over points and times,
/// unweighted; kept as counts so that parts can be added.
public struct RelativeOperatingCharacteristic: Sendable, Hashable, Codable {
  /// Points where the event came, by number of members that foresaw it, 0...M.
  public private(set) var events: [Int]
  /// Points where it did not come, likewise.
  public private(set) var nonEvents: [Int]

  /// Counts of nothing, for so many members.
  public init(members: Int) {
    events = [Int](repeating: 0, count: members + 1)
    nonEvents = events
  }

  /// Adds one time; points where anything is NaN are left out.
  public mutating func add(_ scores: PointwiseScores.AboveThreshold, truth: [Double]) {
    let members = Double(events.count - 1)
    for point in truth.indices where !scores.brier[point].isNaN {
      let foreseen = Int((scores.probability[point] * members).rounded())
      if truth[point] > scores.threshold[point] {
        events[foreseen] += 1
      } else {
        nonEvents[foreseen] += 1
      }
    }
  }

  /// Adds other counts of as many members.
  public mutating func add(_ other: RelativeOperatingCharacteristic) {
    precondition(events.count == other.events.count)
    for k in events.indices {
      events[k] += other.events[k]
      nonEvents[k] += other.nonEvents[k]
    }
  }

  /// (false alarm rate, hit rate) where the event is called from k members on, k = M + 1 ... 0:
  /// from (0, 0) to (1, 1). NaN where the event never or always came.
  public var curve: [(falseAlarmRate: Double, hitRate: Double)] {
    let (allEvents, allNonEvents) = (Double(events.reduce(0, +)), Double(nonEvents.reduce(0, +)))
    var (hits, falseAlarms) = (0, 0)
    var result = [(falseAlarmRate: 0 / allNonEvents, hitRate: 0 / allEvents)]
    for k in events.indices.reversed() {
      hits += events[k]
      falseAlarms += nonEvents[k]
      result.append((Double(falseAlarms) / allNonEvents, Double(hits) / allEvents))
    }
    return result
  }

  /// Area under the curve by trapezoids: the chance that an event had the higher probability than a
  /// non-event, ties counting half. 1 perfect, 0.5 no skill; NaN where the event never or always came.
  public var area: Double {
    let curve = curve
    return zip(curve, curve.dropFirst()).reduce(0) { sum, pair in
      sum + (pair.1.falseAlarmRate - pair.0.falseAlarmRate) * (pair.1.hitRate + pair.0.hitRate) / 2
    }
  }
}
