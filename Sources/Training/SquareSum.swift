import Basics
import Kernels

/// Sums of squares whose bits depend on the numbers alone: 4096 at a time in single precision, those in
/// double precision in order.
enum SquareSum {
  private static let block = 4096

  /// The sum of x^2 over `count` floats from a 64-byte boundary; beyond them zeros up to a multiple of 16.
  static func of(_ values: UnsafePointer<Float>, _ count: Int, threads: Int = 1) -> Double {
    let blocks = (count + block - 1) / block
    let sums = AlignedBuffer<Double>(blocks)
    // Shares of many blocks, so that few numbers of `sums` are neighbours of another thread's.
    let share = 64
    Team(threads: threads).each((blocks + share - 1) / share) { index, _ in
      for number in index * share..<min((index + 1) * share, blocks) {
        var lanes = SIMD16<Float>()
        for i in stride(from: number * block, to: min((number + 1) * block, count), by: 16) {
          let value = (values + i).vector
          lanes += value * value
        }
        sums.pointer[number] = Double(lanes.sum())
      }
    }
    return (0..<blocks).reduce(0.0) { $0 + sums.pointer[$1] }
  }
}
