/// The exchanges of Batcher's merge exchange sort, for any count (Knuth, The Art of Computer Programming 3, 5.2.2,
/// Algorithm M): about n (log2 n)^2 / 4 of them, the same whatever the values are.
public enum MergeExchange {
  /// Calls `exchange(i, j)`, i < j, which has to leave the smaller of rows i and j in row i.
  @inlinable @inline(__always) public static func sort(_ count: Int, exchange: (_ i: Int, _ j: Int) -> Void) {
    guard count > 1 else { return }
    let highest = 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount - 1)
    var p = highest
    while p > 0 {
      var (q, r, d) = (highest, 0, p)
      while true {
        // All i < count - d with i & p == r: runs of p rows, every second run.
        var start = r
        while start < count - d {
          for i in start..<min(start + p, count - d) { exchange(i, i + d) }
          start += 2 * p
        }
        if q == p { break }
        d = q - p
        q /= 2
        r = p
      }
      p /= 2
    }
  }
}
