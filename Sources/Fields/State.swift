import Sphere

/// The atmosphere at one moment: some channels on one grid, in physical units.
public struct State: Sendable {
  /// Channel names, in the order of `values`: `z500`, `msl`, `vo850`...
  public var channels: [String]
  /// The grid of every channel.
  public var grid: SphereGrid
  /// Valid time.
  public var time: Instant
  /// [channel][latitude north to south][longitude from 0 east], each channel in its catalogue unit.
  public var values: [Float]

  /// A state; `values` holds channels x points numbers.
  public init(channels: [String], grid: SphereGrid, time: Instant, values: [Float]) {
    precondition(values.count == channels.count * grid.pointCount)
    self.channels = channels
    self.grid = grid
    self.time = time
    self.values = values
  }

  /// One channel, by its number, in double precision: [latitude][longitude].
  public func field(_ channel: Int) -> [Double] {
    values[channel * grid.pointCount..<(channel + 1) * grid.pointCount].map(Double.init)
  }
}
