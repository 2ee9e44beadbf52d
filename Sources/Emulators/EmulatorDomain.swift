import Basics
import Fields
import Sphere

/// What an emulator draws: which channels, where, how long after the analysis, and the climate that it knows.
public struct EmulatorDomain: Sendable {
  /// Channels, in order.
  public let channels: [String]
  /// Their units.
  public let units: [String]
  /// The grid of fields.
  public let grid: SphereGrid
  /// Fields hold degrees l below this.
  public let degrees: Int
  /// Lead times that it was trained for [h], ascending.
  public let leadHours: [Int]
  /// What fields are standardised with.
  public let climate: SeasonalClimate

  /// A domain from its parts.
  public init(
    channels: [String], units: [String], grid: SphereGrid, degrees: Int, leadHours: [Int],
    climate: SeasonalClimate
  ) {
    (self.channels, self.units, self.grid) = (channels, units, grid)
    (self.degrees, self.leadHours, self.climate) = (degrees, leadHours, climate)
  }

  /// Numbers of a field of all channels.
  public var fieldSize: Int { channels.count * grid.pointCount }

  /// The place of a lead time.
  /// - Throws: `ApusError` of kind `badData` naming those that there are.
  public func lead(_ hours: Int, file: String) throws -> Int {
    guard let index = leadHours.firstIndex(of: hours) else {
      throw ApusError(
        .badData, "the emulator was not trained for this lead time", file: file, found: "\(hours) h",
        expected: leadHours.map { "\($0) h" }.joined(separator: ", "))
    }
    return index
  }
}

/// One member to be drawn at one lead time.
public struct EmulatorDraw {
  /// Seeds, standardised anomalies [channel][point] each.
  public let seeds: [UnsafePointer<Float>]
  /// Place of the lead time in the domain's.
  public let lead: Int
  /// Valid time.
  public let validTime: Instant
  /// The member's random numbers: the same at every lead time, so that a member is coherent in time as far as its
  /// noise is.
  public let stream: Philox
  /// The same in the form of a key for further streams.
  public let key: (seed: UInt64, initialHours: UInt64, member: UInt64)

  /// A draw with random numbers of one's own, for what takes them from `stream` alone.
  init(seeds: [UnsafePointer<Float>], lead: Int, validTime: Instant, stream: Philox) {
    (self.seeds, self.lead, self.validTime, self.stream) = (seeds, lead, validTime, stream)
    key = (0, 0, 0)
  }

  /// A draw of member `member` of the forecast that starts at `initial`.
  public init(
    seeds: [UnsafePointer<Float>], lead: Int, validTime: Instant, seed: UInt64, initial: Instant, member: Int
  ) {
    (self.seeds, self.lead, self.validTime) = (seeds, lead, validTime)
    key = (seed, UInt64(bitPattern: Int64(initial.seconds / 3600)), UInt64(member))
    stream = Philox(seed: seed, purpose: .emulation, key.initialHours, key.member)
  }
}

/// Something that draws further members of an ensemble from a few.
public protocol Emulator: Sendable {
  /// What it draws.
  var domain: EmulatorDomain { get }
  /// Numbers of seeds that it can be given, ascending.
  var seedCounts: [Int] { get }
  /// Floating-point operations of one draw, by the products alone; nil where there are hardly any.
  var operationsPerDraw: Double? { get }

  /// What draws members, one at a time, on one thread.
  func makeGenerator() -> any MemberGenerator
}

/// Draws members on one thread.
public protocol MemberGenerator: AnyObject {
  /// Draws a member: standardised anomalies [channel][point]. The bits follow from `draw` alone.
  func generate(_ draw: EmulatorDraw, into result: UnsafeMutablePointer<Float>)
}
