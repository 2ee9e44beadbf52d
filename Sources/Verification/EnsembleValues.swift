import Basics

/// The members' values of one variable at one time: [member][point].
///
/// Kept in the precision they came in; every score is computed in double precision.
public struct EnsembleValues: Sendable {
  enum Storage: Sendable {
    case single(AlignedBuffer<Float>)
    case double(AlignedBuffer<Double>)
  }

  /// Number of members M.
  public let memberCount: Int
  /// Number of points.
  public let pointCount: Int
  /// Whether the members are in ascending order at every point, see `sorted`.
  let isSorted: Bool
  let storage: Storage

  /// Members one after the other, [member][point], in single precision.
  public init(_ values: [Float], members: Int) {
    precondition(members > 0 && values.count % members == 0)
    self.init(.single(AlignedBuffer(values)), members, values.count / members, isSorted: false)
  }

  /// Members one after the other, [member][point], in double precision.
  public init(_ values: [Double], members: Int) {
    precondition(members > 0 && values.count % members == 0)
    self.init(.double(AlignedBuffer(values)), members, values.count / members, isSorted: false)
  }

  /// Equally long members, each [point].
  public init(members: [[Float]]) { self.init(members.flatMap { $0 }, members: members.count) }

  /// Members one after the other, [member][point], in memory that nobody else changes.
  public init(_ values: AlignedBuffer<Float>, members: Int) {
    precondition(members > 0 && values.count % members == 0)
    self.init(.single(values), members, values.count / members, isSorted: false)
  }

  init(_ storage: Storage, _ members: Int, _ points: Int, isSorted: Bool) {
    self.storage = storage
    memberCount = members
    pointCount = points
    self.isSorted = isSorted
  }

  /// The value of one member at one point.
  public subscript(member: Int, point: Int) -> Double {
    precondition(member >= 0 && member < memberCount && point >= 0 && point < pointCount)
    switch storage {
    case .single(let values): return Double(values.pointer[member * pointCount + point])
    case .double(let values): return values.pointer[member * pointCount + point]
    }
  }

  /// All values, [member][point], in single precision.
  public var singles: [Float] {
    switch storage {
    case .single(let values): values.array
    case .double(let values): values.array.map { Float($0) }
    }
  }

  /// Some members, by place.
  public func members(_ range: Range<Int>) -> EnsembleValues {
    let (start, count) = (range.lowerBound * pointCount, range.count * pointCount)
    precondition(range.lowerBound >= 0 && range.upperBound <= memberCount && !range.isEmpty)
    switch storage {
    case .single(let values):
      let part = AlignedBuffer<Float>(count)
      part.pointer.update(from: values.pointer + start, count: count)
      return EnsembleValues(.single(part), range.count, pointCount, isSorted: isSorted)
    case .double(let values):
      let part = AlignedBuffer<Double>(count)
      part.pointer.update(from: values.pointer + start, count: count)
      return EnsembleValues(.double(part), range.count, pointCount, isSorted: isSorted)
    }
  }

  /// One member, [point].
  public func member(_ member: Int) -> [Double] { (0..<pointCount).map { self[member, $0] } }

  /// The same values, at every point in ascending order (so that "member" k is the k-th smallest):
  /// a climate sample is sorted once and scored often.
  public func sorted(threads: Int = Parallel.defaultThreads) throws -> EnsembleValues {
    if isSorted { return self }
    let (members, points) = (memberCount, pointCount)
    let scratch = BlockScratch(members: members, threads: threads)
    switch storage {
    case .single:
      let result = AlignedBuffer<Float>(members * points)
      try forEachBlock(scratch, threads: threads) { first, lanes, values, _ in
        for member in 0..<members {
          for lane in 0..<lanes {
            result.pointer[member * points + first + lane] = Float(values[member][lane])
          }
        }
      }
      return EnsembleValues(.single(result), members, points, isSorted: true)
    case .double:
      let result = AlignedBuffer<Double>(members * points)
      try forEachBlock(scratch, threads: threads) { first, lanes, values, _ in
        for member in 0..<members {
          for lane in 0..<lanes { result.pointer[member * points + first + lane] = values[member][lane] }
        }
      }
      return EnsembleValues(.double(result), members, points, isSorted: true)
    }
  }
}

/// Eight neighbouring points, one a lane.
typealias Lanes = SIMD8<Double>

/// Memory for one block of eight points, all members, for each thread.
struct BlockScratch: Sendable {
  let members: Int
  private let buffer: AlignedBuffer<Lanes>

  init(members: Int, threads: Int) {
    self.members = members
    buffer = AlignedBuffer(members * max(1, threads))
  }

  func block(_ thread: Int) -> UnsafeMutablePointer<Lanes> { buffer.pointer + thread * members }
}

extension EnsembleValues {
  /// Visits all points in blocks of eight, in parallel: `body` gets the first point, the number of
  /// lanes in use, the members in ascending order and the lanes with a NaN among the members (these
  /// hold NaN everywhere afterwards). What a block computes does not depend on the thread.
  func forEachBlock(
    _ scratch: BlockScratch, threads: Int,
    _ body:
      @Sendable (
        _ first: Int, _ lanes: Int, _ sorted: UnsafeMutablePointer<Lanes>, _ missing: SIMDMask<SIMD8<Int64>>
      ) -> Void
  ) throws {
    let blocks = (pointCount + 7) / 8
    let blocksPerItem = 32
    let items = (blocks + blocksPerItem - 1) / blocksPerItem
    try Parallel.forEach(items, threads: threads) { item, thread in
      let values = scratch.block(thread)
      for block in item * blocksPerItem..<min(blocks, (item + 1) * blocksPerItem) {
        let first = block * 8
        let lanes = min(8, pointCount - first)
        let missing = gather(first, lanes, into: values)
        if !isSorted { SortingNetwork.sort(values, memberCount) }
        if any(missing) {
          for member in 0..<memberCount { values[member].replace(with: .nan, where: missing) }
        }
        body(first, lanes, values, missing)
      }
    }
  }

  /// Copies eight points (the last lanes repeat the last point) and zeroes those with a NaN.
  private func gather(_ first: Int, _ lanes: Int, into values: UnsafeMutablePointer<Lanes>)
    -> SIMDMask<SIMD8<Int64>>
  {
    var missing = SIMDMask<SIMD8<Int64>>(repeating: false)
    for member in 0..<memberCount {
      let start = member * pointCount + first
      var lane = Lanes.zero
      switch storage {
      case .single(let source):
        if lanes == 8 {
          lane = Lanes(UnsafeRawPointer(source.pointer + start).loadUnaligned(as: SIMD8<Float>.self))
        } else {
          for i in 0..<8 { lane[i] = Double(source.pointer[start + min(i, lanes - 1)]) }
        }
      case .double(let source):
        if lanes == 8 {
          lane = UnsafeRawPointer(source.pointer + start).loadUnaligned(as: Lanes.self)
        } else {
          for i in 0..<8 { lane[i] = source.pointer[start + min(i, lanes - 1)] }
        }
      }
      missing = missing .| (lane .!= lane)
      values[member] = lane
    }
    if any(missing) {
      for member in 0..<memberCount { values[member].replace(with: 0, where: missing) }
    }
    return missing
  }
}
