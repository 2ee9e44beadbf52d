import Basics
import Foundation

/// Keeps a second run out of a run directory; released when this value goes, or the process dies.
///
/// The file says who holds it (`pid 4711 on nwp1 since 2026-02-01T06:00:03Z: apus run`), so that the second
/// one can name the first. On file systems of a network `flock` may not reach other hosts; the file does.
public final class RunLock: Sendable {
  private let descriptor: Int32
  /// The file that goes with the lock; nil: it stays.
  private let removed: String?

  /// Takes the lock.
  /// - Parameters:
  ///   - isShared: several holders that each ask for a shared lock work side by side (shards).
  ///   - isTemporary: whether the file goes with the lock; all who use the file must say the same.
  /// - Throws: `ApusError`: `tryAgainLater` (75) naming the holder where another process holds it,
  ///   `cannotCreateOutput` (73) where the lock file cannot be made.
  public init(_ file: String, isShared: Bool = false, isTemporary: Bool = false) throws {
    descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      removed = nil
      throw ApusError(
        .cannotCreateOutput, "cannot create the lock file", file: file,
        found: String(cString: strerror(errno)),
        expected: "a directory that may be written to", advice: "Choose another place for the output.")
    }
    guard flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      removed = nil
      // The descriptor is set, so deinit runs and closes it: closed twice, it might be another thread's by then.
      let holder = LockHolder.read(descriptor)
      throw ApusError(
        .tryAgainLater, "another run is working here", file: file, found: holder.map { "held by \($0)" },
        advice: "Wait for it, or stop it.")
    }
    guard !isTemporary || RunLock.isOpen(descriptor, on: file) else {
      removed = nil
      // The holder before has gone and taken the file along after this one had opened it.
      throw ApusError(.tryAgainLater, "another run has just ended here", file: file, advice: "Start again.")
    }
    removed = isTemporary ? file : nil
    LockHolder.current(isShared: isShared).write(descriptor)
  }

  deinit {
    guard descriptor >= 0 else { return }
    // While it is held: nobody else can hold a file of this name.
    if let removed { unlink(removed) }
    close(descriptor)
  }

  /// Whether a descriptor is open on the file that has this name now.
  private static func isOpen(_ descriptor: Int32, on file: String) -> Bool {
    var (mine, its) = (stat(), stat())
    return fstat(descriptor, &mine) == 0 && stat(file, &its) == 0 && mine.st_ino == its.st_ino
      && mine.st_dev == its.st_dev
  }

  /// Who holds a lock now, in words; nil where nobody does. Takes nothing and writes nothing.
  public static func holder(of file: String) -> String? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return nil }
    return LockHolder.read(descriptor)?.description ?? "another process"
  }
}
