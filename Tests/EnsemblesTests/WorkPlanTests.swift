import Basics
import Ensembles
import Fields
import Testing

@Suite struct WorkPlanTests {
  let times = (0..<5).map { Instant(year: 2026, month: 2, day: 1 + $0) }

  @Test func memberZeroIsTheControlAndPairsAreNeighbours() {
    let plan = WorkPlan(initialTimes: times, checkpoints: 3, pairs: 2, kind: .bredVectors)
    #expect(plan.members.count == 13)
    #expect(plan.members[0] == MemberIdentity(number: 0, checkpoint: 0, perturbation: nil, sign: 0))
    for member in plan.members.dropFirst() {
      let (pair, checkpoint) = (member.perturbation ?? -1, member.checkpoint)
      #expect(member.number == 1 + 2 * (pair * 3 + checkpoint) + (member.sign > 0 ? 0 : 1))
    }
    #expect(Set(plan.members).count == 13)
    #expect(plan.items.count == 65)
  }

  @Test func growingKeepsTheMembersThereWere() {
    let small = WorkPlan(initialTimes: times, checkpoints: 3, pairs: 2, kind: .bredVectors)
    let large = WorkPlan(initialTimes: times, checkpoints: 3, pairs: 9, kind: .bredVectors)
    #expect(Array(large.members.prefix(small.members.count)) == small.members)
    #expect(WorkPlan(initialTimes: times, checkpoints: 3, pairs: 9, kind: .bredVectors, size: 13) == small)
  }

  @Test func withoutPerturbationsMembersAreCheckpoints() {
    let plan = WorkPlan(initialTimes: times, checkpoints: 4, pairs: 3, kind: .none)
    #expect(plan.members.map(\.checkpoint) == [0, 1, 2, 3])
    #expect(plan.members.allSatisfy { $0.perturbation == nil && $0.sign == 0 })
  }

  @Test func blocksHoldEveryMemberOnceAndPairsTogether() {
    let plan = WorkPlan(initialTimes: times, checkpoints: 3, pairs: 7, kind: .bredVectors)
    #expect(plan.blocks.joined().map(\.number).sorted() == plan.members.map(\.number))
    for block in plan.blocks {
      #expect(Set(block.map(\.checkpoint)).count == 1)
      for pair in Set(block.compactMap(\.perturbation)) {
        #expect(block.filter { $0.perturbation == pair }.map(\.sign) == [1, -1])
      }
    }
  }

  @Test(arguments: [1, 2, 3, 7, 29, 100]) func shardsPartTheBlocks(count: Int) {
    let plan = WorkPlan(initialTimes: times, checkpoints: 2, pairs: 9, kind: .noise)
    let shards = (0..<count).map { plan.shard($0, of: count) }
    for time in times {
      let blocks = shards.joined().filter { $0.initialTime == time }.flatMap { Array($0.blocks) }
      #expect(blocks.sorted() == Array(plan.blocks.indices))
    }
    let sizes = shards.map { $0.reduce(0) { $0 + $1.blocks.count } }
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test func aMemberThatIsNotThereIsAUsageError() {
    let plan = WorkPlan(initialTimes: times, checkpoints: 1, pairs: 1, kind: .noise)
    let error = #expect(throws: ApusError.self) { try plan.member(3) }
    #expect(error?.kind == .usage)
  }
}
