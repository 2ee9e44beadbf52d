import ArgumentParser
import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import RunFiles
import Sphere

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what a run file would do: members, files, bytes and time, before anything runs.")

  @OptionGroup var options: PipelineOptions
  @OptionGroup var result: ResultOptions

  /// The plan of a run.
  struct Plan: Encodable, CustomStringConvertible {
    let name: String
    let directory: String
    let initialTimes: Int
    let members: Int
    let forecasts: Int
    let steps: Int
    let files: Int
    let bytes: Int
    let secondsPerStep: Double
    let seconds: Double
    let threads: Int

    enum CodingKeys: String, CodingKey {
      case name, directory, members, forecasts, steps, files, bytes, seconds, threads
      case initialTimes = "initial_times"
      case secondsPerStep = "seconds_per_step"
    }

    var description: String {
      """
      run          \(name) into \(directory)
      forecasts    \(initialTimes) initial times x \(members) members = \(forecasts)
      model steps  \(steps), breeding included, \(String(format: "%.1f", secondsPerStep * 1000)) ms each (measured now)
      files        \(files), about \(Sizes.text(bytes)) before compression
      time         about \(Int(seconds.rounded(.up))) s on \(threads) threads
      """
    }
  }

  func run() throws {
    let setup = try options.setup()
    try setup.requireAnalyses(threads: options.threads.count)
    let forecaster = setup.forecaster
    let threads = options.threads.count
    let (times, members) = (setup.plan.initialTimes.count, setup.plan.members.count)
    let pairs = setup.plan.members.count { $0.sign == 1 }
    // Control runs of the cycles are shared by the pairs of a checkpoint.
    let breeding = (pairs + setup.checkpoints.count) * forecaster.stepsPerPerturbation
    let steps = times * (members * forecaster.stepsPerMember + breeding)
    let stepTime = try measureStep(setup)
    let channels = setup.checkpoints[0].channels.count
    let fileBytes = forecaster.leadHours.count * channels * forecaster.grid.pointCount * 4
    let memberFiles = setup.run.output.members == .all ? members : 0
    let products = RunDirectory.Product.allCases.count
    try result.show(
      Plan(
        name: setup.run.name, directory: setup.directory.path, initialTimes: times, members: members,
        forecasts: times * members, steps: steps, files: times * (memberFiles + products),
        bytes: times * (memberFiles + products) * fileBytes, secondsPerStep: stepTime,
        seconds: Double(steps) * stepTime / Double(threads), threads: threads))
  }

  private func measureStep(_ setup: EnsembleSetup) throws -> Double {
    let model = setup.forecaster.models[0]
    let workspace = model.makeWorkspace()
    var state = try setup.archive.state(at: setup.plan.initialTimes[0])
    state = try model.step(state, workspace: workspace)
    let start = ContinuousClock.now
    for _ in 0..<5 { state = try model.step(state, workspace: workspace) }
    return (ContinuousClock.now - start) / .seconds(5)
  }
}

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say what of a run is done, what is left and what failed.")

  @Argument(help: "The run directory.")
  var directory: String

  @OptionGroup var result: ResultOptions

  /// Where a run stands.
  struct Status: Encodable, CustomStringConvertible {
    let name: String
    let directory: String
    let membersDone: Int
    let membersPlanned: Int
    let productsDone: Int
    let productsPlanned: Int
    let failed: [String]
    let isLocked: Bool
    let hasReport: Bool

    var description: String {
      var lines = [
        "run       \(name) in \(directory)\(isLocked ? ", working now" : "")",
        "members   \(membersDone) of \(membersPlanned)",
        "products  of \(productsDone) of \(productsPlanned) initial times",
        "report    \(hasReport ? "done" : "not yet")",
      ]
      if !failed.isEmpty { lines.append("failed    " + failed.joined(separator: ", ")) }
      return lines.joined(separator: "\n")
    }
  }

  func run() throws {
    let run = RunDirectory(directory)
    guard let manifest = try run.manifest() else {
      throw ApusError(
        .inputMissing, "no run here: manifest.json is missing", file: directory,
        advice: "Give the directory that `apus run` wrote to.")
    }
    let times = manifest.initialTimes.compactMap { Instant($0) }
    let done = times.reduce(0) { total, time in
      total + manifest.members.count { RunDirectory.exists(run.memberFile($0.number, at: time)) }
    }
    let notes = (try? FileManager.default.contentsOfDirectory(atPath: run.path + "/failed")) ?? []
    var isLocked = false
    if RunDirectory.exists(run.lockFile) {
      do { _ = try RunLock(run.lockFile) } catch let error as ApusError { isLocked = error.kind == .tryAgainLater }
    }
    try result.show(
      Status(
        name: manifest.name, directory: directory, membersDone: done,
        membersPlanned: times.count * manifest.members.count,
        productsDone: times.count { run.hasProducts(at: $0) }, productsPlanned: times.count,
        failed: notes.sorted().map { $0.replacing(".json", with: "") }, isLocked: isLocked,
        hasReport: RunDirectory.exists(run.report)))
  }
}
