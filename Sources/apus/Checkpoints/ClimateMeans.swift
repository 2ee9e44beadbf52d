import Basics
import FieldIO
import Fields
import Sphere
import Synchronization

/// The mean of past states of a time of the year: the forecast of those who know no weather.
final class ClimateMeans: Sendable {
  private struct Day: Hashable { let day: Int, hour: Int }

  /// The past.
  let archive: Archive
  /// States this many days of the year before and after count, at the same hour.
  let windowDays: Int
  private let kept = Mutex<(means: [Day: [[Double]]], order: [Day])>(([:], []))

  /// Opens the past of `channels` as the data have them.
  /// - Throws: as `Archive.init`.
  init(
    _ files: [String], windowDays: Int, channels: [String], units: [String], grid: SphereGrid, degrees: Int
  )
    throws
  {
    archive = try Archive(files, channels: channels, units: units, grid: grid, degrees: degrees)
    self.windowDays = windowDays
  }

  /// Means of every channel, [channel][point], for a valid time.
  /// - Throws: `ApusError` of kind `inputMissing` where no past state is near its day and hour.
  func means(at time: Instant) throws -> [[Double]] {
    let day = Day(day: time.dayOfYear, hour: time.secondOfDay)
    if let means = kept.withLock({ $0.means[day] }) { return means }
    let times = ClimateWindow.times(archive.times, around: time, days: windowDays)
    guard !times.isEmpty else {
      throw ApusError(
        .inputMissing, "the climatology has no states near a valid time", file: archive.files.first,
        found: "none within \(windowDays) days of \(time)", expected: "at least one",
        advice: "Name files of whole years with --climatology, or widen --climatology-window-days.")
    }
    let means = try archive.channels.indices.map { try mean(channel: $0, times) }
    kept.withLock { kept in
      guard kept.means.updateValue(means, forKey: day) == nil else { return }
      kept.order.append(day)
      // So that memory does not grow with the number of initial times.
      if kept.order.count > 200 { kept.means[kept.order.removeFirst()] = nil }
    }
    return means
  }

  private func mean(channel: Int, _ times: [Instant]) throws -> [Double] {
    let points = archive.grid.pointCount
    let values = try archive.load(times, channel: channel, threads: 1)
    var sums = [Double](repeating: 0, count: points)
    for start in stride(from: 0, to: values.count, by: points) {
      for point in 0..<points { sums[point] += Double(values[start + point]) }
    }
    return sums.map { $0 / Double(times.count) }
  }
}
