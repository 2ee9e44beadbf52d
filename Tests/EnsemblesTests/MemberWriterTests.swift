import Basics
import Ensembles
import Fields
import Foundation
import Synchronization
import Testing

/// Members are written by one thread while forecasts go on; nothing is lost by a stop, a failure is the run's.
@Suite struct MemberWriterTests {
  let world: EnsembleRunTests
  init() throws { world = try EnsembleRunTests() }

  /// Counts of members that were handed over and written.
  final class Watch: Sendable {
    struct Content {
      var (handedOver, begun, writing, written) = (0, 0, 0, 0)
      var (mostWaiting, mostWriting) = (0, 0)
    }
    private let content = Mutex(Content())
    var now: Content { content.withLock { $0 } }

    func handOver() {
      content.withLock {
        $0.handedOver += 1
        $0.mostWaiting = max($0.mostWaiting, $0.handedOver - $0.written)
      }
    }
    /// - Returns: how many were begun, this one included.
    func begin() -> Int {
      content.withLock {
        $0.begun += 1
        $0.writing += 1
        $0.mostWriting = max($0.mostWriting, $0.writing)
        return $0.begun
      }
    }
    func end() {
      content.withLock {
        $0.writing -= 1
        $0.written += 1
      }
    }
  }

  /// Writes slowly, and fails from a number of members on.
  struct WatchedStore: RunStore {
    let watch = Watch()
    var failsAfter = Int.max
    private let store = RawStore()

    init(failsAfter: Int = .max) { self.failsAfter = failsAfter }

    func rounded(_ trajectory: Trajectory) -> Trajectory {
      watch.handOver()
      return trajectory
    }
    func write(_ trajectory: Trajectory, of member: MemberIdentity, to path: String) throws {
      let count = watch.begin()
      usleep(3000)
      defer { watch.end() }
      guard count <= failsAfter else {
        throw ApusError(.inputOutput, "writing failed: no space left", file: path)
      }
      try store.write(trajectory, of: member, to: path)
    }
    func read(_ path: String) throws -> Trajectory { try store.read(path) }
    func write(
      _ product: RunDirectory.Product, values: [Float], like shape: Trajectory, members: Int, to path: String
    ) throws { try store.write(product, values: values, like: shape, members: members, to: path) }
  }

  @Test(arguments: [1, 2, 4]) func oneThreadWritesAndTheQueueIsBounded(threads: Int) throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole)
    let store = WatchedStore()
    try world.run(scratch, threads: threads, store: store)
    #expect(store.watch.now.written == 18 && store.watch.now.mostWriting == 1)
    // As many as there are threads may wait, and each thread may hold one that has no room.
    #expect(store.watch.now.mostWaiting <= 2 * threads)
    #expect(try scratch.contents() == whole.contents())
  }

  @Test(arguments: [1, 2]) func aFailureEndsTheRunAndTheNextOneGoesOn(threads: Int) throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole)
    let store = WatchedStore(failsAfter: 5)
    let error = #expect(throws: ApusError.self) { try world.run(scratch, threads: threads, store: store) }
    #expect(error?.kind == .inputOutput && error?.problem.contains("no space left") == true)
    // Nothing is tried after the first failure, and no date counts as finished.
    #expect(store.watch.now.begun == 6)
    #expect(try scratch.contents(below: "members").count == 5)
    #expect(try scratch.contents(below: "checksums").isEmpty)
    try world.run(scratch)
    #expect(try scratch.contents() == whole.contents())
  }

  @Test(arguments: [24, 40, 60]) func aStopWritesWhatWasHandedOver(after steps: Int) throws {
    let scratch = try ScratchDirectory()
    let count = Atomic<Int>(0)
    let store = WatchedStore()
    let error = #expect(throws: ApusError.self) {
      try world.run(
        scratch, store: store, isStopped: { count.add(1, ordering: .relaxed).newValue > steps })
    }
    #expect(error?.kind == .tryAgainLater)
    let watch = store.watch.now
    #expect(watch.handedOver > 0 && watch.written == watch.handedOver)
    #expect(try scratch.contents(below: "members").count == watch.written)
  }
}
