import Foundation

/// The largest resident memory of this process so far.
enum PeakMemory {
  /// As the kernel counts it, mapped pages with it [bytes].
  static func bytes() -> Int {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return usage.ru_maxrss * 1024
  }
}
