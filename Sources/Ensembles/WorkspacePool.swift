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

/// Results of parallel work in the order of the work, whoever finished first.
final class Slots<Value: Sendable>: Sendable {
  private let kept: Mutex<[Value?]>

  init(_ count: Int) { kept = Mutex(Array(repeating: nil, count: count)) }

  subscript(index: Int) -> Value? {
    get { kept.withLock { $0[index] } }
    set { kept.withLock { $0[index] = newValue } }
  }
  /// How many results are there.
  var filled: Int { kept.withLock { $0.count { $0 != nil } } }
  /// The results there are, in order.
  var values: [Value] { kept.withLock { $0.compactMap { $0 } } }
}
