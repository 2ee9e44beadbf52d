import Basics
import FieldIO
import Fields
import RunFiles
import Sphere
import Synchronization
import Verification

/// The climate that forecasts are compared with: past states, sorted at every point.
final class ClimateSamples: Sendable {
  private enum Source: Sendable {
    case archive(Archive, times: [Instant], windowDays: Int?)
    case file(fields: [String: EnsembleValues])
  }
  private struct Key: Hashable {
    let variable: String
    let times: [Instant]
  }
  /// One climate: the sorted sample and its quantiles.
  struct Climate: Sendable {
    let sample: EnsembleValues
    let quantiles: ClimateQuantiles
    /// A sample in single precision, quantiles in double.
    var bytes: Int {
      sample.pointCount * (4 * sample.memberCount + 8 * (ClimateQuantiles.levels.count + 2))
    }
  }
  private let source: Source
  private let grid: SphereGrid
  private let threads: Int
  private let kept = Mutex<(climates: [Key: Climate], order: [Key], bytes: Int)>(([:], [], 0))
  /// Climates are kept for other lead times and dates as long as they take no more than this [bytes].
  private static let room = 512 << 20

  /// Opens a climate of `channels` on the grid of the forecasts.
  init(
    _ source: ClimatologySource, channels: [String], units: [String], grid: SphereGrid, degrees: Int,
    threads: Int
  ) throws {
    self.grid = grid
    self.threads = threads
    switch source {
    case .archive(let period, let windowDays):
      let archive = try Archive(
        period.files.paths, channels: channels, units: units, grid: grid, degrees: degrees)
      let times = archive.times.filter(period.contains)
      guard !times.isEmpty else {
        throw ApusError(
          .inputMissing, "the climatology has no states in its period", file: archive.files.first)
      }
      self.source = .archive(archive, times: times, windowDays: windowDays)
    case .file(let path):
      let reader = try NetCDFReader(path.path)
      var fields: [String: EnsembleValues] = [:]
      for (index, channel) in channels.enumerated() {
        let variable = try GriddedVariable(reader, channel)
        guard variable.grid == grid else {
          throw ApusError(
            .badData, "the climatology is on another grid", file: path.path, variable: channel,
            found: "\(variable.grid)", expected: "\(grid)",
            advice: "Make it with: apus climate, for the grid of the forecasts.")
        }
        let conversion = try Units.conversion(
          from: variable.units, to: units[index], file: path.path, variable: channel)
        let axis: GriddedVariable.Axis = variable.axes.contains(.sample) ? .sample : .time
        let count = variable.length(axis)
        let values = try variable.fields(axis, 0..<count).map {
          Float(Double($0) * conversion.scale + conversion.offset)
        }
        fields[channel] = EnsembleValues(values, members: count)
      }
      self.source = .file(fields: fields)
    }
  }

  /// The climate of a variable (number `channel` of the archive) around a valid time's day of the year.
  func climate(_ variable: String, channel: Int, at time: Instant) throws -> Climate {
    switch source {
    case .file(let fields):
      return try climate(Key(variable: variable, times: [])) { fields[variable] }
    case .archive(let archive, _, _):
      let times = try times(variable, at: time)
      let points = grid.pointCount
      return try climate(Key(variable: variable, times: times)) {
        let values = try archive.load(times, channel: channel, threads: self.threads)
        return EnsembleValues(values, members: values.count / points)
      }
    }
  }

  /// Times of the states around a valid time's day of the year; none where the climate is a file of its own.
  /// - Throws: `ApusError` (`inputMissing`) where there is no state.
  func times(_ variable: String, at time: Instant) throws -> [Instant] {
    guard case .archive(let archive, let all, let windowDays) = source else { return [] }
    let times = windowDays.map { ClimateWindow.times(all, around: time, days: $0) } ?? all
    guard !times.isEmpty else {
      throw ApusError(
        .inputMissing, "the climatology has no states near a valid time", file: archive.files.first,
        variable: variable,
        found: "none within \(windowDays ?? 0) days of day \(time.dayOfYear), \(time.hour) UTC",
        expected: "at least one", advice: "Widen window_days, or name an archive of whole years.")
    }
    return times
  }

  private func climate(_ key: Key, _ load: () throws -> EnsembleValues?) throws -> Climate {
    if let climate = kept.withLock({ $0.climates[key] }) { return climate }
    guard let values = try load() else {
      throw ApusError(.inputMissing, "the climatology lacks the variable", variable: key.variable)
    }
    let climate = Climate(
      sample: try values.sorted(threads: threads), quantiles: try ClimateQuantiles(values, threads: threads))
    kept.withLock { kept in
      guard kept.climates.updateValue(climate, forKey: key) == nil else { return }
      kept.order.append(key)
      kept.bytes += climate.bytes
      while kept.bytes > Self.room, kept.order.count > 1 {
        kept.bytes -= kept.climates.removeValue(forKey: kept.order.removeFirst())?.bytes ?? 0
      }
    }
    return climate
  }
}
