import Basics
import Fields
import Yams

/// What a run writes.
public struct EnsembleOutput: Sendable, Hashable, Encodable {
  /// Which members get a file of their own.
  public enum Members: Sendable, Hashable, Encodable {
    /// One file a member.
    case all
    /// Only products; members can be made again with `apus member`.
    case none
    /// Members of these numbers, ascending.
    case some([Int])

    /// Writes what the run file has: `all`, `none` or the numbers.
    public func encode(to encoder: any Encoder) throws {
      var box = encoder.singleValueContainer()
      switch self {
      case .all: try box.encode("all")
      case .none: try box.encode("none")
      case .some(let numbers): try box.encode(numbers)
      }
    }
  }

  /// A part of the globe.
  public struct Region: Sendable, Hashable, Encodable {
    /// Southern edge [degrees north].
    public var south: Double
    /// Northern edge [degrees north].
    public var north: Double
    /// Western edge [degrees east]: the region runs from here eastwards to `east`.
    public var west: Double
    /// Eastern edge [degrees east].
    public var east: Double

    enum CodingKeys: String, CodingKey, CaseIterable { case south, north, west, east }

    init(_ section: Section<CodingKeys>) throws {
      south = try section.number(.south, in: -90...90, default: -90)
      north = try section.number(.north, in: -90...90, default: 90)
      west = try section.number(.west, in: -360...360, default: section.has(.east) ? nil : 0)
      east = try section.number(.east, in: -360...720, default: section.has(.west) ? nil : 360)
      guard south < north else {
        throw section.refuse(
          .north, "lies south of its southern edge", found: "\(north)", expected: "above \(south)")
      }
    }
  }

  /// The run directory, made where absent; relative to the current directory.
  public var directory: String
  /// Which members get files.
  public var members: Members
  /// Hours between two output times.
  public var everyHours: Int
  /// Mantissa bits kept by BitRound (CF 8.4); nil: all 23.
  public var quantiseBits: Int?
  /// Channels in member files; nil: all of the checkpoints.
  public var variables: [String]?
  /// Lead times in member files [h], ascending; nil: all output times.
  public var leadTimes: [Int]?
  /// Part of the globe in member files; nil: all of it.
  public var region: Region?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case directory, members, variables, region
    case everyHours = "every_hours"
    case quantiseBits = "quantise_bits"
    case leadTimes = "lead_times"
  }

  init(_ section: Section<CodingKeys>, leadTimeHours: Int, memberCount: Int) throws {
    directory = try section.string(.directory)
    everyHours = try section.integer(.everyHours, in: 1...8760, default: 6)
    quantiseBits = try section.optionalInteger(.quantiseBits, in: 1...23)
    members = try EnsembleOutput.members(section, count: memberCount)
    variables = try section.channels(.variables)
    if variables?.isEmpty == true {
      throw section.refuse(.variables, "empty list", expected: "at least one variable, or members: none")
    }
    region = try section.section(.region, Region.CodingKeys.self).map(Region.init)
    leadTimes = try section.wholeNumbers(.leadTimes, in: 0...87_600).map { Array(Set($0)).sorted() }
    if leadTimes?.isEmpty == true {
      throw section.refuse(.leadTimes, "empty list", expected: "at least one lead time, or members: none")
    }
    if let stray = leadTimes?.first(where: { $0 % everyHours != 0 || $0 > leadTimeHours }) {
      throw section.refuse(
        .leadTimes, "is no output time", found: "\(stray) h",
        expected: "multiples of output.every_hours (\(everyHours) h) up to \(leadTimeHours) h")
    }
  }

  /// The first key by which members are kept in part, as the run file has it; nil where they are kept whole, all of
  /// them.
  public var partialKey: String? {
    switch members {
    case .none: return "output.members: none"
    case .some: return "output.members: a list"
    case .all: break
    }
    if variables != nil { return "output.variables" }
    if leadTimes != nil { return "output.lead_times" }
    return region == nil ? nil : "output.region"
  }

  private static func members(_ section: Section<CodingKeys>, count: Int) throws -> Members {
    guard let node = section.node(.members) else { return .all }
    switch node.scalar?.string {
    case "all": return .all
    case "none": return .none
    case .some(let text) where Int(text) == nil:
      throw section.refuse(
        .members, "unknown choice", found: "'\(text)'", expected: "all, none or a list of member numbers",
        advice: Spelling.nearest(to: text, among: ["all", "none"]).map { "Did you mean '\($0)'?" })
    default: break
    }
    let numbers = try section.wholeNumbers(.members, in: 0...1_000_000) ?? []
    if let stray = numbers.first(where: { $0 >= count }) {
      throw section.refuse(
        .members, "no such member", found: "\(stray)", expected: "0 to \(count - 1)",
        advice: "The ensemble has \(count) members: 1 + 2 x checkpoints x pairs, or one a checkpoint.")
    }
    let sorted = Array(Set(numbers)).sorted()
    guard !sorted.isEmpty else {
      throw section.refuse(.members, "empty list", expected: "at least one member, or none")
    }
    return .some(sorted)
  }
}
