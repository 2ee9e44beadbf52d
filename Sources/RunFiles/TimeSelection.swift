import Basics
import Fields
import Yams

/// Files and the part of their time that is used.
public struct DataPeriod: Sendable, Hashable, Encodable {
  /// Paths or globs of NetCDF files.
  public var files: [InputPath]
  /// First moment used; nil: the files' first.
  public var from: Instant?
  /// Last moment used, inclusive; nil: the files' last.
  public var to: Instant?

  enum CodingKeys: String, CodingKey, CaseIterable { case files, from, to }

  init(files: [InputPath], from: Instant? = nil, to: Instant? = nil) {
    (self.files, self.from, self.to) = (files, from, to)
  }

  init(_ section: Section<CodingKeys>) throws {
    files = try section.inputs(.files)
    from = try section.optionalInstant(.from)
    to = try section.optionalInstant(.to)
    if let from, let to, to < from {
      throw section.refuse(.to, "ends before it begins", found: "\(to)", expected: "\(from) or later")
    }
  }

  /// Writes dates in ISO 8601.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(files, forKey: .files)
    try box.encodeIfPresent(from?.description, forKey: .from)
    try box.encodeIfPresent(to?.description, forKey: .to)
  }

  /// Whether a moment lies in the period.
  public func contains(_ time: Instant) -> Bool {
    (from.map { $0 <= time } ?? true) && (to.map { time <= $0 } ?? true)
  }
}

/// Moments: dates, and stretches from a first to a last one at equal steps.
public struct TimeSelection: Sendable, Hashable, Encodable {
  /// The moments, ascending, none twice.
  public var instants: [Instant]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case from, to
    case everyHours = "every_hours"
  }

  /// Six-hourly moments of more than a century; what is beyond is a slip of the keyboard.
  private static let most = 200_000

  /// No moments: what is left open.
  static let none = TimeSelection(instants: [])

  private init(instants: [Instant]) { self.instants = instants }

  /// Reads dates and mappings of from, to, every_hours (24 where left out): one of them or a list.
  init?<Outer>(_ outer: Section<Outer>, _ key: Outer) throws {
    guard let node = outer.node(key) else { return nil }
    let items = node.sequence.map(Array.init) ?? [node]
    let moments = try items.flatMap { item in
      item.mapping == nil
        ? [try outer.instant(item, key)]
        : try Self.steps(Section(item, keys: CodingKeys.self, source: outer.source, name: key.rawValue))
    }
    instants = Set(moments).sorted()
    if instants.isEmpty { throw outer.refuse(key, "empty list", expected: "at least one date") }
  }

  /// The moments of a mapping.
  private static func steps(_ section: Section<CodingKeys>) throws -> [Instant] {
    let from = try section.instant(.from)
    let to = try section.instant(.to)
    let step = try section.integer(.everyHours, in: 1...87_600, default: 24)
    guard from <= to else {
      throw section.refuse(.to, "ends before it begins", found: "\(to)", expected: "\(from) or later")
    }
    let count = (to.seconds - from.seconds) / (step * 3600) + 1
    guard count <= most else {
      throw section.refuse(.to, "is too far away", found: "\(count) moments", expected: "at most \(most)")
    }
    return stride(from: from.seconds, through: to.seconds, by: step * 3600).map(Instant.init(seconds:))
  }

  /// Writes the moments as a list in ISO 8601; no moments as null, which is read as a key left out.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    guard !instants.isEmpty else { return try box.encodeNil() }
    try box.encode(instants.map(\.description))
  }
}
