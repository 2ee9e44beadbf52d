import Basics
import Sphere

/// Which members get a file of their own, and what of a member is in it. Products know nothing of it.
public struct MemberOutput: Sendable, Codable, Hashable {
  /// Members that get a file.
  public enum Members: Sendable, Hashable {
    case all
    case none
    /// Those of these numbers.
    case some(Set<Int>)
  }

  /// Members that get a file.
  public var members: Members
  /// What is in it.
  public var fields: MemberFields

  /// Some members, or all, or none.
  public init(_ members: Members, fields: MemberFields = .whole) {
    self.members = members
    self.fields = fields
  }

  /// Every member, whole.
  public static let all = MemberOutput(.all)
  /// No member.
  public static let none = MemberOutput(.none)

  /// Whether a member gets a file.
  public func keeps(_ number: Int) -> Bool {
    switch members {
    case .all: true
    case .none: false
    case .some(let numbers): numbers.contains(number)
    }
  }

  /// Whether the files hold all of every member, so that whatever is made of members can be made of them again. Where
  /// they do not, sums are saved while a run works, and a member that is wanted again is forecast again.
  public var isWhole: Bool { members == .all && fields == .whole }
}

extension MemberOutput.Members: Codable {
  /// Reads `"all"`, `"none"` or a list of numbers.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.singleValueContainer()
    if let numbers = try? box.decode([Int].self) {
      self = .some(Set(numbers))
    } else {
      self = try box.decode(String.self) == "none" ? .none : .all
    }
  }

  /// Writes what `init(from:)` reads; numbers ascending.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    switch self {
    case .all: try box.encode("all")
    case .none: try box.encode("none")
    case .some(let numbers): try box.encode(numbers.sorted())
    }
  }
}

/// What of a member its file has.
public struct MemberFields: Sendable, Codable, Hashable, CustomStringConvertible {
  /// Channels, in the order of the checkpoints; nil: all.
  public private(set) var channels: [String]?
  /// Lead times [hours], ascending; nil: all output times.
  public private(set) var leadHours: [Int]?
  /// The part of the globe; nil: all of it.
  public private(set) var region: LatitudeLongitudeBox?

  private enum CodingKeys: String, CodingKey {
    case channels, region
    case leadHours = "lead_hours"
  }

  private init() {}

  /// All of it.
  public static let whole = MemberFields()

  /// A part of what a forecaster makes. What is all there is anyway is taken as left out.
  /// - Parameters:
  ///   - channels: nil for all.
  ///   - leadHours: nil for all [hours].
  ///   - region: nil for the globe.
  /// - Throws: `ApusError` of kind `badRunFile` for a channel or lead time that is not made, or a region without a
  ///   point of the grid; it names the key of the run file.
  public init(
    channels: [String]? = nil, leadHours: [Int]? = nil, region: LatitudeLongitudeBox? = nil,
    of forecaster: EnsembleForecaster
  ) throws {
    for name in channels ?? [] where !forecaster.channels.contains(name) {
      throw ApusError(
        .badRunFile, "is not forecast", variable: "output.variables", found: name,
        expected: "one of " + forecaster.channels.joined(separator: ", "))
    }
    for hours in leadHours ?? [] where !forecaster.leadHours.contains(hours) {
      throw ApusError(
        .badRunFile, "is no output time", variable: "output.lead_times", found: "\(hours) h",
        expected: "one of " + forecaster.leadHours.map(String.init).joined(separator: ", ") + " h")
    }
    if let channels, Set(channels) != Set(forecaster.channels) {
      self.channels = forecaster.channels.filter(channels.contains)
    }
    if let leadHours, Set(leadHours) != Set(forecaster.leadHours) {
      self.leadHours = forecaster.leadHours.filter(leadHours.contains)
    }
    if let region {
      self.region = region
      if try window(of: forecaster.grid)?.isWhole(forecaster.grid) == true { self.region = nil }
    }
  }

  /// The part of a grid; nil: all of it.
  /// - Throws: `ApusError` of kind `badRunFile` where the region has no point of the grid.
  public func window(of grid: SphereGrid) throws -> GridWindow? {
    guard let region else { return nil }
    guard let window = GridWindow(grid, region) else {
      throw ApusError(
        .badRunFile, "the region has no point of the grid", variable: "output.region", found: "\(region)",
        expected: "at least one point of \(grid)")
    }
    return window
  }

  /// Numbers that a member's file has.
  /// - Throws: as `window(of:)`.
  public func valueCount(of forecaster: EnsembleForecaster) throws -> Int {
    let points = try window(of: forecaster.grid)?.pointCount ?? forecaster.grid.pointCount
    return (channels ?? forecaster.channels).count * (leadHours ?? forecaster.leadHours).count * points
  }

  /// In words.
  public var description: String {
    [
      channels.map { "variables " + $0.joined(separator: " ") },
      leadHours.map { "lead times " + $0.map(String.init).joined(separator: " ") + " h" },
      region.map { "region \($0)" },
    ].compactMap { $0 }.joined(separator: ", ").nonEmpty ?? "all"
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

extension Trajectory {
  /// Some channels at some lead times.
  /// - Parameter fields: its region does not matter here: the values stay those of the whole grid.
  func part(_ fields: MemberFields) -> Trajectory {
    guard fields.channels != nil || fields.leadHours != nil else { return self }
    let (names, hours) = (fields.channels ?? channels, fields.leadHours ?? leadHours)
    let points = grid.pointCount
    var part: [Float] = []
    part.reserveCapacity(names.count * hours.count * points)
    for lead in leadHours.indices where hours.contains(leadHours[lead]) {
      for channel in channels.indices where names.contains(channels[channel]) {
        let start = lead * valuesPerLead + channel * points
        part += values[start..<start + points]
      }
    }
    return Trajectory(initialTime: initialTime, channels: names, grid: grid, leadHours: hours, values: part)
  }
}
