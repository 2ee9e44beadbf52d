import Basics
import Fields
import Foundation

/// Makes finished dates visible, whole, and takes old ones away, whole.
struct Publication {
  let places: DailyPlaces

  /// Whether a date is published.
  func has(_ date: Instant) -> Bool { FileManager.default.fileExists(atPath: places.published(date)) }

  /// Publishes the run directory of a date: its files are linked (copied where the file system is another
  /// one) to a hidden directory, listed with their digests, flushed; then the directory is renamed.
  /// - Throws: `ApusError`: `inputOutput` where that fails, `tryAgainLater` on a signal; nothing is visible then.
  func publish(_ date: Instant) throws {
    let (work, incoming) = (places.work(date), places.incoming(date))
    try? FileManager.default.removeItem(atPath: incoming)
    do {
      try fill(incoming, from: work)
      try Durable.rename(incoming, to: places.published(date))
    } catch {
      // Where the device is full, half a date would fill it until the next start.
      try? FileManager.default.removeItem(atPath: incoming)
      throw error
    }
    try? FileManager.default.removeItem(atPath: work)
  }

  private func fill(_ incoming: String, from work: String) throws {
    let files = Publication.files(in: work)
    var directories = Set(files.map { FilePath.directory(of: $0) })
    directories.formUnion(directories.map { FilePath.directory(of: $0) })
    do {
      for directory in directories {
        try FileManager.default.createDirectory(
          atPath: "\(incoming)/\(directory)", withIntermediateDirectories: true)
      }
      for file in files {
        try StopFlag.check()
        let (source, target) = ("\(work)/\(file)", "\(incoming)/\(file)")
        if link(source, target) != 0 { try FileManager.default.copyItem(atPath: source, toPath: target) }
      }
    } catch let error as ApusError {
      throw error
    } catch {
      let reason = error.localizedDescription.trimmingCharacters(in: CharacterSet(charactersIn: "."))
      throw ApusError(
        .inputOutput, "publishing failed: \(reason)", file: incoming,
        advice: "Free some space and start again.")
    }
    try Checksums.write(files, in: incoming)
    // Deepest first; the empty name is the directory itself.
    for directory in directories.union([""]).sorted(by: >) { try Durable.flush("\(incoming)/\(directory)") }
  }

  /// Lets `latest` point to the newest published date.
  /// - Throws: `ApusError` of kind `inputOutput`.
  func moveLatest() throws {
    guard let newest = places.ownDates.last?.stamp else { return }
    let now = try? FileManager.default.destinationOfSymbolicLink(atPath: places.latest)
    if now != newest { try Durable.link(places.latest, to: newest) }
  }

  /// Removes the dates that are too old or too many; never one of `spared`, never the newest.
  /// - Returns: the dates removed.
  /// - Throws: `ApusError` of kind `inputOutput`.
  func prune(keepDays: Int?, keepRuns: Int?, sparing spared: Set<Instant>) throws -> [Instant] {
    let dates = places.ownDates
    guard let newest = dates.last else { return [] }
    let oldest = keepDays.map { newest.adding(hours: -24 * $0) }
    let excess = keepRuns.map { max(0, dates.count - $0) } ?? 0
    let removed = dates.dropLast().enumerated().filter { place, date in
      (place < excess || oldest.map { date < $0 } ?? false) && !spared.contains(date)
    }.map(\.element)
    for date in removed {
      try Durable.rename(places.published(date), to: places.outgoing(date))
      try? FileManager.default.removeItem(atPath: places.outgoing(date))
    }
    return removed
  }

  /// What of a run directory is published, sorted: not locks, temporary and damaged files, notes of
  /// failures and partial sums.
  private static func files(in directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] ?? []
    return all.filter { name in
      var isDirectory = false as ObjCBool
      let isThere = FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory)
      return isThere && !isDirectory.boolValue && !name.contains(".tmp-") && !name.hasSuffix(".damaged")
        && !name.hasPrefix("failed/")
        && !name.hasPrefix("partials/")
        && !name.split(separator: "/").contains { $0.hasPrefix(".") }
    }.sorted()
  }
}
