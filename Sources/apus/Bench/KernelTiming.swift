/// One timed kernel.
struct KernelTiming {
  /// `suite.kernel.shape`, stable: tools/bench_peers.py looks kernels up by it.
  let name: String
  /// Median time of one call in seconds.
  let seconds: Double
  /// Calls timed.
  let repeats: Int
  /// Floating-point operations of its matrix products; 0 where there are none.
  let operations: Double
  /// Bytes that must at least move: inputs, weights and tables read once, outputs written once. What stays
  /// in the caches between two stages is not counted.
  let bytes: Double
}
