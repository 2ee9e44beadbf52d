/// Hit rate against false alarm rate, from counts by what was forecast.
enum ReceiverOperatingCharacteristic {
  /// From (0, 0), where the event is never called, to (1, 1), where it is called from the lowest class on. NaN where the
  /// event never or always came.
  /// - Parameters:
  ///   - events: points where it came, by class of the forecast, ascending.
  ///   - nonEvents: points where it did not.
  static func curve(events: [Int], nonEvents: [Int]) -> [(falseAlarmRate: Double, hitRate: Double)] {
    let (all, none) = (Double(events.reduce(0, +)), Double(nonEvents.reduce(0, +)))
    var (hits, falseAlarms) = (0, 0)
    var result = [(falseAlarmRate: 0 / none, hitRate: 0 / all)]
    for k in events.indices.reversed() {
      hits += events[k]
      falseAlarms += nonEvents[k]
      result.append((Double(falseAlarms) / none, Double(hits) / all))
    }
    return result
  }

  /// Area under a curve by trapezoids.
  static func area(_ curve: [(falseAlarmRate: Double, hitRate: Double)]) -> Double {
    zip(curve, curve.dropFirst()).reduce(0) { sum, pair in
      sum + (pair.1.falseAlarmRate - pair.0.falseAlarmRate) * (pair.1.hitRate + pair.0.hitRate) / 2
    }
  }
}
