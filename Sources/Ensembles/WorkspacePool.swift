import Synchronization

/// One workspace a thread and checkpoint, made when first needed.
///
/// Unchecked because `Parallel.forEach` never gives a thread number to two calls at once, so a slot has
/// one user at a time.
final class WorkspacePool: @unchecked Sendable {
  private let models: [any ForecastModel]
  private var slots: [[(any ForecastWorkspace)?]]
  private let lock = Mutex<Void>(())

  init(models: [any ForecastModel], threads: Int) {
    self.models = models
    slots = Array(repeating: Array(repeating: nil, count: models.count), count: max(threads, 1))
  }

  func workspace(thread: Int, checkpoint: Int) -> any ForecastWorkspace {
    if let workspace = lock.withLock({ _ in slots[thread][checkpoint] }) { return workspace }
    let workspace = models[checkpoint].makeWorkspace()
    lock.withLock { _ in slots[thread][checkpoint] = workspace }
    return workspace
  }
}
