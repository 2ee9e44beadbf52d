import Basics
import Ensembles
import Fields
import Foundation
import Logging
import RunFiles

/// The stages of an ensemble run file, one after the other: members and products, scores, report.
struct RunStages {
  let setup: EnsembleSetup
  let threads: Int
  let logger: Logger
  let showsProgress: Bool

  /// What a run reports.
  struct Report: Encodable, CustomStringConvertible {
    let directory: String
    let members: EnsembleRun.Summary
    let report: String?
    let scores: String?

    var description: String {
      var lines = [
        "\(directory): \(members.made) members made, \(members.kept) kept, products of \(members.products) "
          + "initial times written"
      ]
      if let scores { lines.append(scores) }
      if let report { lines.append("report: \(report)") }
      return lines.joined(separator: "\n")
    }
  }

  /// Members and products.
  /// - Parameter shard: (index, count): only every count-th initial time.
  func forecast(shard: (Int, Int)? = nil) throws -> EnsembleRun.Summary {
    try setup.requireAnalyses(threads: threads)
    let times = shard.map { setup.plan.shard($0.0, of: $0.1) } ?? setup.plan.initialTimes
    try setup.directory.create(initialTimes: [])
    // Shards share the directory with each other, and with nobody else.
    let lock = try RunLock(setup.directory.lockFile, isShared: shard != nil)
    let own = try shard.map { try RunLock("\(setup.directory.lockFile).\($0.0)") }
    defer { withExtendedLifetime((lock, own)) {} }
    try setup.directory.adopt(
      setup.manifest, runFileText: setup.runFileText, initialTimes: setup.plan.initialTimes)
    logger.info(
      "\(times.count) initial times x \(setup.plan.members.count) members to +\(setup.run.leadTimeHours) h")
    let run = EnsembleRun(
      forecaster: setup.forecaster, plan: setup.plan, directory: setup.directory, store: setup.store,
      threads: threads, keepsMembers: setup.run.output.members == .all)
    let meter: any RunMeter = showsProgress ? LiveMeter() : SilentMeter()
    return try run.run(initialTimes: times, meter: meter, isStopped: { StopFlag.isSet })
  }

  /// Scores of the run directory, where the run file asks for them.
  func verify() throws -> HindcastResult? {
    guard let settings = setup.run.verification else { return nil }
    guard setup.run.output.members == .all else {
      throw ApusError(
        .badRunFile, "verification needs the members' files", variable: "output.members", found: "none",
        expected: "all")
    }
    logger.info("scoring against the truth")
    let result = try HindcastVerification(
      setup: setup, settings: settings, threads: threads, logger: logger
    ).run()
    try result.write(setup.directory.path + "/scores")
    return result
  }

  /// The report, where the run file asks for one.
  /// - Returns: its path.
  func report(_ result: HindcastResult?) throws -> String? {
    guard let settings = setup.run.report else { return nil }
    let path = settings.file ?? setup.directory.report
    logger.info("drawing the report")
    try RunReport(setup: setup, settings: settings, result: result, threads: threads).write(path)
    return path
  }

  /// All stages.
  func all(shard: (Int, Int)? = nil) throws -> Report {
    let members = try forecast(shard: shard)
    guard shard == nil else {
      return Report(directory: setup.directory.path, members: members, report: nil, scores: nil)
    }
    let result = try verify()
    return Report(
      directory: setup.directory.path, members: members, report: try report(result), scores: result?.text)
  }
}
