import ArgumentParser
import Basics
import Emulators
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
      multiplied with factors; that of large scales is held within what the data had. Forecasts from a few starts are compared with the states that followed; the \
      factors are moved until their power is the truth's at the given lead times. Use data the checkpoint may \
      learn from, not those it is to be scored on. The weights stay as they are.
      """)

  @Argument(help: "A checkpoint, or a variational forecaster.")
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

  @Option(help: "The first degree that is relaxed.")
  var firstDegree = 12

  @Option(help: "The first degree that gets factors (default: the first that is relaxed).")
  var firstFactor: Int?

  @Option(help: "Part of log power's departure from the mean that a step takes away, 0 to 1.")
  var relaxation = 0.1

  @Option(
    help:
      "That part at the highest degree; from --first-degree on it rises to this.")
  var finestRelaxation = 0.3

  @Option(
    help:
      "That part below --first-degree, of the departure from what the data had.")
  var boundRelaxation = 0.5

  @Option(
    help:
      "How far beyond the data's least and largest values on its latitude a state may go, as a part of their distance."
  )
  var limitMargin = 0.1

  @Option(
    help:
      "Part of the data's states beyond either bound of the power at degrees that are not relaxed, 0 to 0.25."
  )
  var powerTail = 0.01

  @Option(help: "Times the factors are moved.")
  var iterations = 4

  @Option(
    help:
      "For a variational forecaster: correlation of its noise from step to step, to tune with and to keep.")
  var noiseMemory: Double?

  @Option(
    help: ArgumentHelp(
      "For a variational forecaster: lead times, separated by commas, at which members get the truth's power when they are written.",
      valueName: "hours"))
  var finishHours: String?

  @Option(help: "Forecasts that --finish-hours measures, their starts spread evenly over the data.")
  var finishStarts = 144

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
    if let firstFactor, !(1...firstDegree).contains(firstFactor) {
      throw ValidationError("--first-factor must be within 1 and --first-degree (\(firstDegree)).")
    }
    if !(0...0.25).contains(powerTail) { throw ValidationError("--power-tail must be within 0 and 0.25.") }
    if !(0...1).contains(relaxation) { throw ValidationError("--relaxation must be within 0 and 1.") }
    if !(0...1).contains(boundRelaxation) {
      throw ValidationError("--bound-relaxation must be within 0 and 1.")
    }
    if !(0...1).contains(finestRelaxation) {
      throw ValidationError("--finest-relaxation must be within 0 and 1.")
    }
    if !(0...100).contains(limitMargin) { throw ValidationError("--limit-margin must be within 0 and 100.") }
    if let noiseMemory, !(0..<1).contains(noiseMemory) {
      throw ValidationError("--noise-memory is \(noiseMemory); expected 0 up to 1.")
    }
    if Self.hours(leadHours) == nil {
      throw ValidationError("--lead-hours takes whole numbers above 0, such as 120,240.")
    }
    if let finishHours, Self.hours(finishHours) == nil {
      throw ValidationError("--finish-hours takes whole numbers above 0, such as 120,240.")
    }
    if finishStarts < 1 { throw ValidationError("--finish-starts must be 1 or more.") }
  }

  /// Lead times as they are given, ascending; nil for what are none.
  private static func hours(_ text: String) -> [Int]? {
    let parts = text.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
    let whole = parts.compactMap { $0 }.filter { $0 > 0 }
    return whole.isEmpty || whole.count != parts.count ? nil : Set(whole).sorted()
  }

  func run() throws {
    try OutputPath.require(output, apartFrom: [checkpoint] + data)
    if try VariationalFile.isOne(checkpoint) {
      let stored = try VariationalFile.read(checkpoint)
      let source = noiseMemory.map(stored.with(noiseMemory:)) ?? stored
      let (set, times) = try states(source, source.base)
      var (gain, report) = try calibrate(
        source, set, times, digest: SHA256.hexadecimal(ofFile: checkpoint))
      let finish = try finishHours.flatMap(Self.hours).map { hours in
        let outcome = try FinishMeasurement.measure(
          source.with(tuning: gain), on: set, leadHours: hours, starts: finishStarts, threads: threads.count)
        report.finish = CalibrationReport.Finish(outcome)
        return outcome.finish
      }
      try VariationalFile.write(
        gain, finish, noiseMemory: source.noiseMemory, provenance: report.provenance(with: source.provenance),
        of: checkpoint, to: output)
      try write(report)
    } else {
      for (name, isGiven) in [("--noise-memory", noiseMemory != nil), ("--finish-hours", finishHours != nil)]
      where isGiven {
        throw ApusError(.usage, "\(name) is for variational forecasters", file: checkpoint)
      }
      let source = try Checkpoint.read(checkpoint)
      let (set, times) = try states(source, source)
      let (gain, report) = try calibrate(source, set, times, digest: source.digest)
      try source.with(tuning: gain, provenance: report.provenance(with: source.provenance))
        .write(output, half: half)
      try write(report)
    }
  }

  private func write(_ report: CalibrationReport) throws {
    try WholeFile.write(Data(report.card(sourceFile: checkpoint).utf8), to: TrainingFiles.card(output))
    try result.show(report)
  }

  /// The data, normalised.
  /// - Parameter facts: of channels and units.
  private func states(_ source: some SpectrallyTuned, _ facts: Checkpoint) throws -> (TrainingSet, [Instant])
  {
    for text in [leadHours, finishHours].compactMap({ $0 }) {
      guard (Self.hours(text) ?? []).allSatisfy({ $0 % source.stepHours == 0 }) else {
        throw ApusError(
          .usage, "lead times are no multiples of the checkpoint's step", file: checkpoint, found: text,
          expected: "multiples of \(source.stepHours) h")
      }
    }
    guard firstDegree < source.degrees else {
      throw ApusError(
        .usage, "the first degree is none of the checkpoint's", file: checkpoint, found: "\(firstDegree)",
        expected: "less than \(source.degrees)")
    }
    let archive = try Archive(
      data, channels: facts.channels, units: facts.units, grid: source.grid, degrees: source.degrees)
    let times = try archive.regularTimes(from: from, to: to, stepHours: source.stepHours)
    return (
      TrainingSet(
        takingOver: [(AlignedBuffer(try archive.load(times, threads: threads.count)), times)],
        normalisation: source.normalisation, points: source.grid.pointCount, steps: 1), times
    )
  }

  private func calibrate(
    _ source: some SpectrallyTuned, _ set: TrainingSet, _ times: [Instant], digest: String
  ) throws -> (StepTuning, CalibrationReport) {
    let hours = Self.hours(leadHours) ?? []
    let calibration = try SpectralCalibration(
      set, of: source, leads: hours.map { $0 / source.stepHours }, starts: starts, firstDegree: firstDegree,
      firstFactor: firstFactor, relaxation: relaxation, finestRelaxation: finestRelaxation,
      boundRelaxation: boundRelaxation, limitMargin: limitMargin, powerTail: powerTail)
    let logger = log.logger
    let (gain, outcomes) = try calibration.calibrate(source, iterations: iterations, threads: threads.count) {
      logger.info("\(CalibrationReport.text($0))")
    }
    let report = CalibrationReport(
      checkpoint: output, source: FilePath.name(of: checkpoint), sourceDigest: digest,
      data: data.map { FilePath.name(of: $0) }, from: "\(times[0])",
      to: "\(times[times.count - 1])", starts: calibration.starts.count, leadHours: hours,
      firstDegree: firstDegree, firstFactor: calibration.firstFactor, relaxation: relaxation,
      finestRelaxation: finestRelaxation, boundRelaxation: boundRelaxation,
      limitMargin: limitMargin, powerTail: powerTail,
      iterations: outcomes)
    return (gain, report)
  }
}
