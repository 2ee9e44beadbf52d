/// How often an event came where the extreme forecast index reached a level: the ROC of the index (HENS Part I), as a
/// user has it who warns from some index on and never sees a probability.
public struct IndexCounts: Sendable, Hashable, Codable {
  /// Levels 0, 0.1 ... 1 that the index is asked to reach, as HENS has them; below 0 it is taken as 0, and for events
  /// below a threshold its sign is turned.
  public static let levels = (0...10).map { Double($0) / 10 }

  /// Points where the event came, by the highest level that the index reached.
  public var events: [Int]
  /// Points where it did not come, likewise.
  public var nonEvents: [Int]

  /// Counts of nothing.
  public init() {
    events = Self.levels.map { _ in 0 }
    nonEvents = events
  }

  /// The highest level that an index reaches.
  static func level(_ index: Double) -> Int {
    max(0, min(levels.count - 1, (levels.firstIndex { $0 > index } ?? levels.count) - 1))
  }

  /// Adds counts.
  public mutating func add(_ other: IndexCounts) {
    for k in events.indices {
      events[k] += other.events[k]
      nonEvents[k] += other.nonEvents[k]
    }
  }

  /// (false alarm rate, hit rate) where the event is called from each level on, from above all levels (0, 0) down to 0
  /// (1, 1). NaN where the event never or always came.
  public var curve: [(falseAlarmRate: Double, hitRate: Double)] {
    ReceiverOperatingCharacteristic.curve(events: events, nonEvents: nonEvents)
  }

  /// Area under `curve` by trapezoids.
  public var area: Double { ReceiverOperatingCharacteristic.area(curve) }
}
