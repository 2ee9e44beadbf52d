import ArgumentParser
import Basics

/// `--threads`.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads used; results do not depend on it. (default: APUS_THREADS, or all processors)")
  var threads: Int?

  private static let range = "\(Parallel.threadCounts.lowerBound) to \(Parallel.threadCounts.upperBound)"

  /// The number to use.
  var count: Int { threads ?? Parallel.defaultThreads }

  func validate() throws {
    if let threads, !Parallel.threadCounts.contains(threads) {
      throw ValidationError("--threads must be \(Self.range).")
    }
    if threads == nil, let text = environmentValue("APUS_THREADS"),
      !Parallel.threadCounts.contains(Int(text) ?? 0)
    {
      throw ValidationError(
        "APUS_THREADS is '\(text)': it must be a whole number, \(Self.range), or not be set.")
    }
  }
}
