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
    if threads == nil, let text = environmentValue("APUS_THREADS"), (Int(text) ?? 0) < 1 {
      throw ValidationError("APUS_THREADS is '\(text)': it must be a whole number, 1 or more, or not be set.")
    }
  }
}
