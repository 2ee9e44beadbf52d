import ArgumentParser
import Basics

/// `--threads`.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads used; results do not depend on it. (default: APUS_THREADS, or all processors)")
  var threads: Int?

  /// The number to use.
  var count: Int { threads ?? Parallel.defaultThreads }

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be 1 or more.") }
  }
}
