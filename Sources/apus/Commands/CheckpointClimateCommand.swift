import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Logging
import Models
import Sphere

struct CheckpointClimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "climate",
    abstract: "Run checkpoints freely for long and compare their climate with the truth's.",
    discussion: """
      One run of each checkpoint from the analysis at --from, which as many states of truth must follow. Shown \
      are the step at which a run stopped being finite, if it did; of each channel the time mean of the area \
      mean (weights cos(latitude)) and the truth's, the standard deviation of the truth's area means over all \
      steps, the departure in these standard deviations, the 30 days whose mean departs most from the truth's \
      of the same days, the lowest and highest values; and the power per degree over the truth's, mean of all \
      steps after day 15. Of a run that did not stay finite, all is of the steps before.
      """)

  @Argument(help: "Checkpoints of the same channels, grid, degrees and step.")
  var checkpoints: [String]

  @Option(parsing: .upToNextOption, help: "Files with the analysis and the truth; globs work.")
  var data: [String]

  @Option(help: "Time of the analysis.")
  var from: Instant

  @Option(help: "Steps of a run.")
  var steps = 1459

  @Option(help: "Channels measured. (default: all; spectra of z500,t850,u850 as far as there, else of all)")
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
    guard !data.isEmpty else { throw ValidationError("--data names no file.") }
    let range = 1...1_000_000
    guard range.contains(steps) else { throw ValidationError("--steps must be 1...\(range.upperBound).") }
  }

  func run() throws {
    let logger = log.logger
    if let output { try OutputPath.require(output, apartFrom: checkpoints + data) }
    let held = try HeldOutData(
      checkpoints: checkpoints, files: data, precision: computing.precision)
    let named = try channels.map { try held.places($0.values) }
    let degree = try held.highestDegree(spectrumDegrees)
    let measurement = FreeRunMeasurement(
      data: held, start: from, steps: steps, channels: named ?? Array(held.archive.channels.indices),
      spectra: try named ?? held.places([]),
      transform: SphericalTransform(grid: held.archive.grid, degrees: degree + 1))
    logger.info(
      "running freely", metadata: ["checkpoints": "\(held.checkpoints.count)", "steps": "\(steps)"])
    let report = FreeRunReport(measurement, try measurement.run(threads: threads.count))
    for run in report.checkpoints {
      guard let end = run.blowUp else { continue }
      logger.warning(
        "a run is not finite",
        metadata: ["checkpoint": "\(run.file)", "step": "\(end.step)", "time": "\(end.time)"])
    }
    if let output { try WholeFile.write(ResultOptions.encoded(report), to: output) }
    try result.show(report)
  }
}
