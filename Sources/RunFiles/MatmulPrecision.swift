/// How exactly the 1x1 convolutions' products are computed, where the processor has a unit for less. The names are those of
/// PyTorch's `set_float32_matmul_precision`.
public enum MatmulPrecision: String, Sendable, Hashable, Codable, CaseIterable {
  /// As single precision.
  case highest
  /// Sixteen bits.
  case high
  /// Eight bits.
  case medium
}
