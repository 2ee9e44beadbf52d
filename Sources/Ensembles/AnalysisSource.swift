import Basics
import FieldIO
import Fields
import Synchronization

/// Where analyses come from: an archive of files, or in tests a closed-form atmosphere.
public protocol AnalysisSource: Sendable {
  /// The analysis valid at a moment.
  /// - Throws: `ApusError` of kind `inputMissing` naming the date where there is none.
  func state(at time: Instant) throws -> State
}

/// Keeps the analyses it has read, so that members sharing an initial time read each file once.
public final class AnalysisCache: AnalysisSource {
  private let source: any AnalysisSource
  private let limit: Int
  private let kept = Mutex<(states: [Instant: State], order: [Instant])>(([:], []))

  /// A cache of at most `limit` analyses in front of `source`.
  public init(_ source: any AnalysisSource, limit: Int = 8) {
    self.source = source
    self.limit = limit
  }

  /// The analysis valid at a moment, read once.
  /// - Throws: what the source throws.
  public func state(at time: Instant) throws -> State {
    if let state = kept.withLock({ $0.states[time] }) { return state }
    let state = try source.state(at: time)
    kept.withLock { cache in
      guard cache.states.updateValue(state, forKey: time) == nil else { return }
      cache.order.append(time)
      if cache.order.count > limit { cache.states[cache.order.removeFirst()] = nil }
    }
    return state
  }
}
