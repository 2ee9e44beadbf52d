import Foundation

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter-based
/// generator. The same key and counter give the same numbers whatever was drawn before and on whatever
/// thread, which is what makes a member reproducible alone.
public struct Philox: Sendable {
  /// What a stream of numbers is for; part of the key, so that two uses never share numbers.
  public enum Purpose: UInt32, Sendable {
    case initialWeights = 1
    case sampleOrder = 2
    case perturbation = 3
    case bootstrap = 4
    case test = 5
    case tieBreak = 6
    case emulation = 7
  }

  private let key: (UInt32, UInt32)
  private let stream: (UInt32, UInt32)

  /// A stream keyed by the run's `seed`, what it is for, and up to three indices
  /// (for a perturbation: initial time in hours since 1970, checkpoint, perturbation index).
  public init(seed: UInt64, purpose: Purpose, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0) {
    // The indices are folded into a 128-bit (key, stream) pair by the generator itself: a block cipher
    // in all but name, so neighbouring indices give unrelated streams.
    var key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var stream = (purpose.rawValue, UInt32(0x4150_5553))  // "APUS"
    for index in [a, b, c] {
      let block = Philox.rounds(
        (
          UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), stream.0, stream.1
        ), key)
      key = (block.0, block.1)
      stream = (block.2, block.3)
    }
    self.key = key
    self.stream = stream
  }

  /// The four 32-bit words at `counter`.
  public func block(_ counter: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
    Philox.rounds(
      (
        UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), stream.0, stream.1
      ), key)
  }

  /// The cipher itself: ten rounds over a 128-bit counter with a 64-bit key.
  public static func rounds(
    _ counter: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let p0 = UInt64(c0) &* 0xD251_1F53
      let p1 = UInt64(c2) &* 0xCD9E_8D57
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }

  /// A double in [0, 1) with 53 random bits: number `index` of the stream.
  public func uniform(_ index: UInt64) -> Double {
    let words = block(index)
    let bits = (UInt64(words.0) << 32 | UInt64(words.1)) >> 11
    return Double(bits) * 0x1p-53
  }

  /// An unbiased integer in `0..<bound` (up to 2^-32 relative): number `index` of the stream.
  public func integer(below bound: Int, _ index: UInt64) -> Int {
    let words = block(index)
    let bits = UInt64(words.0) << 32 | UInt64(words.1)
    return Int(bits.multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Two independent standard normals (Box-Muller in double precision): pair `index` of the stream.
  public func normalPair(_ index: UInt64) -> (Double, Double) {
    let words = block(index)
    let u = (Double((UInt64(words.0) << 32 | UInt64(words.1)) >> 11) + 0.5) * 0x1p-53
    let v = Double((UInt64(words.2) << 32 | UInt64(words.3)) >> 11) * 0x1p-53
    let radius = (-2 * log(u)).squareRoot()
    return (radius * cos(2 * .pi * v), radius * sin(2 * .pi * v))
  }

  /// `count` independent standard normals.
  public func normals(_ count: Int) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(count + 1)
    var index: UInt64 = 0
    while values.count < count {
      let pair = normalPair(index)
      values.append(pair.0)
      values.append(pair.1)
      index += 1
    }
    return Array(values.prefix(count))
  }

  /// `0..<count` in random order (Fisher-Yates).
  public func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(i, integer(below: i + 1, UInt64(i)))
    }
    return order
  }
}
