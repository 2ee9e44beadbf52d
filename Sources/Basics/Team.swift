/// A number of threads that share a loop: the same work for one as for many, without error paths.
public struct Team: Sendable {
  /// How many there are.
  public let threads: Int

  /// A team of so many, at least one.
  public init(threads: Int) { self.threads = max(1, threads) }

  /// Runs `body(index, thread)` for every index; see `Parallel.forEach`.
  ///
  /// The body may capture pointers: kernels write to disjoint parts of one array, which the compiler cannot
  /// know. It is the caller's to see that two indices never write to the same place.
  @inline(__always) public func each(_ count: Int, _ body: (_ index: Int, _ thread: Int) -> Void) {
    guard threads > 1 else {
      for index in 0..<count { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let work = Work(body: body)
      // The body throws nothing, so there is nothing to catch.
      try? Parallel.forEach(count, threads: threads) { work.body($0, $1) }
    }
  }

  private struct Work: @unchecked Sendable { let body: (Int, Int) -> Void }
}
