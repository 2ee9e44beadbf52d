import CVector

/// Sorts sixteen columns at once, without branches: every row is a vector, every column a lane.
///
/// What an ensemble's scores need at each point is its members in order. Sorting networks exchange whole rows,
/// so that sixteen points cost as much as one. Up to `leaf` rows it is `MergeExchange`; longer columns are sorted leaf by
/// leaf, in the first-level cache, and bitonic merges join them, two exchanges a row at each pass.
public enum ColumnSort {
  /// Rows sorted in one go: 32 KiB.
  static let leaf = 512

  /// Rows of scratch that `sort` needs for `count` rows: `count`, or the next power of two for long columns.
  public static func room(_ count: Int) -> Int {
    guard count > leaf else { return count }
    var size = leaf
    while size < count { size *= 2 }
    return size
  }

  /// Sorts `count` rows so that every lane ascends. No NaN.
  /// - Parameter rows: `room(count)` rows; those past `count` are overwritten.
  public static func sort(_ rows: UnsafeMutablePointer<Vector>, _ count: Int) {
    let size = room(count)
    guard size > leaf else { return mergeExchange(rows, count) }
    for row in count..<size { rows[row] = Vector(repeating: .infinity) }
    for start in stride(from: 0, to: size, by: leaf) where start < count {
      mergeExchange(rows + start, leaf)
    }
    var run = 2 * leaf
    while run <= size {
      for start in stride(from: 0, to: size, by: run) where start < count {
        bitonicMerge(rows + start, run)
      }
      run *= 2
    }
  }

  @inline(__always) private static func exchange(
    _ a: UnsafeMutablePointer<Vector>, _ b: UnsafeMutablePointer<Vector>
  ) {
    let (x, y) = (a.pointee, b.pointee)
    a.pointee = apus_smaller(x, y)
    b.pointee = apus_larger(x, y)
  }

  private static func mergeExchange(_ rows: UnsafeMutablePointer<Vector>, _ count: Int) {
    MergeExchange.sort(count) { exchange(rows + $0, rows + $1) }
  }

  /// Joins two sorted halves of `size` rows, a power of two.
  private static func bitonicMerge(_ rows: UnsafeMutablePointer<Vector>, _ size: Int) {
    // The second half read backwards makes the whole rise and fall.
    for i in 0..<size / 2 { exchange(rows + i, rows + size - 1 - i) }
    var distance = size / 4
    while distance >= leaf {
      for start in stride(from: 0, to: size, by: 2 * distance) { halve(rows + start, distance) }
      distance /= 2
    }
    // What is left stays within blocks that fit in the first-level cache.
    for start in stride(from: 0, to: size, by: 2 * distance) { finish(rows + start, distance) }
  }

  @inline(__always) private static func halve(_ rows: UnsafeMutablePointer<Vector>, _ distance: Int) {
    for i in 0..<distance { exchange(rows + i, rows + i + distance) }
  }

  /// Exchanges at `distance`, half of it, ... 1, two distances a pass.
  private static func finish(_ rows: UnsafeMutablePointer<Vector>, _ distance: Int) {
    let size = 2 * distance
    var distance = distance
    while distance >= 2 {
      let half = distance / 2
      for start in stride(from: 0, to: size, by: 2 * distance) {
        for i in start..<start + half {
          let (a, b, c, d) = (rows[i], rows[i + half], rows[i + distance], rows[i + distance + half])
          let (lowA, highA) = (apus_smaller(a, c), apus_larger(a, c))
          let (lowB, highB) = (apus_smaller(b, d), apus_larger(b, d))
          rows[i] = apus_smaller(lowA, lowB)
          rows[i + half] = apus_larger(lowA, lowB)
          rows[i + distance] = apus_smaller(highA, highB)
          rows[i + distance + half] = apus_larger(highA, highB)
        }
      }
      distance /= 4
    }
    if distance == 1 {
      for start in stride(from: 0, to: size, by: 2) { exchange(rows + start, rows + start + 1) }
    }
  }
}
