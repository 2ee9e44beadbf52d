/// Keeps the leading mantissa bits of float32 numbers (Kouznetsov 2021; CF 8.4 `bitround`): the rest is
/// zeros that deflate packs away. Round to nearest, ties to even, so means stay unbiased.
public enum BitRound {
  /// Rounds all values to `bits` mantissa bits, 1...23; the relative error is at most 2^-(bits + 1).
  public static func apply(_ values: inout [Float], bits: Int) {
    guard bits < 23 else { return }
    let shift = UInt32(23 - bits)
    let half = UInt32(1) << (shift - 1) - 1
    let mask = ~(UInt32(1) << shift - 1)
    for i in values.indices where values[i].isFinite {
      let pattern = values[i].bitPattern
      let rounded = Float(bitPattern: (pattern &+ half &+ (pattern >> shift & 1)) & mask)
      // The largest numbers would round to infinity: they stay as they are.
      if rounded.isFinite { values[i] = rounded }
    }
  }
}
