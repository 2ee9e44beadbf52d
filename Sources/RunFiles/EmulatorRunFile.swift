import Basics
import Fields
import Yams

/// The run file of `apus train` for an emulator: hindcasts, what is drawn from what, network, optimisation, output.
/// Every key, its default and range: docs/run-files.md.
public struct EmulatorRunFile: RunFile {
  /// Names the emulator in logs and provenance.
  public var name: String
  /// Initial weights, order of samples, seeds, labels and noise follow from it.
  public var seed: UInt64
  /// What is drawn from what.
  public var emulator: EmulatorSettings
  /// What is learnt from.
  public var data: EmulatorData
  /// Sizes of the network.
  public var network: NetworkSettings
  /// Fields appended to the network's input.
  public var inputs: InputSettings
  /// Optimiser and schedule; nil for baselines, which are fitted.
  public var optimisation: OptimisationSettings?
  /// An emulator of the same network to start from; nil: random weights.
  public var initialEmulator: InputPath?
  /// A diffusion emulator that a one-step generator learns from; nil: from hindcasts alone.
  public var teacher: InputPath?
  /// What is written.
  public var output: TrainingOutput
  /// Under which terms the emulator may be used.
  public var licence: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, seed, emulator, data, network, inputs, optimisation, output, licence, teacher
    case initialEmulator = "initial_emulator"
  }

  /// All files and patterns that a training reads.
  public var inputFiles: [InputPath] {
    [data.grid] + [data.hindcasts, data.truth, data.climate].flatMap(\.files) + (data.validation?.files ?? [])
      + [initialEmulator, teacher].compactMap { $0 } + [inputs.staticFields?.file].compactMap { $0 }
  }

  /// Whether a text is meant to be such a run file: it has the key `emulator`.
  public static func isMeant(by text: String) -> Bool {
    ((try? Yams.compose(yaml: text)) ?? nil)?.mapping?.keys.contains { $0.string == "emulator" } ?? false
  }

  /// Reads an emulator run file, see `RunFile.parse`.
  public static func parse(_ text: String, file: String) throws -> EmulatorRunFile {
    let source = Source(file: file)
    let node = try composeRunFile(text, source: source)
    return try EmulatorRunFile(Section(node, keys: CodingKeys.self, source: source, name: "the run file"))
  }

  init(_ section: Section<CodingKeys>) throws {
    name = try section.string(.name)
    seed = UInt64(try section.integer(.seed, in: 0...Int.max))
    emulator = try EmulatorSettings(section.requiredSection(.emulator, EmulatorSettings.CodingKeys.self))
    data = try EmulatorData(section.requiredSection(.data, EmulatorData.CodingKeys.self))
    network = try NetworkSettings(section.section(.network, NetworkSettings.CodingKeys.self))
    inputs = try InputSettings(section.section(.inputs, InputSettings.CodingKeys.self))
    optimisation = try section.section(.optimisation, OptimisationSettings.CodingKeys.self).map(
      OptimisationSettings.init)
    initialEmulator = try section.optionalInput(.initialEmulator)
    output = try TrainingOutput(section.requiredSection(.output, TrainingOutput.CodingKeys.self))
    licence = try section.optionalString(.licence)
    teacher = try section.optionalInput(.teacher)
    if teacher != nil && emulator.kind != .oneStep {
      throw section.refuse(
        .teacher, "only a one-step generator has a teacher", found: "kind: \(emulator.kind.rawValue)",
        expected: "kind: one_step")
    }
    let learns = emulator.kind == .diffusion || emulator.kind == .oneStep
    if learns && optimisation == nil {
      throw section.refuse(
        .optimisation, "missing key in the run file", expected: "how the network is trained")
    }
    if !learns && (optimisation != nil || initialEmulator != nil) {
      throw section.refuse(
        .optimisation, "a \(emulator.kind.rawValue) emulator is fitted, not trained",
        expected: "neither optimisation nor initial_emulator")
    }
    if let settings = optimisation, let key = settings.foreignToEmulators {
      throw section.refuse(
        .optimisation, "emulators have a loss of their own", found: key.rawValue, expected: "no such key")
    }
    if output.keep == .both || output.snapshotsEvery != nil {
      throw section.refuse(
        .output, "of an emulator one set of weights is kept",
        found: output.keep == .both ? "keep: both" : "snapshots_every", expected: "keep: best, or keep: last")
    }
    if output.keep != .last && data.validation == nil {
      throw section.refuse(
        .output, "there is nothing to find the best by", found: "keep: \(output.keep.rawValue)",
        expected: "data.validation, or keep: last")
    }
  }
}

/// What an emulator draws from what.
public struct EmulatorSettings: Sendable, Hashable, Encodable {
  /// Kinds of emulators.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case diffusion
    case oneStep = "one_step"
    case gaussianShrinkage = "gaussian_shrinkage"
    case residualBootstrap = "residual_bootstrap"
    case emos
  }

  /// Which kind.
  public var kind: Kind
  /// Numbers of seeds.
  public var seedCounts: [Int]
  /// Probability that the label is the truth: 0 emulates, above 0 post-processes.
  public var truthShare: Double
  /// Members of a sample in the loss of a one-step generator.
  public var members: Int
  /// Whether of members 1 and 2, 3 and 4... at most one is seed or label.
  public var keepsPairsApart: Bool

  enum CodingKeys: String, CodingKey, CaseIterable {
    case kind, members
    case seedCounts = "seed_counts"
    case truthShare = "truth_share"
    case keepsPairsApart = "keep_pairs_apart"
  }

  init(_ section: Section<CodingKeys>) throws {
    kind = try section.requiredChoice(.kind)
    seedCounts = Array(Set(try section.wholeNumbers(.seedCounts, in: 1...64) ?? [2])).sorted()
    truthShare = try section.number(.truthShare, in: 0...1, default: 0)
    members = try section.integer(.members, in: 2...16, default: 2)
    keepsPairsApart = try section.flag(.keepsPairsApart, default: true)
    if seedCounts.isEmpty { throw section.refuse(.seedCounts, "empty list", expected: "at least one number") }
  }
}

/// What an emulator is trained on.
public struct EmulatorData: Sendable, Hashable, Encodable {
  /// A grid description of grids/.
  public var grid: InputPath
  /// Fields are truncated to degrees l below this.
  public var degrees: Int
  /// Channels drawn.
  public var channels: [String]
  /// Lead times drawn [h].
  public var leadHours: [Int]
  /// Ensemble hindcasts; `from` and `to` are initial times.
  public var hindcasts: DataPeriod
  /// Hindcasts that only measure; nil: none.
  public var validation: DataPeriod?
  /// Analyses at the valid times.
  public var truth: DataPeriod
  /// States that the climate is fitted to.
  public var climate: DataPeriod
  /// Hours between the states of the climate that are used.
  public var climateEveryHours: Int
  /// Members of the hindcasts that do not count.
  public var excludedMembers: [Int]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case grid, degrees, channels, hindcasts, validation, truth, climate
    case leadHours = "lead_hours"
    case climateEveryHours = "climate_every_hours"
    case excludedMembers = "exclude_members"
  }

  init(_ section: Section<CodingKeys>) throws {
    grid = try section.input(.grid)
    degrees = try section.integer(.degrees, in: 1...4096)
    _ = try section.strings(.channels)
    channels = try section.channels(.channels) ?? []
    leadHours = Array(Set(try section.wholeNumbers(.leadHours, in: 1...87_600) ?? [])).sorted()
    hindcasts = try DataPeriod(section.requiredSection(.hindcasts, DataPeriod.CodingKeys.self))
    validation = try section.section(.validation, DataPeriod.CodingKeys.self).map(DataPeriod.init)
    truth = try DataPeriod(section.requiredSection(.truth, DataPeriod.CodingKeys.self))
    climate = try DataPeriod(section.requiredSection(.climate, DataPeriod.CodingKeys.self))
    climateEveryHours = try section.integer(.climateEveryHours, in: 1...8760, default: 30)
    excludedMembers = try section.wholeNumbers(.excludedMembers, in: 0...1_000_000) ?? [0]
    if leadHours.isEmpty { throw section.refuse(.leadHours, "missing key in data") }
  }
}
