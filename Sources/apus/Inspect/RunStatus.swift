import Basics
import Ensembles
import Fields
import Foundation
import RunFiles

/// Where a run stands.
struct RunStatus: Encodable, CustomStringConvertible {
  let kind = "run"
  let name: String
  let directory: String
  let membersDone: Int
  let membersPlanned: Int
  /// Members that an emulator has drawn, where the run file asks for them.
  let emulatedDone: Int?
  let emulatedPlanned: Int?
  let productsDone: Int
  let productsPlanned: Int
  /// Initial times whose files are listed with their digests.
  let checksumsDone: Int
  let failed: [String]
  let isLocked: Bool
  /// Whether the run ends with a report.
  let wantsReport: Bool
  let hasReport: Bool

  var description: String {
    var lines = [
      "run       \(name) in \(directory)\(isLocked ? ", working now" : "")",
      "members   \(membersDone) of \(membersPlanned)",
      emulatedDone.map { "emulated  \($0) of \(emulatedPlanned ?? 0)" },
      "products  of \(productsDone) of \(productsPlanned) initial times",
      "checksums of \(checksumsDone) of \(productsPlanned) initial times",
      "report    \(hasReport ? "done" : wantsReport ? "not yet" : "none")",
    ].compactMap { $0 }
    if !failed.isEmpty { lines.append("failed    " + failed.joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }

  /// Looks at a run directory.
  /// - Throws: `ApusError` of kind `inputMissing` where there is no run.
  init(_ directory: String) throws {
    let run = RunDirectory(directory)
    guard let manifest = try run.manifest() else {
      throw ApusError(
        .inputMissing, "no run here: manifest.json is missing", file: directory,
        advice: "Give the directory that `apus run` wrote to.")
    }
    let times = manifest.initialTimes.compactMap { Instant($0) }
    membersDone = times.reduce(0) { $0 + run.finishedMembers(of: manifest, at: $1) }
    let notes = (try? FileManager.default.contentsOfDirectory(atPath: run.path + "/failed")) ?? []
    isLocked = RunLock.holder(of: run.lockFile) != nil
    self.directory = directory
    name = manifest.name
    membersPlanned = times.count * manifest.members.count
    productsDone = times.count { run.hasProducts(at: $0) }
    productsPlanned = times.count
    checksumsDone = times.count { run.hasProducts(at: $0) && RunDirectory.exists(run.checksums(at: $0)) }
    failed = notes.sorted().map { $0.replacing(".json", with: "") }
    let runFile = try? EnsembleRunFile.read(run.runFile)
    let emulation = runFile?.emulation
    let drawn = RunDirectory(run.path + "/emulated")
    emulatedDone = emulation.map { settings in
      times.reduce(0) { sum, time in
        sum + (1...settings.members).count { RunDirectory.exists(drawn.memberFile($0, at: time)) }
      }
    }
    emulatedPlanned = emulation.map { $0.members * times.count }
    let report = runFile?.report
    hasReport = RunDirectory.exists(report?.file ?? run.report)
    // Drawn of whole members only.
    wantsReport = hasReport || report != nil && manifest.memberFiles?.isWhole ?? true
  }

  /// Compares all finished files of a run directory with their checksums.
  /// - Throws: `ApusError` of kind `badData` that names files which are not what was written; as `init`.
  static func check(_ directory: String, threads: Int) throws {
    let run = RunDirectory(directory)
    let times = try run.manifest()?.initialTimes.compactMap { Instant($0) } ?? []
    let changed = try run.changedFiles(at: times, threads: threads, isStopped: { StopFlag.isSet })
    guard let first = changed.first else { return }
    let others = changed.dropFirst().map { FilePath.name(of: $0.path) }
    let more = others.prefix(8).joined(separator: ", ") + (others.count > 8 ? " ..." : "")
    throw ApusError(
      .badData,
      changed.count == 1
        ? first.error.problem : "\(changed.count) finished files are not what was written: this, \(more)",
      file: first.path, found: first.error.found, expected: first.error.expected,
      advice: "Run the same command as before: they are set aside and made again.")
  }
}
