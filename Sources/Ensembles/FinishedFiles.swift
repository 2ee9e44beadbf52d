import Basics
import Fields
import Foundation

/// A finished file that is no longer what was written.
public struct ChangedFile: Sendable, Hashable {
  /// The file.
  public let path: String
  /// Its SHA-256 now, and when it was written.
  public let found, expected: String

  /// What an error says of it.
  public var error: ApusError {
    ApusError(
      .badData, "a finished file is not what was written: truncated or altered", file: path,
      found: "SHA-256 \(found.prefix(12))", expected: String(expected.prefix(12)))
  }
}

extension RunDirectory {
  /// Digests of the files of a finished initial time; `sha256sum -c` reads it in the run directory.
  public func checksums(at time: Instant) -> String { "\(path)/checksums/\(time.stamp).sha256" }

  /// A file's name in lists of checksums: its path in the run directory.
  func name(of file: String) -> String {
    file.hasPrefix(path + "/") ? String(file.dropFirst(path.count + 1)) : file
  }

  /// Files of finished initial times that are there and have another digest than when they were written; in the order
  /// of times and names.
  /// - Parameters:
  ///   - times: those without a list of checksums are not looked at.
  ///   - isWanted: whether a file matters, by its name in the run directory.
  /// - Throws: `ApusError`: `badData` for a list that is damaged itself, `tryAgainLater` where asked to stop,
  ///   `inputMissing` or `inputOutput` for a file that cannot be read.
  public func changedFiles(
    at times: [Instant], threads: Int = Parallel.defaultThreads,
    isWanted: (Instant, String) -> Bool = { _, _ in true },
    isStopped: @Sendable () -> Bool = { false }
  ) throws -> [ChangedFile] {
    var listed: [(path: String, digest: String)] = []
    for time in times where RunDirectory.exists(checksums(at: time)) {
      let list = try ChecksumList(file: checksums(at: time))
      listed += list.digests.sorted { $0.key < $1.key }.filter { isWanted(time, $0.key) }
        .map { ("\(path)/\($0.key)", $0.value) }
    }
    let files = listed
    let found = Slots<ChangedFile>(files.count)
    try Parallel.forEach(files.count, threads: threads) { index, _ in
      if isStopped() {
        throw ApusError(.tryAgainLater, "stopped on request", advice: "Run the same command to go on.")
      }
      let (file, expected) = files[index]
      guard RunDirectory.exists(file) else { return }
      let digest = try SHA256.hexadecimal(ofFile: file)
      if digest != expected { found[index] = ChangedFile(path: file, found: digest, expected: expected) }
    }
    return files.indices.compactMap { found[$0] }
  }

  /// Gives a file a name under which nobody looks for it.
  static func setAside(_ file: String) { rename(file, file + ".damaged") }
}

extension EnsembleRun {
  /// Names of the files of an initial time once it is finished.
  private func finishedNames(at time: Instant) -> Set<String> {
    let members = plan.members.filter { output.keeps($0.number) }.map {
      directory.memberFile($0.number, at: time)
    }
    let products = RunDirectory.Product.allCases.map { directory.product($0, at: time) }
    return Set((members + products + sums.files(time)).map(directory.name(of:)))
  }

  /// Sets aside finished files of some initial times that are no longer what was written, so that they are made again.
  /// A shard looks at its own members, and at products.
  func setAsideChanged(
    _ parts: [(initialTime: Instant, blocks: Range<Int>)], warn: (String) -> Void,
    isStopped: @Sendable () -> Bool
  ) throws {
    var wanted: [Instant: Set<String>] = [:]
    for part in parts {
      let others = Set(blocks.indices).subtracting(part.blocks).flatMap { blocks[$0] }
      wanted[part.initialTime] = finishedNames(at: part.initialTime).subtracting(
        others.map { directory.name(of: directory.memberFile($0.number, at: part.initialTime)) })
      // A list that cannot be read says nothing of the files.
      let list = directory.checksums(at: part.initialTime)
      do { _ = try ChecksumList(file: list) } catch let error as ApusError where error.kind == .badData {
        RunDirectory.setAside(list)
        warn("set aside: \(error)")
      } catch let error as ApusError where error.kind == .inputMissing { continue }
    }
    let changed = try directory.changedFiles(
      at: parts.map(\.initialTime), threads: threads,
      isWanted: { time, name in wanted[time]?.contains(name) ?? false }, isStopped: isStopped)
    for file in changed {
      RunDirectory.setAside(file.path)
      warn("set aside, made again: \(file.error)")
    }
  }

  /// Takes files that are not there out of an initial time's list before they are made again: a run that is killed
  /// then leaves no file behind that its list contradicts. Other shards' files keep their digests.
  func forgetMissing(at time: Instant) throws {
    let file = directory.checksums(at: time)
    guard let list = try? ChecksumList(file: file) else { return }
    let there = list.digests.filter { RunDirectory.exists("\(directory.path)/\($0.key)") }
    if there.isEmpty {
      RunDirectory.remove([file])
    } else if there.count < list.digests.count {
      try ChecksumList(there).write(file)
    }
  }

  /// Lists the digests of an initial time's files once all of them are there. What is listed stays as it was when it
  /// was written: a file that another shard is yet to look at must not be taken for right.
  func seal(_ time: Instant) throws {
    guard !isUnfinished(time) else { return }
    let (file, names) = (directory.checksums(at: time), finishedNames(at: time))
    let kept = (try? ChecksumList(file: file))?.digests ?? [:]
    if Set(kept.keys) == names { return }
    var list = ChecksumList()
    for name in names {
      list.digests[name] = try kept[name] ?? SHA256.hexadecimal(ofFile: "\(directory.path)/\(name)")
    }
    try list.write(file)
  }
}
