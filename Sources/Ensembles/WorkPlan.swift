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

  /// Shard `index` of `count`: whole initial times, dealt in turn, so that every product has its
  /// members in one shard.
  public func shard(_ index: Int, of count: Int) -> [Instant] {
    initialTimes.enumerated().filter { $0.offset % count == index }.map(\.element)
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
