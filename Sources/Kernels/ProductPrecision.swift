#if APUS_AMX
  import CVector
#endif

/// How exactly products are computed where the processor's matrix unit computes them (`TileProduct`). The names are those
/// of PyTorch's `set_float32_matmul_precision`. Without such a unit both are single precision.
public enum ProductPrecision: Sendable {
  /// As exact as single precision: every number is the sum of three bfloat16.
  case highest
  /// Sixteen bits: every number is the sum of two, a product wrong by up to 3 x 2^-16 of its size.
  case high

  #if APUS_AMX
    /// Parts of a number.
    @inline(__always) var parts: Int32 { self == .high ? 2 : 3 }
    /// Words of a block of an operand, 16 by 32 numbers.
    @inline(__always) var blockWords: Int { Int(parts) * Int(APUS_TILE_WORDS) }
  #endif
}
