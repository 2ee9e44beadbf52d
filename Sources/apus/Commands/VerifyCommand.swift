import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Logging
import RunFiles
import Verification

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Score any ensemble in NetCDF against the truth.",
    discussion: """
      Writes scores.nc: at every point CRPS (empirical, fair, almost fair), and with --climate the extreme \
      forecast index and shift of tails, with a threshold the threshold-weighted CRPS, probability, Brier \
      scores; for every time the RMSE of the mean, spread, spread-skill ratio, energy score and area means \
      (weights cos(latitude)); over all times the rank histogram and the area under the ROC curve. Points \
      where the truth or a member is missing are left out of every mean.

      With a definition (diagnostics/*.yml) it computes what that says, of many variables, lead times, regions \
      and dates, with intervals, into a directory of NetCDF files and a report; interrupted, the same command \
      continues.
      """)

  @Argument(
    help: ArgumentHelp(
      "A definition of diagnostics, such as diagnostics/quick.yml.", valueName: "definition.yml"),
    completion: .file(extensions: ["yml", "yaml"]))
  var definition: String?

  @Option(name: .long, parsing: .upToNextOption, help: "Forecast files: one per member, bundles, any layout.")
  var forecast: [String] = []

  @Option(name: .long, parsing: .upToNextOption, help: "Files with the truth at the forecasts' valid times.")
  var truth: [String] = []

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "With a definition: files of an ensemble to compare with, for a scorecard.")
  var baseline: [String] = []

  @Option(help: "The variable; z500 also finds z on pressure levels.")
  var variable: String?

  @Option(
    name: .long, parsing: .upToNextOption, help: "Files with a climate sample: all their fields count.")
  var climate: [String] = []

  @Option(
    help: ArgumentHelp(
      "Threshold: a number, climate:mean+1std, climate:mean-1.5std or climate:p95.", valueName: "rule"))
  var thresholdFrom: ThresholdRule?

  @Option(help: ArgumentHelp("Number of the control member: adds its RMSE and MAE.", valueName: "number"))
  var control: Int?

  @Option(
    help: ArgumentHelp(
      "Weight of the fair part in the almost fair CRPS. (default: 0.95)", valueName: "alpha"))
  var almostFairAlpha: Double?

  @Flag(inversion: .prefixedNo, help: "Write the scores of every point.")
  var pointwise = true

  @Flag(
    inversion: .prefixedNo,
    help: "Compute the energy score, whose cost grows with the square of the members.")
  var energyScore = true

  @Option(
    help: ArgumentHelp(
      "The file to write; with a definition the directory.", valueName: "scores.nc|directory"))
  var output: String

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var result: ResultOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    if definition == nil {
      guard variable != nil else { throw ValidationError("Missing --variable, or a definition.") }
      guard !forecast.isEmpty else { throw ValidationError("Missing --forecast.") }
      guard !truth.isEmpty else { throw ValidationError("Missing --truth.") }
      guard baseline.isEmpty else { throw ValidationError("--baseline needs a definition.") }
    } else if variable != nil || thresholdFrom != nil || control != nil {
      throw ValidationError("--variable, --threshold-from and --control are keys of the definition.")
    } else if almostFairAlpha != nil || !pointwise || !energyScore {
      throw ValidationError(
        "--almost-fair-alpha, --no-pointwise and --no-energy-score have no effect with a definition.")
    }
    if let almostFairAlpha, !(0...1).contains(almostFairAlpha) {
      throw ValidationError("--almost-fair-alpha is \(almostFairAlpha); expected 0...1.")
    }
    if thresholdFrom?.needsClimate == true && climate.isEmpty {
      throw ValidationError("--threshold-from \(thresholdFrom?.text ?? "") needs --climate.")
    }
  }

  func run() throws {
    if let definition { return try ApusError.naming(runFile: definition) { try runSuite(definition) } }
    guard let variable else { return }
    let logger = log.logger
    let alpha = almostFairAlpha ?? 0.95
    try OutputPath.require(output, apartFrom: forecast + truth + climate)
    let archive = try EnsembleArchive(FileList.expand(forecast), variable: variable)
    let truths = try TruthArchive(FileList.expand(truth), for: archive)
    let controlPlace = try ControlMember.place(
      control, among: archive.members, repeated: archive.repeatedMember, file: archive.file,
      variable: variable)
    RepeatedMembers.warn(archive.repeatedMember, count: archive.members.count, variable: variable, logger)
    let sample = try climate.isEmpty ? nil : ClimateArchive(FileList.expand(climate), for: archive)
    let quantiles = try sample.map { try ClimateQuantiles(EnsembleValues($0.values, members: $0.count)) }
    let threshold = try thresholdFrom?.threshold(quantiles, points: archive.grid.pointCount)
    logger.debug(
      "read the layout",
      metadata: [
        "members": "\(archive.members.count)", "times": "\(archive.cases.count)", "grid": "\(archive.grid)",
      ])
    let weights = AreaWeights(latitudes: archive.grid.latitudes, columns: archive.grid.longitudes.count)
    let file = try ScoreFile(
      output, archive: archive, threshold: threshold, hasClimate: quantiles != nil,
      hasControl: control != nil, hasPointwise: pointwise, hasEnergyScore: energyScore,
      alpha: alpha, command: CommandLine.arguments)
    var cases: [(EnsembleArchive.Case, CaseScores)] = []
    var missing = 0
    for (place, item) in archive.cases.enumerated() {
      try StopFlag.check(StopFlag.nothingWritten)
      let members = EnsembleValues(try archive.values(item), members: archive.members.count)
      let observed = try truths.values(item)
      let scores = try PointwiseScores(
        members, truth: observed, threshold: threshold, climate: quantiles, alpha: alpha,
        ties: Philox(seed: 0, purpose: .tieBreak, UInt64(place)))
      let energy = energyScore ? try EnergyScore.value(members, truth: observed, weights: weights) : nil
      var summary = CaseScores(scores, truth: observed, weights: weights, energyScore: energy)
      summary.control = controlPlace.map {
        CaseScores.ErrorOfOne(members.member($0), truth: observed, weights: weights)
      }
      let absent = scores.rank.count { $0 < 0 }
      guard absent < scores.rank.count else {
        throw ApusError(
          .badData, "no point has a truth and all members", file: archive.file, variable: variable,
          found: "only missing values at \(item)")
      }
      missing += absent
      try file.write(place, scores, summary)
      cases.append((item, summary))
    }
    if missing > 0 {
      logger.notice("left out points with missing values", metadata: ["points": "\(missing)"])
    }
    let report = VerificationReport(
      variable: variable, units: archive.units ?? "1", output: output, cases: cases)
    try file.finish(report)
    try result.show(report)
  }

  private func runSuite(_ path: String) throws {
    let definition = try DiagnosticsFile.read(path)
    func files(_ given: [String], _ named: [InputPath], _ option: String) throws -> [String] {
      let patterns = given.isEmpty ? named.paths : given
      guard !patterns.isEmpty else {
        throw ApusError(
          .usage, "no files of the \(option)", file: path,
          expected: "--\(option) FILES, or \(option): in the definition")
      }
      return try FileList.expand(patterns)
    }
    let run = SuiteRun(
      definition: definition, forecast: try files(forecast, definition.forecast, "forecast"),
      truth: try files(truth, definition.truth, "truth"),
      climate: try climate.isEmpty ? [] : FileList.expand(climate),
      baseline: try baseline.isEmpty && definition.baseline.isEmpty
        ? [] : files(baseline, definition.baseline, "baseline"),
      draws: BootstrapDraws(definition.bootstrap), output: output, threads: threads.count,
      logger: log.logger, showsProgress: log.showsProgress)
    try result.show(try SuiteVerification(definition: definition, run: run)())
  }
}

extension EnsembleValues {
  /// Values of a file.
  init(_ values: GriddedValues, members: Int) {
    switch values {
    case .single(let values): self.init(values, members: members)
    case .double(let values): self.init(values, members: members)
    }
  }
}
