import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Logging
import Models
import Sphere
import Verification

struct CheckpointSkillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "skill",
    abstract: "Score control forecasts of checkpoints on held-out data, and how alike they err.",
    discussion: """
      For every initial time and checkpoint one forecast from the analysis, no perturbation. Area means are \
      weighted by cos(latitude); means over initial times come before roots and ratios. Shown are the RMSE of \
      each checkpoint, of their mean, of persistence and of the climatology; the correlation of errors between \
      checkpoints, uncentred; and the power per degree of the forecasts over the truth's. A forecast that is \
      not finite is named and scores infinity. Initial times whose forecast reaches beyond the data are left \
      out; whether the data were held out is for you to know.
      """)

  @Argument(help: "Checkpoints of the same channels, grid, degrees and step.")
  var checkpoints: [String]

  @Option(parsing: .upToNextOption, help: "Files with analyses and truth; globs work.")
  var data: [String]

  @Option(
    parsing: .upToNextOption,
    help: "Files of other years for the climatology: the mean of their states of the same time of the year.")
  var climatology: [String] = []

  @Option(help: "Days of the year before and after whose states at the same hour count.")
  var climatologyWindowDays = 10

  @Option(help: "First initial time.")
  var from: Instant

  @Option(help: "Last initial time.")
  var to: Instant

  @Option(help: "Hours between two initial times.")
  var everyHours = 240

  @Option(help: "Lead times in hours.")
  var leadHours = WordList([24, 72, 120, 168, 240, 360])

  @Option(help: "Channels scored. (default: z500,t850,u850 as far as the checkpoints have them, else all)")
  var channels: WordList<String>?

  @Option(help: "Highest degree l of the spectra. (default: 28, or what the states hold)")
  var spectrumDegrees: Int?

  @Option(help: "Write the result as JSON to this file too.")
  var output: String?

  @OptionGroup var computing: PrecisionOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func validate() throws {
    let hours = 1...1_000_000
    guard hours.contains(everyHours) else {
      throw ValidationError("--every-hours must be 1...\(hours.upperBound).")
    }
    guard !data.isEmpty else { throw ValidationError("--data names no file.") }
    guard !leadHours.values.isEmpty, leadHours.values.allSatisfy(hours.contains) else {
      throw ValidationError("--lead-hours must be 1...\(hours.upperBound).")
    }
    guard from <= to else { throw ValidationError("--from must not be after --to.") }
    guard climatologyWindowDays >= 0 else {
      throw ValidationError("--climatology-window-days must be 0 or more.")
    }
  }

  func run() throws {
    let logger = log.logger
    if let output { try OutputPath.require(output, apartFrom: checkpoints + data + climatology) }
    let held = try HeldOutData(
      checkpoints: checkpoints, files: data, precision: computing.precision)
    let leads = Set(leadHours.values).sorted()
    if let odd = leads.first(where: { $0 % held.stepHours != 0 }) {
      throw ApusError(
        .usage, "a lead time is no multiple of the checkpoints' step", variable: "--lead-hours",
        found: "\(odd) h", expected: "a multiple of \(held.stepHours) h")
    }
    let places = try held.places(channels?.values ?? [])
    let degree = try held.highestDegree(spectrumDegrees)
    let archive = held.archive
    let measurement = SkillMeasurement(
      data: held,
      initialTimes: try SkillMeasurement.initialTimes(
        from: from, to: to, everyHours: everyHours, longest: leads.last ?? 0, in: held),
      leadHours: leads, channels: places,
      climate: climatology.isEmpty
        ? nil
        : try ClimateMeans(
          climatology, windowDays: climatologyWindowDays, channels: places.map { archive.channels[$0] },
          units: places.map { archive.units[$0] }, grid: archive.grid, degrees: archive.degrees),
      transform: SphericalTransform(grid: archive.grid, degrees: degree + 1))
    logger.info(
      "making control forecasts",
      metadata: [
        "initial_times": "\(measurement.initialTimes.count)", "checkpoints": "\(held.checkpoints.count)",
        "hours": "\(leads.last ?? 0)",
      ])
    let outcome = try measurement.run(threads: threads.count)
    for event in outcome.notFinite {
      logger.warning(
        "a forecast is not finite",
        metadata: [
          "checkpoint": "\(held.checkpoints[event.checkpoint].file)", "initial_time": "\(event.initialTime)",
          "lead_hours": "\(event.leadHours)",
        ])
    }
    let report = SkillReport(measurement, outcome)
    if let output { try WholeFile.write(ResultOptions.encoded(report), to: output) }
    try result.show(report)
  }
}
