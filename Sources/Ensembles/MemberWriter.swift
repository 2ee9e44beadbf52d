import Basics
import Dispatch
import Synchronization

/// The one thread of a run that writes member files, so that forecasts go on meanwhile: NetCDF takes one caller at a
/// time, and threads that write themselves wait for each other.
///
/// The queue is bounded: a thread that hands over a member waits while too many are not written yet. After a failure
/// nothing more is written, and the next who asks gets the error.
final class MemberWriter: Sendable {
  private let queue = DispatchQueue(label: "apus.member-writer")
  private let room: DispatchSemaphore
  private let failure = Mutex<(any Error)?>(nil)

  /// A writer that holds at most `capacity` members that are not written yet.
  init(capacity: Int) { room = DispatchSemaphore(value: max(capacity, 1)) }

  /// Has `write` done soon, after all that was added before.
  /// - Throws: what an earlier write threw.
  func add(_ write: @escaping @Sendable () throws -> Void) throws {
    room.wait()
    do { try check() } catch {
      room.signal()
      throw error
    }
    queue.async { [self] in
      defer { room.signal() }
      guard failure.withLock({ $0 }) == nil else { return }
      do { try write() } catch { failure.withLock { $0 = error } }
    }
  }

  /// - Throws: what a write threw.
  func check() throws {
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Waits until everything that was added is written.
  /// - Throws: what a write threw.
  func drain() throws {
    queue.sync {}
    try check()
  }
}
