import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Logging
import Models
import Sphere
import Training

struct CheckpointCalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Tune the diffusion of a checkpoint, degree by degree and channel by channel.",
    discussion: """
      After every step the power of the small scales is relaxed a little towards the mean over the data, and \
      multiplied with factors. Forecasts from a few starts are compared with the states that followed; the \
      factors are moved until their power is the truth's at the given lead times. Use data the checkpoint may \
      learn from, not those it is to be scored on. The weights stay as they are.
      """)

  @Argument(help: "A checkpoint.")
  var checkpoint: String

  @Option(parsing: .upToNextOption, help: "Files or globs of analyses.")
  var data: [String]

  @Option(help: "First state used.")
  var from: Instant?

  @Option(help: "Last state used.")
  var to: Instant?

  @Option(help: "Forecasts, their starts spread evenly over the data.")
  var starts = 32

  @Option(help: "Lead times whose spectra count [h], separated by commas.")
  var leadHours = "24,120,240,360"

  @Option(help: "The first degree that gets factors.")
  var firstDegree = 8

  @Option(help: "Part of log power's departure from the mean that a step takes away, 0 to 1.")
  var relaxation = 0.1

  @Option(help: "Times the factors are moved.")
  var iterations = 4

  @Option(name: .shortAndLong, help: "The checkpoint to write.")
  var output: String

  @Flag(help: "Write weight matrices as float16, half the size.")
  var half = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var result: ResultOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    if starts < 1 { throw ValidationError("--starts must be 1 or more.") }
    if iterations < 1 { throw ValidationError("--iterations must be 1 or more.") }
    if firstDegree < 1 { throw ValidationError("--first-degree must be 1 or more.") }
    if !(0...1).contains(relaxation) { throw ValidationError("--relaxation must be within 0 and 1.") }
    if leads == nil { throw ValidationError("--lead-hours takes whole numbers above 0, such as 120,240.") }
  }

  private var leads: [Int]? {
    let parts = leadHours.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
    let whole = parts.compactMap { $0 }.filter { $0 > 0 }
    return whole.isEmpty || whole.count != parts.count ? nil : whole
  }

  func run() throws {
    let source = try Checkpoint.read(checkpoint)
    let hours = leads ?? []
    guard hours.allSatisfy({ $0 % source.stepHours == 0 }) else {
      throw ApusError(
        .usage, "lead times are no multiples of the checkpoint's step", file: checkpoint, found: leadHours,
        expected: "multiples of \(source.stepHours) h")
    }
    guard firstDegree < source.degrees else {
      throw ApusError(
        .usage, "the first degree is none of the checkpoint's", file: checkpoint, found: "\(firstDegree)",
        expected: "less than \(source.degrees)")
    }
    let archive = try Archive(
      data, channels: source.channels, units: source.units, grid: source.grid, degrees: source.degrees)
    let times = try archive.regularTimes(from: from, to: to, stepHours: source.stepHours)
    let set = TrainingSet(
      takingOver: [(AlignedBuffer(try archive.load(times, threads: threads.count)), times)],
      normalisation: source.normalisation, points: source.grid.pointCount, steps: 1)
    let calibration = try SpectralCalibration(
      set, checkpoint: source, leads: hours.map { $0 / source.stepHours }, starts: starts,
      firstDegree: firstDegree, relaxation: relaxation)
    let logger = log.logger
    let (calibrated, outcomes) = try calibration.calibrate(
      source, iterations: iterations, threads: threads.count, provenance: source.provenance
    ) { logger.info("\(CalibrationReport.text($0))") }
    let report = CalibrationReport(
      checkpoint: output, source: (source.file as NSString).lastPathComponent, sourceDigest: source.digest,
      data: data.map { ($0 as NSString).lastPathComponent }, from: "\(times[0])",
      to: "\(times[times.count - 1])", starts: starts, leadHours: hours, firstDegree: firstDegree,
      relaxation: relaxation, iterations: outcomes)
    try calibrated.with(
      gain: calibrated.spectralGain ?? SpectralGain(channels: 0, degrees: 0),
      provenance: report.provenance(of: source)
    ).write(output, half: half)
    try WholeFile.write(Data(report.card(of: source).utf8), to: TrainingFiles.card(output))
    try result.show(report)
  }
}
