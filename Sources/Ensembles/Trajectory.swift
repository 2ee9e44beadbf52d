import Fields
import Sphere

/// One member's forecast: some channels at the output times, lead time 0 included.
public struct Trajectory: Sendable, Hashable {
  /// Start of the forecast.
  public let initialTime: Instant
  /// Channels kept.
  public let channels: [String]
  /// The grid of every channel.
  public let grid: SphereGrid
  /// Lead times [hours], increasing from 0.
  public let leadHours: [Int]
  /// [lead time][channel][latitude][longitude], physical units.
  public var values: [Float]

  /// A trajectory of given values.
  public init(
    initialTime: Instant, channels: [String], grid: SphereGrid, leadHours: [Int], values: [Float]
  ) {
    precondition(values.count == leadHours.count * channels.count * grid.pointCount)
    self.initialTime = initialTime
    self.channels = channels
    self.grid = grid
    self.leadHours = leadHours
    self.values = values
  }

  /// Valid times.
  public var times: [Instant] { leadHours.map { initialTime.adding(hours: $0) } }
  /// Numbers a lead time holds.
  public var valuesPerLead: Int { channels.count * grid.pointCount }

  /// One channel at all lead times: [lead time][latitude][longitude].
  public func series(of channel: Int) -> [Float] {
    let points = grid.pointCount
    return leadHours.indices.flatMap { lead in
      let start = lead * valuesPerLead + channel * points
      return values[start..<start + points]
    }
  }
}
