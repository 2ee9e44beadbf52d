import Kernels

/// Sums of squares whose bits depend on the numbers alone: 4096 at a time in single precision, those in
/// double precision in order.
enum SquareSum {
  /// The sum of x^2 over `count` floats from a 64-byte boundary; beyond them zeros up to a multiple of 16.
  static func of(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
    var total = 0.0
    for start in stride(from: 0, to: count, by: 4096) {
      var lanes = SIMD16<Float>()
      for i in stride(from: start, to: min(start + 4096, count), by: 16) {
        let value = (values + i).vector
        lanes += value * value
      }
      total += Double(lanes.sum())
    }
    return total
  }
}
