import Fields
import Foundation

/// Who holds a `RunLock`: the one line that its file has.
struct LockHolder: CustomStringConvertible {
  let description: String
  private let process: Int32?

  /// This process.
  static func current(isShared: Bool) -> LockHolder {
    let info = ProcessInfo.processInfo
    let command = (["apus"] + info.arguments.dropFirst().prefix(1)).joined(separator: " ")
    let now = Instant(seconds: Int(Date().timeIntervalSince1970))
    return LockHolder(
      description: "pid \(info.processIdentifier) on \(hostName) since \(now): \(command)"
        + (isShared ? ", one of several" : ""),
      process: info.processIdentifier)
  }

  /// As the kernel has it; Foundation's may ask a name server.
  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "this host" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// What the file of an open descriptor says; nil where it says nothing.
  static func read(_ descriptor: Int32) -> LockHolder? {
    var last: LockHolder?
    // Between taking the lock and writing its name a holder is unknown for a moment, and the file still has
    // the one before, who may be gone.
    for attempt in 0..<5 {
      if attempt > 0 { usleep(20_000) }
      var bytes = [UInt8](repeating: 0, count: 512)
      let count = pread(descriptor, &bytes, bytes.count, 0)
      let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
      guard let line = text.split(whereSeparator: \.isNewline).first else { continue }
      let words = line.split(separator: " ")
      let process = words.count > 1 ? Int32(words[1]) : nil
      last = LockHolder(description: String(line), process: process)
      if let process, kill(process, 0) == 0 || errno == EPERM { break }
    }
    return last
  }

  /// Writes the line; a lock file that cannot be written still locks.
  func write(_ descriptor: Int32) {
    let bytes = Array("\(description)\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, bytes, bytes.count, 0)
  }
}
