import Basics
import CNetCDF
import Foundation
import Synchronization

/// How many NetCDF files stay open.
public enum OpenFileLimit {
  /// Of more files than this, those that were not read for longest are closed, and opened again when they are read.
  public static let most = 100
}

/// The NetCDF files that are open: the last hundred that were read. An ensemble may have thousands of files, of which
/// each open one costs a descriptor and the library's memory; one that was closed is opened again when it is read.
enum OpenFiles {
  /// What tells that a file is still the one that it was.
  struct Stamp: Equatable {
    let inode: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init(_ path: String) {
      var facts = stat()
      stat(path, &facts)
      inode = UInt64(facts.st_ino)
      size = Int(facts.st_size)
      (seconds, nanoseconds) = (facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec)
    }
  }

  private struct Entry {
    let handle: Int32
    var lastUse: Int
  }
  private struct State {
    var entries: [Int: Entry] = [:]
    var clock = 0
    var nextKey = 0
  }
  private static let state = Mutex(State())
  private static let most = OpenFileLimit.most

  /// A number for a file that was just opened. Callers hold the library's lock.
  static func register(_ handle: Int32) -> Int {
    state.withLock { state in
      state.nextKey += 1
      state.clock += 1
      makeRoom(&state)
      state.entries[state.nextKey] = Entry(handle: handle, lastUse: state.clock)
      return state.nextKey
    }
  }

  /// The handle of a file, which is opened again where it was closed. Callers hold the library's lock.
  /// - Throws: `ApusError` (`badData`) where the file is no longer what it was.
  static func handle(_ key: Int, _ path: String, _ stamp: Stamp) throws -> Int32 {
    try state.withLock { state in
      state.clock += 1
      if let entry = state.entries[key] {
        state.entries[key]?.lastUse = state.clock
        return entry.handle
      }
      var handle: Int32 = 0
      guard stamp == Stamp(path), nc_open(path, NC_NOWRITE, &handle) == NC_NOERR else {
        throw ApusError(
          .badData, "the file changed while it was being read", file: path,
          advice: "Run the same command again once nobody writes to it.")
      }
      makeRoom(&state)
      state.entries[key] = Entry(handle: handle, lastUse: state.clock)
      return handle
    }
  }

  /// Closes a file for good. Callers hold the library's lock.
  static func close(_ key: Int) {
    state.withLock { state in
      if let entry = state.entries.removeValue(forKey: key) { nc_close(entry.handle) }
    }
  }

  private static func makeRoom(_ state: inout State) {
    guard state.entries.count >= most,
      let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    else { return }
    nc_close(oldest.value.handle)
    state.entries[oldest.key] = nil
  }
}
