/// A place between two order statistics.
struct OrderStatistic {
  let index: Int
  let fraction: Double

  /// Where the quantile of level `level` lies among `count` sorted values: (count - 1) x level.
  static func position(_ level: Double, _ count: Int) -> OrderStatistic {
    let place = Double(count - 1) * level
    let index = min(Int(place.rounded(.down)), count - 1)
    return OrderStatistic(index: index, fraction: place - Double(index))
  }

  /// NumPy's interpolation, which is monotonic and exact at both ends.
  func value(_ low: Double, _ high: Double) -> Double {
    let step = high - low
    return fraction >= 0.5 ? high - step * (1 - fraction) : low + step * fraction
  }

  /// The quantile of level `level` of ascending values.
  static func quantile(_ level: Double, of sorted: [Double]) -> Double {
    let place = position(level, sorted.count)
    return place.value(sorted[place.index], sorted[min(place.index + 1, sorted.count - 1)])
  }
}
