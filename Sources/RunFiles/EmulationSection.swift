/// Further members that an emulator draws from a run's own, after them.
public struct EmulationSection: Sendable, Hashable, Encodable {
  /// The emulator: a safetensors file of `apus train`.
  public var emulator: InputPath
  /// Members to draw.
  public var members: Int
  /// Members of the run that are seeds; nil: `randomSeeds` of them.
  public var seedMembers: [Int]?
  /// So many seeds, drawn anew for every member drawn.
  public var randomSeeds: Int?
  /// Lead times [h]; nil: all that emulator and run have.
  public var leadHours: [Int]?
  /// Whether mean, spread, minimum and maximum are written.
  public var products: Bool

  enum CodingKeys: String, CodingKey, CaseIterable {
    case emulator, members, products
    case seedMembers = "seed_members"
    case randomSeeds = "random_seeds"
    case leadHours = "lead_hours"
  }

  init(_ section: Section<CodingKeys>) throws {
    emulator = try section.input(.emulator)
    members = try section.integer(.members, in: 1...65_535)
    seedMembers = try section.wholeNumbers(.seedMembers, in: 0...1_000_000)
    randomSeeds = try section.optionalInteger(.randomSeeds, in: 1...64)
    leadHours = try section.wholeNumbers(.leadHours, in: 1...87_600)
    products = try section.flag(.products, default: true)
    guard (seedMembers == nil) != (randomSeeds == nil) else {
      throw section.refuse(
        .seedMembers, "seeds are not chosen", expected: "seed_members or random_seeds, one of the two")
    }
    if let seeds = seedMembers, Set(seeds).count < seeds.count || seeds.isEmpty {
      throw section.refuse(.seedMembers, "a member named twice, or none", found: "\(seeds)")
    }
  }
}
