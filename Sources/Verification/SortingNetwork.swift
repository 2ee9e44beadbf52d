/// Sorts eight columns at once without branches: Batcher's merge exchange sort for any count
/// (Knuth, The Art of Computer Programming 3, 5.2.2, Algorithm M), about n (log2 n)^2 / 4 exchanges.
enum SortingNetwork {
  /// Sorts `count` rows so that every lane ascends. No NaN.
  static func sort(_ values: UnsafeMutablePointer<Lanes>, _ count: Int) {
    guard count > 1 else { return }
    let highest = 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount - 1)
    var p = highest
    while p > 0 {
      var q = highest
      var r = 0
      var d = p
      while true {
        // All i < count - d with i & p == r: runs of p rows, every second run.
        var start = r
        while start < count - d {
          for i in start..<min(start + p, count - d) {
            let low = values[i]
            let high = values[i + d]
            let swap = high .< low
            values[i] = low.replacing(with: high, where: swap)
            values[i + d] = high.replacing(with: low, where: swap)
          }
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
