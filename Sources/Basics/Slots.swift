import Synchronization

/// Results of parallel work in the order of the work, whoever finished first.
public final class Slots<Value: Sendable>: Sendable {
  private let kept: Mutex<[Value?]>

  /// `count` empty places.
  public init(_ count: Int) { kept = Mutex(Array(repeating: nil, count: count)) }

  /// The result of a piece of work, nil while there is none.
  public subscript(index: Int) -> Value? {
    get { kept.withLock { $0[index] } }
    set { kept.withLock { $0[index] = newValue } }
  }
  /// How many results are there.
  public var filled: Int { kept.withLock { $0.count { $0 != nil } } }
  /// The results there are, in order.
  public var values: [Value] { kept.withLock { $0.compactMap { $0 } } }
}
