import Dispatch
import Synchronization

/// Our own parallelism: over members, samples or fields, never inside BLAS.
///
/// Work is handed out one index at a time, so uneven items balance; what an index computes
/// must not depend on which thread computes it, so results never depend on `threads`.
public enum Parallel {
  /// Threads that anybody may ask for: scratch memory is held for each.
  public static let threadCounts = 1...1024

  /// Threads used when a call does not say: `APUS_THREADS` or the number of processors.
  public static let defaultThreads: Int = {
    if let text = environmentValue("APUS_THREADS"), let count = Int(text), threadCounts.contains(count) {
      return count
    }
    return processorCount
  }()

  /// Runs `body(index, thread)` for every index in `0..<count`; `thread` is in `0..<threads` and is
  /// never used by two calls at once, so it may index scratch memory. The first error is rethrown
  /// after all running bodies have returned; indices not yet begun are then skipped.
  public static func forEach(
    _ count: Int, threads: Int = defaultThreads,
    _ body: @Sendable (_ index: Int, _ thread: Int) throws -> Void
  ) throws {
    let workers = max(1, min(threads, count))
    if workers == 1 {
      for index in 0..<count { try body(index, 0) }
      return
    }
    let next = Atomic<Int>(0)
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: workers) { thread in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        if index >= count { return }
        do { try body(index, thread) } catch {
          failure.withLock { if $0 == nil { $0 = error } }
          next.store(count, ordering: .relaxed)
          return
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
