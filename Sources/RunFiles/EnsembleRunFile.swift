import Basics
import Fields

/// The run file of `apus run`, `plan`, `forecast`, `breed` and `member`: which forecasts, from which
/// analyses and checkpoints, how perturbed, and what is made of them.
/// Every key, its default and range: docs/run-files.md.
public struct EnsembleRunFile: RunFile {
  /// Names the run in its manifest, files and report.
  public var name: String
  /// Every random number of the run follows from it.
  public var seed: UInt64
  /// The networks; the first one makes the control.
  public var checkpoints: [InputPath]
  /// The states that forecasts start from.
  public var analyses: DataPeriod
  /// What climatology is drawn from, as the baseline of scores and the sample of EFI; nil: none.
  public var climatology: ClimatologySource?
  /// Initial times, ascending; none where the run file leaves them to `apus daily`.
  public var initialTimes: TimeSelection
  /// Length of the forecasts [h].
  public var leadTimeHours: Int
  /// Of the 1x1 convolutions' products, in every step of breeding and forecast.
  public var matmulPrecision: MatmulPrecision
  /// How members differ from the control.
  public var perturbation: PerturbationSection
  /// What is written.
  public var output: EnsembleOutput
  /// What is kept of all members.
  public var products: ProductsSection
  /// What an emulator draws from the members; nil: nothing.
  public var emulation: EmulationSection?
  /// What is scored; nil: nothing.
  public var verification: VerificationSettings?
  /// The report; nil: none.
  public var report: ReportSettings?
  /// What `apus daily` does with it; nil: nothing.
  public var daily: DailySection?

  /// The climate of products and scores: that of `verification`, else the run's.
  public var climate: ClimatologySource? { verification?.climate ?? climatology }
  /// What is taken as true: what `verification` says, else the analyses.
  public var truth: DataPeriod { verification?.truth ?? analyses }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, seed, checkpoints, analyses, climatology, perturbation, output, products, verification, report
    case daily, emulation
    case initialTimes = "initial_times"
    case leadTimeHours = "lead_time_hours"
    case matmulPrecision = "matmul_precision"
  }

  /// Reads an ensemble run file, see `RunFile.parse`.
  public static func parse(_ text: String, file: String) throws -> EnsembleRunFile {
    let source = Source(file: file)
    let node = try composeRunFile(text, source: source)
    try refuseOtherKind(
      node, source: source, keys: ["emulator", "network", "optimisation"], kind: "run files of trainings",
      command: "apus train")
    return try EnsembleRunFile(Section(node, keys: CodingKeys.self, source: source, name: "the run file"))
  }

  init(_ section: Section<CodingKeys>) throws {
    name = try section.string(.name)
    seed = UInt64(try section.integer(.seed, in: 0...Int.max))
    checkpoints = try section.inputs(.checkpoints)
    analyses = try DataPeriod(section.requiredSection(.analyses, DataPeriod.CodingKeys.self))
    climatology = try section.section(.climatology, ClimatologySource.CodingKeys.self)
      .map(ClimatologySource.init)
    daily = try section.section(.daily, DailySection.CodingKeys.self).map(DailySection.init)
    let times = try TimeSelection(section, .initialTimes)
    guard times != nil || daily != nil else {
      throw section.refuse(.initialTimes, "missing key in the run file")
    }
    initialTimes = times ?? .none
    leadTimeHours = try section.integer(.leadTimeHours, in: 1...87_600)
    matmulPrecision = try section.choice(.matmulPrecision, default: MatmulPrecision.highest)
    perturbation = try PerturbationSection(
      section.requiredSection(.perturbation, PerturbationSection.CodingKeys.self))
    output = try EnsembleOutput(
      section.requiredSection(.output, EnsembleOutput.CodingKeys.self), leadTimeHours: leadTimeHours,
      memberCount: perturbation.method == .none
        ? checkpoints.count : 1 + 2 * checkpoints.count * perturbation.pairs)
    products =
      try section.section(.products, ProductsSection.CodingKeys.self).map(ProductsSection.init)
      ?? ProductsSection()
    verification = try section.section(.verification, VerificationSettings.CodingKeys.self)
      .map(VerificationSettings.init)
    report = try section.section(.report, ReportSettings.CodingKeys.self).map(ReportSettings.init)
    emulation = try section.section(.emulation, EmulationSection.CodingKeys.self).map(EmulationSection.init)
    if emulation != nil, let part = output.partialKey {
      throw section.refuse(
        .emulation, "seeds are drawn from members that are not kept whole", found: part,
        expected: "output.members: all, without output.variables, lead_times and region",
        advice: "Leave these keys out, or draw with `apus emulate` from the files of another run.")
    }
  }
}

/// A climatology: a file that `apus climate` wrote, or the archive it is to be computed from.
public enum ClimatologySource: Sendable, Hashable, Encodable {
  case file(InputPath)
  /// States of an archive; with `windowDays` only those within so many days of a valid time's place in the
  /// year, of whatever year.
  case archive(DataPeriod, windowDays: Int?)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case file, files, from, to
    case windowDays = "window_days"
  }

  init(_ section: Section<CodingKeys>) throws {
    guard let file = try section.optionalInput(.file) else {
      let from = try section.optionalInstant(.from)
      let to = try section.optionalInstant(.to)
      self = .archive(
        DataPeriod(files: try section.inputs(.files), from: from, to: to),
        windowDays: try section.optionalInteger(.windowDays, in: 1...182))
      return
    }
    if section.has(.files) || section.has(.from) || section.has(.to) || section.has(.windowDays) {
      throw section.refuse(
        .file, "given beside files, from, to or window_days", expected: "either file, or files and a period")
    }
    self = .file(file)
  }

  /// Writes the keys of the run file.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .file(let path):
      var box = encoder.container(keyedBy: CodingKeys.self)
      try box.encode(path, forKey: .file)
    case .archive(let period, let windowDays):
      try period.encode(to: encoder)
      var box = encoder.container(keyedBy: CodingKeys.self)
      try box.encodeIfPresent(windowDays, forKey: .windowDays)
    }
  }
}

/// What is scored against what.
public struct VerificationSettings: Sendable, Hashable, Encodable {
  /// The two definitions of power per degree (spec/hens.md 4.3).
  public enum SpectrumConvention: String, Sendable, Hashable, Codable, CaseIterable {
    case standard
    case hens
  }

  /// What is taken as true; nil: the analyses.
  public var truth: DataPeriod?
  /// Channels scored; empty: every channel of the checkpoints.
  public var variables: [String]
  /// The climate sample of thresholds, EFI and SOT; nil: the run's climatology.
  public var climate: ClimatologySource?
  /// Threshold of Brier score, threshold-weighted CRPS and ROC: `climate:mean+1std`, `climate:p95` or a
  /// number; nil: none of these scores.
  public var threshold: String?
  /// Scored lead times are multiples of this [h].
  public var everyHours: Int
  /// Which definition spectra follow.
  public var spectrumConvention: SpectrumConvention

  enum CodingKeys: String, CodingKey, CaseIterable {
    case truth, variables, climate, threshold
    case everyHours = "every_hours"
    case spectrumConvention = "spectrum_convention"
  }

  init(_ section: Section<CodingKeys>) throws {
    truth = try section.section(.truth, DataPeriod.CodingKeys.self).map(DataPeriod.init)
    variables = try section.channels(.variables) ?? []
    climate = try section.section(.climate, ClimatologySource.CodingKeys.self).map(ClimatologySource.init)
    threshold = try section.optionalString(.threshold)
    everyHours = try section.integer(.everyHours, in: 1...8760, default: 24)
    spectrumConvention = try section.choice(.spectrumConvention, default: SpectrumConvention.standard)
  }
}

/// The report of a run.
public struct ReportSettings: Sendable, Hashable, Encodable {
  /// Its heading.
  public var title: String
  /// The HTML file; nil: report/report.html in the run directory.
  public var file: String?
  /// What readers must know about the data: attribution, and whether scores are perfect-model scores.
  public var notes: [String]

  enum CodingKeys: String, CodingKey, CaseIterable { case title, file, notes }

  init(_ section: Section<CodingKeys>) throws {
    title = try section.string(.title)
    file = try section.optionalString(.file)
    notes = try section.optionalStrings(.notes) ?? []
  }
}
