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

  @Option(
    help: ArgumentHelp(
      "Instead, print n commands that share the forecasts, one a line, for GNU parallel or xargs.",
      valueName: "n"))
  var printCommands: Int?

  @OptionGroup var result: ResultOptions

  func validate() throws {
    if let printCommands, !(1...100_000).contains(printCommands) {
      throw ValidationError("--print-commands must be 1 to 100000.")
    }
  }

  /// The plan of a run.
  struct Plan: Encodable, CustomStringConvertible {
    let name: String
    let directory: String
    let initialTimes: Int
    let members: Int
    let forecasts: Int
    /// Members that an emulator draws, of all initial times.
    let emulated: Int
    let steps: Int
    let files: Int
    let bytes: Int
    let memory: Int
    let secondsPerStep: Double
    let seconds: Double
    let threads: Int

    var description: String {
      """
      run          \(name) into \(directory)
      forecasts    \(initialTimes) initial times x \(members) members = \(forecasts)\(emulated == 0 ? "" : ", and \(emulated) drawn by an emulator")
      model steps  \(steps), with all that goes before members, \(String(format: "%.1f", secondsPerStep * 1000)) ms each (measured now)
      files        \(files), about \(Sizes.text(bytes)) before compression
      memory       about \(Sizes.text(memory)) for the members' sums
      time         about \(Int(seconds.rounded(.up))) s on \(threads) threads
      """
    }
  }

  func run() throws {
    if let printCommands {
      for line in try ShardCommands.lines(options, shards: printCommands) { print(line) }
      return
    }
    try options.naming { try plan(options.setup()) }
  }

  private func plan(_ setup: EnsembleSetup) throws {
    try setup.requireAnalyses(threads: options.threads.count)
    try VerificationCheck(setup: setup, threads: options.threads.count, logger: options.log.logger).require()
    let forecaster = setup.forecaster
    let threads = options.threads.count
    let (times, members) = (setup.plan.initialTimes.count, setup.plan.members.count)
    let steps = forecaster.steps(of: setup.plan)
    let stepTime = try measureStep(setup)
    let channels = setup.checkpoints[0].channels.count
    let fileBytes = forecaster.leadHours.count * channels * forecaster.grid.pointCount * 4
    let memberFiles = setup.plan.members.count { setup.memberOutput.keeps($0.number) }
    let memberBytes = 4 * (try setup.memberOutput.fields.valueCount(of: forecaster))
    let layout = try ProductSetup(setup: setup, threads: threads).layout
    let files = ProductFiles(setup: setup, layout: layout)
    let moments = RunDirectory.Product.allCases.count
    let products = moments + (setup.run.products == ProductsSection() ? 0 : files.kinds.count)
    let values = forecaster.leadHours.count * channels * forecaster.grid.pointCount
    let counts = layout.countCount * forecaster.grid.pointCount
    let drawn =
      try setup.run.emulation.map {
        try EmulationCheck(settings: $0, file: options.pipeline).files(forecaster)
      }
      ?? (count: 0, values: 0)
    try result.show(
      Plan(
        name: setup.run.name, directory: setup.directory.path, initialTimes: times, members: members,
        forecasts: times * members, emulated: times * (setup.run.emulation?.members ?? 0), steps: steps,
        files: times * (memberFiles + products + drawn.count),
        bytes: times
          * (memberFiles * memberBytes + moments * fileBytes + 4 * (counts + drawn.count * drawn.values)),
        // The sums of a date, and the climate they are counted against; for every thread a block of members and, where any are kept, one that is not written yet.
        memory: 36 * values + 2 * counts + 4 * layout.climateFieldCount * forecaster.grid.pointCount + threads
          * (2 * 8 + (memberFiles > 0 ? 1 : 0)) * 4 * values,
        secondsPerStep: stepTime,
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
