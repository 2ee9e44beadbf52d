import Basics

/// Times repeats of something for a while.
struct Stopwatch {
  /// How long to repeat.
  let seconds: Double
  /// So few repeats at least, however long they take.
  let fewest = 5

  /// Seconds of every repeat, ascending; one repeat before them warms caches and is not counted.
  /// - Throws: what `body` throws, or `ApusError` where a stop was asked for.
  func times(_ body: () throws -> Void) throws -> [Double] {
    let clock = ContinuousClock()
    func time() throws -> Double {
      let duration = try clock.measure(body)
      return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
    _ = try time()
    var times: [Double] = []
    var total = 0.0
    while total < seconds || times.count < fewest {
      try StopFlag.check(StopFlag.nothingWritten)
      times.append(try time())
      total += times[times.count - 1]
    }
    return times.sorted()
  }

  /// The median repeat and how many there were.
  /// - Throws: as `times`.
  func median(_ body: () throws -> Void) throws -> (seconds: Double, repeats: Int) {
    let times = try times(body)
    return ((times[(times.count - 1) / 2] + times[times.count / 2]) / 2, times.count)
  }
}
