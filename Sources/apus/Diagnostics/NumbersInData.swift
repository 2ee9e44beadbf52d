import Foundation

extension Data {
  /// The bytes of numbers, as they are in memory.
  init<Number: BitwiseCopyable>(numbers: [Number]) { self = numbers.withUnsafeBytes { Data($0) } }

  /// The numbers again.
  func numbers<Number: BitwiseCopyable & AdditiveArithmetic>() -> [Number] {
    var values = [Number](repeating: .zero, count: count / MemoryLayout<Number>.stride)
    _ = values.withUnsafeMutableBytes { copyBytes(to: $0) }
    return values
  }
}
