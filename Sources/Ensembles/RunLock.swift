import Basics
import Foundation

/// Keeps a second run out of a run directory; released when this value goes, or the process dies.
public final class RunLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock.
  /// - Parameter isShared: several holders that each ask for a shared lock work side by side (shards).
  /// - Throws: `ApusError`: `tryAgainLater` where another process holds it, `cannotCreateOutput` where
  ///   the lock file cannot be made.
  public init(_ file: String, isShared: Bool = false) throws {
    descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ApusError(.cannotCreateOutput, "cannot create the lock file", file: file)
    }
    guard flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      close(descriptor)
      throw ApusError(
        .tryAgainLater, "another run is working here", file: file, advice: "Wait for it, or stop it.")
    }
  }

  deinit { close(descriptor) }
}
