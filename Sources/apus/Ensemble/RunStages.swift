import Basics
import Emulators
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
    var emulation: EmulationReport?

    var description: String {
      var lines = [
        "\(directory): \(members.made) members made, \(members.kept) kept, products of \(members.products) "
          + "initial times written"
      ]
      if members.partial > 0 {
        lines.append("\(members.partial) initial times wait for other shards: apus merge")
      }
      if let emulation { lines.append("\(emulation)") }
      if let scores { lines.append(scores) }
      if let report { lines.append("report: \(report)") }
      return lines.joined(separator: "\n")
    }
  }

  /// Members and products.
  /// - Parameter shard: (index, count): only a part of the members.
  func forecast(shard: (Int, Int)? = nil) throws -> EnsembleRun.Summary {
    // What the run file asks for is checked before anything is written.
    if let report = setup.run.report?.file {
      let truth = setup.run.verification?.truth?.files.paths ?? []
      try OutputPath.require(report, apartFrom: setup.inputs + truth, makesDirectory: true)
    }
    let run = try ensembleRun()
    try setup.requireAnalyses(threads: threads)
    try setup.directory.create(initialTimes: [])
    // Shards share the directory with each other, and with nobody else.
    let lock = try RunLock(setup.directory.lockFile, isShared: shard != nil)
    let own = try shard.map { try RunLock("\(setup.directory.lockFile).\($0.0)_of_\($0.1)") }
    defer { withExtendedLifetime((lock, own)) {} }
    if shard == nil { setup.directory.removeAbandoned() }
    try setup.directory.adopt(
      setup.manifest, runFileText: setup.runFileText, initialTimes: setup.plan.initialTimes)
    let part = shard.map { ", shard \($0.0) of \($0.1)" } ?? ""
    logger.info(
      "\(setup.plan.initialTimes.count) initial times x \(setup.plan.members.count) members, +\(setup.run.leadTimeHours) h\(part)"
    )
    let meter: any RunMeter = showsProgress ? LiveMeter() : SilentMeter()
    return try run.run(
      shard: shard.map { ($0.0, $0.1) }, meter: meter, warn: { [logger] in logger.warning("\($0)") },
      isStopped: { StopFlag.isSet })
  }

  /// Products of the partial sums that shards left.
  /// - Throws: `ApusError` of kind `tryAgainLater` naming the initial times that lack members.
  func merge() throws -> Int {
    let lock = try RunLock(setup.directory.lockFile)
    defer { withExtendedLifetime(lock) {} }
    setup.directory.removeAbandoned()
    try setup.directory.adopt(
      setup.manifest, runFileText: setup.runFileText, initialTimes: setup.plan.initialTimes)
    let (written, lacking) = try ensembleRun().merge()
    if let first = lacking.first {
      throw ApusError(
        .tryAgainLater, "\(lacking.count) of \(setup.plan.initialTimes.count) initial times lack members",
        file: setup.directory.path, variable: "\(first.0)",
        found: "\(setup.plan.members.count - first.members) of \(setup.plan.members.count) members",
        expected: "partial sums of all shards",
        advice: "Run the shards that are left, or `apus run` without --shard for the rest.")
    }
    return written
  }

  private func ensembleRun() throws -> EnsembleRun {
    EnsembleRun(
      forecaster: setup.forecaster, plan: setup.plan, directory: setup.directory, store: setup.store,
      sums: try ProductSetup(setup: setup, threads: threads).plan(), run: setup.manifest.fingerprint,
      threads: threads, output: setup.memberOutput,
      saveEvery: .seconds(setup.run.products.saveMinutes * 60))
  }

  /// Members that an emulator draws from the run's, into `emulated/` of the run directory, where the run file asks for
  /// them.
  func emulate() throws -> EmulationReport? {
    guard let settings = setup.run.emulation else { return nil }
    let (emulator, finish) = try EmulatorFile.readWithFinish(settings.emulator.path)
    logger.info("drawing \(settings.members) members with \(settings.emulator.written)")
    let source = try SeedSource(
      [setup.directory.path + "/members/*/*.nc"], emulator: emulator,
      choice: settings.randomSeeds.map { .random(count: $0) } ?? .fixed(settings.seedMembers ?? []),
      leavingOut: [0])
    return try EmulationRun(
      emulator: emulator, finish: finish, file: settings.emulator.path,
      digest: try SHA256.hexadecimal(ofFile: settings.emulator.path), source: source, seed: setup.run.seed,
      members: 1..<settings.members + 1, output: setup.directory.path + "/emulated",
      quantiseBits: setup.run.output.quantiseBits, writesProducts: settings.products, threads: threads,
      logger: logger
    ).run(from: nil, to: nil, leadHours: settings.leadHours)
  }

  /// Scores of the run directory, where the run file asks for them and the members are kept whole.
  /// - Parameter requiresTruth: whether it is an error where no initial time has a truth yet.
  func verify(requiresTruth: Bool = true) throws -> HindcastResult? {
    guard let settings = setup.run.verification, setup.memberOutput.isWhole else { return nil }
    logger.info("scoring against the truth")
    let verification = HindcastVerification(
      setup: setup, settings: settings, threads: threads, logger: logger)
    guard let result = try requiresTruth ? verification.run() : verification.scored() else {
      logger.warning("not scored: no initial time has a truth yet; apus report scores it later")
      return nil
    }
    try result.write(setup.directory.path + "/scores")
    return result
  }

  /// Scores of the products of a run that kept no members, or parts of them, where the run file asks for them.
  func verifyProducts() throws -> ProductScores? {
    guard let settings = setup.run.verification, !setup.memberOutput.isWhole else { return nil }
    logger.info("scoring the products against the truth")
    let layout = try ProductSetup(setup: setup, threads: threads).layout
    let scores = try ProductVerification(
      setup: setup, settings: settings, layout: layout, threads: threads
    ).run()
    try scores.write(setup.directory.path + "/scores")
    return scores
  }

  /// The report, where the run file asks for one.
  /// - Returns: its path.
  func report(_ result: HindcastResult?) throws -> String? {
    // Its maps and curves are drawn from members.
    guard let settings = setup.run.report else { return nil }
    guard setup.memberOutput.isWhole else {
      let key = setup.run.output.partialKey ?? "output"
      logger.warning("no report: its maps are drawn from whole members", metadata: ["because": "\(key)"])
      return nil
    }
    let path = settings.file ?? setup.directory.report
    logger.info("drawing the report")
    try RunReport(setup: setup, settings: settings, result: result, threads: threads).write(path)
    return path
  }

  /// All stages.
  func all(shard: (Int, Int)? = nil) throws -> Report {
    try VerificationCheck(setup: setup, threads: threads, logger: logger).require()
    let members = try forecast(shard: shard)
    guard shard == nil else {
      return Report(directory: setup.directory.path, members: members, report: nil, scores: nil)
    }
    return try finish(members: members)
  }

  /// Scores and report of a run whose products were merged just now.
  func finish(merged products: Int) throws -> Report {
    try finish(members: EnsembleRun.Summary(kept: setup.plan.items.count, products: products))
  }

  private func finish(members: EnsembleRun.Summary) throws -> Report {
    let drawn = try emulate()
    let products = try verifyProducts()
    let result = try verify(requiresTruth: false)
    return Report(
      directory: setup.directory.path, members: members, report: try report(result),
      scores: result?.text ?? products?.text,
      emulation: drawn)
  }
}
