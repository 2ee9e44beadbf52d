import Kernels

/// Sorts eight columns at once without branches, by `MergeExchange`.
enum SortingNetwork {
  /// Sorts `count` rows so that every lane ascends. No NaN.
  static func sort(_ values: UnsafeMutablePointer<Lanes>, _ count: Int) {
    MergeExchange.sort(count) { i, j in
      let (low, high) = (values[i], values[j])
      let swap = high .< low
      values[i] = low.replacing(with: high, where: swap)
      values[j] = high.replacing(with: low, where: swap)
    }
  }
}
