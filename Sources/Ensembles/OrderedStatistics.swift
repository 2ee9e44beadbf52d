import Fields
import Synchronization

/// Adds the members of one initial time to the statistics in order of number, in whatever order they come:
/// early ones wait. This is why products have the same bits on any number of threads.
final class OrderedStatistics: Sendable {
  private struct Content {
    var statistics: StreamingStatistics?
    var waiting: [Int: Trajectory] = [:]
    var next = 0
    var shape: Trajectory?
  }
  private let content = Mutex(Content())
  private let members: Int

  init(members: Int) { self.members = members }

  /// Takes the trajectory at place `index` of the plan.
  /// - Returns: the statistics, once the last member is in, with a trajectory for its coordinates.
  func add(_ trajectory: Trajectory, index: Int) -> (StreamingStatistics, Trajectory)? {
    content.withLock { content in
      content.waiting[index] = trajectory
      while let ready = content.waiting.removeValue(forKey: content.next) {
        if content.statistics == nil {
          content.statistics = StreamingStatistics(count: ready.values.count)
          content.shape = ready
        }
        content.statistics?.add(ready.values)
        content.next += 1
      }
      guard content.next == members, let statistics = content.statistics, let shape = content.shape else {
        return nil
      }
      content.statistics = nil
      content.shape = nil
      return (statistics, shape)
    }
  }
}
