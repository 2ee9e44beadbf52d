import Basics
import Fields

/// Who a member is; with the initial time this names everything random about it.
public struct MemberIdentity: Sendable, Codable, Hashable {
  /// Number in the ensemble, 0 is the control.
  public let number: Int
  /// Index of the checkpoint in the run file.
  public let checkpoint: Int
  /// Index of the pair of perturbations of this checkpoint; nil where unperturbed.
  public let perturbation: Int?
  /// +1 for analysis + dx, -1 for analysis - dx, 0 where unperturbed.
  public let sign: Int

  /// A member's name.
  public init(number: Int, checkpoint: Int, perturbation: Int?, sign: Int) {
    self.number = number
    self.checkpoint = checkpoint
    self.perturbation = perturbation
    self.sign = sign
  }

  /// `checkpoint 2, pair 1, minus`.
  public var text: String {
    guard let perturbation else { return "checkpoint \(checkpoint), unperturbed" }
    return "checkpoint \(checkpoint), pair \(perturbation), \(sign > 0 ? "plus" : "minus")"
  }
}

/// The work of a run: a pure function of the run file.
///
/// Member 0 is the control: checkpoint 0 from the analysis itself. Perturbed members follow, pair by
/// pair, in each pair checkpoint by checkpoint, plus before minus:
/// number = 1 + 2 (pair x checkpoints + checkpoint) + (0 plus, 1 minus). So more pairs leave the members
/// there were as they are. Without perturbations member k is checkpoint k.
public struct WorkPlan: Sendable, Hashable {
  /// One forecast: a member from an initial time.
  public struct Item: Sendable, Hashable {
    /// Where the forecast starts.
    public let initialTime: Instant
    /// Who the member is.
    public let member: MemberIdentity
  }

  /// Initial times, as given.
  public let initialTimes: [Instant]
  /// Members, by number.
  public let members: [MemberIdentity]

  /// The plan for some initial times.
  /// - Parameters:
  ///   - checkpoints: how many.
  ///   - pairs: pairs of perturbations a checkpoint; ignored for kind `none`.
  ///   - size: keep only members below this number; nil keeps all.
  public init(
    initialTimes: [Instant], checkpoints: Int, pairs: Int, kind: PerturbationSettings.Kind, size: Int? = nil
  ) {
    self.initialTimes = initialTimes
    var members: [MemberIdentity] = []
    if kind == .none {
      members = (0..<checkpoints).map {
        MemberIdentity(number: $0, checkpoint: $0, perturbation: nil, sign: 0)
      }
    } else {
      members.append(MemberIdentity(number: 0, checkpoint: 0, perturbation: nil, sign: 0))
      for pair in 0..<pairs {
        for checkpoint in 0..<checkpoints {
          for sign in [1, -1] {
            members.append(
              MemberIdentity(number: members.count, checkpoint: checkpoint, perturbation: pair, sign: sign))
          }
        }
      }
    }
    self.members = size.map { Array(members.prefix($0)) } ?? members
  }

  /// Every forecast of the run: initial times outermost, members in order.
  public var items: [Item] {
    initialTimes.flatMap { time in members.map { Item(initialTime: time, member: $0) } }
  }

  /// Members that are made by one thread and added to an ensemble's sums together: the control, or up to four
  /// pairs of one checkpoint. Checkpoints are outermost, so that their weights stay in the caches.
  public var blocks: [[MemberIdentity]] { WorkPlan.blocks(of: members) }

  static func blocks(of members: [MemberIdentity]) -> [[MemberIdentity]] {
    var blocks: [[MemberIdentity]] = []
    let alone = members.filter { $0.perturbation == nil }
    blocks += alone.map { [$0] }
    let byCheckpoint = Dictionary(grouping: members.filter { $0.perturbation != nil }, by: \.checkpoint)
    for checkpoint in byCheckpoint.keys.sorted() {
      let own = byCheckpoint[checkpoint] ?? []
      for start in stride(from: 0, to: own.count, by: WorkPlan.blockSize) {
        blocks.append(Array(own[start..<min(start + WorkPlan.blockSize, own.count)]))
      }
    }
    return blocks
  }

  /// Most members of a block.
  static let blockSize = 8

  /// Shard `index` of `count`: for every initial time the numbers of its blocks, a stretch of all blocks of all
  /// initial times, so that shards differ by one block at most.
  public func shard(_ index: Int, of count: Int) -> [(initialTime: Instant, blocks: Range<Int>)] {
    let size = blocks.count
    let total = initialTimes.count * size
    let (low, high) = (index * total / count, (index + 1) * total / count)
    return initialTimes.enumerated().compactMap { place, time in
      let (first, last) = (max(low - place * size, 0), min(high - place * size, size))
      return first < last ? (time, first..<last) : nil
    }
  }

  /// The member of a number.
  /// - Throws: `ApusError` of kind `usage` where the ensemble has no such member.
  public func member(_ number: Int) throws -> MemberIdentity {
    guard members.indices.contains(number) else {
      throw ApusError(
        .usage, "no such member", found: "\(number)", expected: "0...\(members.count - 1)")
    }
    return members[number]
  }
}
