import Basics

/// Low-rank factors that are trained on top of a checkpoint that stays as it is.
public struct AdapterSettings: Sendable, Hashable, Encodable {
  /// The checkpoint that is changed.
  public var base: InputPath
  /// Rank of the change of every matrix.
  public var rank: Int

  enum CodingKeys: String, CodingKey, CaseIterable { case base, rank }

  init(_ section: Section<CodingKeys>) throws {
    base = try section.input(.base)
    rank = try section.integer(.rank, in: 1...4096, default: 4)
  }
}
