#if APUS_AMX
  import CVector
#endif

/// How exactly products are computed where the processor has a unit for numbers of fewer bits. The names are those of
/// PyTorch's `set_float32_matmul_precision`. Each is a permission: without such a unit all are single precision.
public enum ProductPrecision: Sendable {
  /// As exact as single precision: every number is the sum of three bfloat16.
  case highest
  /// Sixteen bits on the matrix unit (`TileProduct`): every number is the sum of two, a product wrong by up to 3 x 2^-16 of
  /// its size.
  case high
  /// Eight bits, one bfloat16 a number, as HENS trains its 1x1 convolutions: a product is wrong by up to 2^-8 of its size.
  /// On the matrix unit (`TileProduct`), or vector units that multiply pairs of them (`PairProduct`).
  case medium

  /// Those that differ on this processor, the most exact first.
  public static var distinct: [ProductPrecision] {
    #if APUS_BF16
      [.highest, .medium]
    #else
      Product.usesMatrixUnit ? [.highest, .high, .medium] : [.highest]
    #endif
  }

  #if APUS_AMX
    /// Parts of a number.
    @inline(__always) var parts: Int32 { self == .highest ? 3 : self == .high ? 2 : 1 }
    /// Words of a block of an operand, 16 by 32 numbers.
    @inline(__always) var blockWords: Int { Int(parts) * Int(APUS_TILE_WORDS) }
  #endif
}
