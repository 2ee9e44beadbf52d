import Basics
import Kernels
import Testing

@Suite struct MemberReductionTests {
  static let points = 64
  let members = (0..<21).map { member in
    let noise = Philox(seed: 3, purpose: .test, UInt64(member)).normals(points)
    return AlignedBuffer(noise.map { Float(5500 + 40 * $0) })
  }
  let reference = AlignedBuffer([Float](repeating: 5480, count: points))
  static let ticksPerUnit: Float = 1024

  final class Sums {
    let sum = AlignedBuffer<Int64>(points)
    let squares = AlignedBuffer<Int64>(points)
    let least = AlignedBuffer([Float](repeating: .infinity, count: points))
    let most = AlignedBuffer([Float](repeating: -.infinity, count: points))
    let leastMember = AlignedBuffer([Int32](repeating: .max, count: points))
    let mostMember = AlignedBuffer([Int32](repeating: .max, count: points))
    let counts = AlignedBuffer<UInt16>(points)
  }

  func add(_ numbers: [Int], to sums: Sums, above bound: MemberReduction.Bound = .aboveReference(30)) {
    let rows = numbers.map { UnsafePointer(members[$0].pointer) }
    rows.withUnsafeBufferPointer { rows in
      MemberReduction.add(
        rows, numbers: numbers.map { Int32($0) }, reference: reference.pointer,
        ticksPerUnit: Self.ticksPerUnit,
        count: Self.points,
        to: .init(
          sum: sums.sum.pointer, squares: sums.squares.pointer, least: sums.least.pointer,
          most: sums.most.pointer, leastMember: sums.leastMember.pointer, mostMember: sums.mostMember.pointer)
      )
      MemberReduction.count(
        rows, above: bound, reference: reference.pointer, count: Self.points, into: sums.counts.pointer)
    }
  }

  @Test func sumsAreThoseOfTheDefinition() {
    let sums = Sums()
    add(Array(0..<21), to: sums)
    for i in 0..<Self.points {
      let values = members.map { $0.pointer[i] }
      let ticks = values.map { Int64((($0 - 5480) * Self.ticksPerUnit).rounded(.toNearestOrEven)) }
      #expect(sums.sum.pointer[i] == ticks.reduce(0, +))
      #expect(sums.squares.pointer[i] == ticks.reduce(0) { $0 + $1 * $1 })
      #expect(sums.least.pointer[i] == values.min() && sums.most.pointer[i] == values.max())
      #expect(Int(sums.leastMember.pointer[i]) == values.firstIndex(of: values.min() ?? 0))
      #expect(Int(sums.mostMember.pointer[i]) == values.firstIndex(of: values.max() ?? 0))
      #expect(Int(sums.counts.pointer[i]) == values.count { $0 > 5510 })
    }
  }

  @Test func anyOrderAndAnyBatchesGiveTheSame() {
    let (whole, parts) = (Sums(), Sums())
    add(Array(0..<21), to: whole)
    for batch in [[20, 3], [7], [0, 1, 2, 19, 18, 4], [5, 6, 8, 9, 10, 11, 12], [17, 16, 15, 14, 13]] {
      add(batch, to: parts)
    }
    #expect(whole.sum.array == parts.sum.array && whole.squares.array == parts.squares.array)
    #expect(whole.least.array == parts.least.array && whole.most.array == parts.most.array)
    #expect(whole.leastMember.array == parts.leastMember.array)
    #expect(whole.mostMember.array == parts.mostMember.array && whole.counts.array == parts.counts.array)
  }

  @Test func ofEqualExtremesTheLowestNumberStands() {
    let sums = Sums()
    for i in 0..<Self.points { members[9].pointer[i] = members[4].pointer[i] }
    add([9], to: sums)
    add([4], to: sums)
    #expect(sums.leastMember.array.allSatisfy { $0 == 4 } && sums.mostMember.array.allSatisfy { $0 == 4 })
  }

  @Test func constantsAndFieldsBoundAlike() {
    let (one, other) = (Sums(), Sums())
    let field = AlignedBuffer([Float](repeating: 5505, count: Self.points))
    add(Array(0..<21), to: one, above: .constant(5505))
    add(Array(0..<21), to: other, above: .field(field.pointer))
    #expect(one.counts.array == other.counts.array)
  }
}
