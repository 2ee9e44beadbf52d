import CVector

/// Memory that will soon be read or written, asked for bit by bit while a product is computed.
///
/// Fields are larger than the caches, and a product needs its tile sooner than the memory can bring it: waiting
/// took a fifth of a training step. Asked for all at once it would be waited for as well, hence the turns.
public struct Prefetch {
  private var place: UnsafePointer<Float>
  /// From there to the same place in another array, where there is one.
  private var distance: Int
  private let width, stride: Int
  private var lines: Int
  private var column = 0
  private var share = 0

  /// `rows` rows of `width` numbers, `stride` apart, from `start` and, where given, as many from another place.
  @inline(__always) public init(
    _ start: UnsafePointer<Float>, and other: UnsafePointer<Float>? = nil, rows: Int, width: Int, stride: Int
  ) {
    place = start
    distance = other.map { $0 - start } ?? 0
    (self.width, self.stride) = (width, stride)
    lines = rows &* (width / 16)
  }

  /// One of `count` shares of the rows, for one of as many products.
  @inline(__always) public func part(_ index: Int, of count: Int) -> Prefetch {
    var part = self
    let perRow = width / 16
    let rows = lines / perRow
    let first = rows &* index / count
    part.place += first &* stride
    part.lines = (rows &* (index + 1) / count &- first) &* perRow
    return part
  }

  /// Shares the cache lines out over so many turns.
  @inline(__always) mutating func share(_ turns: Int) { share = (lines + turns - 1) / turns }

  /// One turn.
  @inline(__always) mutating func turn() {
    let count = min(share, lines)
    for _ in 0..<count {
      apus_prefetch(place)
      if distance != 0 { apus_prefetch(place + distance) }
      place += 16
      column &+= 16
      if column == width {
        column = 0
        place += stride &- width
      }
    }
    lines &-= count
  }
}
