import Basics
import Foundation

/// Keeps a second run out of a run directory; released when this value goes, or the process dies.
///
/// The file says who holds it (`pid 4711 on nwp1 since 2026-02-01T06:00:03Z: apus run`), so that the second
/// one can name the first. On file systems of a network `flock` may not reach other hosts; the file does.
public final class RunLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock.
  /// - Parameter isShared: several holders that each ask for a shared lock work side by side (shards).
  /// - Throws: `ApusError`: `tryAgainLater` (75) naming the holder where another process holds it,
  ///   `cannotCreateOutput` (73) where the lock file cannot be made.
  public init(_ file: String, isShared: Bool = false) throws {
    descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ApusError(
        .cannotCreateOutput, "cannot create the lock file", file: file,
        found: String(cString: strerror(errno)),
        expected: "a directory that may be written to", advice: "Choose another --output.")
    }
    guard flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      // The descriptor is set, so deinit runs and closes it: closed twice, it might be another thread's by then.
      let holder = LockHolder.read(descriptor)
      throw ApusError(
        .tryAgainLater, "another run is working here", file: file, found: holder.map { "held by \($0)" },
        advice: "Wait for it, or stop it.")
    }
    LockHolder.current(isShared: isShared).write(descriptor)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Who holds a lock now, in words; nil where nobody does. Takes nothing and writes nothing.
  public static func holder(of file: String) -> String? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return nil }
    return LockHolder.read(descriptor)?.description ?? "another process"
  }
}
