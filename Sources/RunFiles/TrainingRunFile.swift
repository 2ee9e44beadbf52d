import Basics
import Fields

/// The run file of `apus train`: data, network, input features, optimisation, output.
/// Every key, its default and range: docs/run-files.md.
public struct TrainingRunFile: RunFile {
  /// Names the checkpoint in logs and provenance.
  public var name: String
  /// Initial weights and the order of samples follow from it.
  public var seed: UInt64
  /// What is learnt from.
  public var data: TrainingData
  /// Sizes of the network.
  public var network: NetworkSettings
  /// Channels appended to the state.
  public var inputs: InputSettings
  /// Loss, optimiser and schedule.
  public var optimisation: OptimisationSettings
  /// Weights to start from (fine-tuning); nil: random ones.
  public var initialCheckpoint: InputPath?
  /// Where means and standard deviations come from.
  public var normalisation: NormalisationSource
  /// What low-rank factors are trained instead of weights; nil: the weights are trained.
  public var adapter: AdapterSettings?
  /// What makes a forecaster perturb itself; nil: it does not.
  public var variational: VariationalSection?
  /// How forecasts from the validation data are scored.
  public var validation: ValidationSettings
  /// What is written.
  public var output: TrainingOutput
  /// Under which terms the checkpoint may be used, for its card.
  public var licence: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, seed, data, network, inputs, optimisation, normalisation, adapter, variational, validation,
      output
    case licence
    case initialCheckpoint = "initial_checkpoint"
  }

  /// Reads a training run file, see `RunFile.parse`.
  public static func parse(_ text: String, file: String) throws -> TrainingRunFile {
    let source = Source(file: file)
    let node = try composeRunFile(text, source: source)
    try refuseOtherKind(
      node, source: source, keys: ["analyses", "checkpoints", "perturbation"], kind: "run files of ensembles",
      command: "apus run")
    return try TrainingRunFile(Section(node, keys: CodingKeys.self, source: source, name: "the run file"))
  }

  /// All files and patterns that a training reads.
  public var inputFiles: [InputPath] {
    [data.grid] + (data.training + data.validation).flatMap(\.files)
      + [initialCheckpoint, adapter?.base, variational?.start, inputs.staticFields?.file].compactMap { $0 }
  }

  init(_ section: Section<CodingKeys>) throws {
    name = try section.string(.name)
    seed = UInt64(try section.integer(.seed, in: 0...Int.max))
    data = try TrainingData(section.requiredSection(.data, TrainingData.CodingKeys.self))
    network = try NetworkSettings(section.section(.network, NetworkSettings.CodingKeys.self))
    inputs = try InputSettings(section.section(.inputs, InputSettings.CodingKeys.self))
    optimisation = try OptimisationSettings(
      section.requiredSection(.optimisation, OptimisationSettings.CodingKeys.self))
    initialCheckpoint = try section.optionalInput(.initialCheckpoint)
    adapter = try section.section(.adapter, AdapterSettings.CodingKeys.self).map(AdapterSettings.init)
    variational = try section.section(.variational, VariationalSection.CodingKeys.self).map(
      VariationalSection.init)
    normalisation = try section.choice(
      .normalisation,
      default: adapter == nil && variational == nil ? NormalisationSource.data : .checkpoint)
    validation = try ValidationSettings(
      section.section(.validation, ValidationSettings.CodingKeys.self), data: data)
    licence = try section.optionalString(.licence)
    output = try TrainingOutput(section.requiredSection(.output, TrainingOutput.CodingKeys.self))
    if adapter != nil && initialCheckpoint != nil {
      throw section.refuse(
        .initialCheckpoint, "given beside adapter, whose base the training starts from",
        expected: "one of the two")
    }
    if variational != nil && (initialCheckpoint == nil || adapter != nil) {
      throw section.refuse(
        .variational, "a variational forecaster is made from a trained one",
        expected: "initial_checkpoint, and no adapter")
    }
    if variational != nil && (optimisation.spectralWeight != 0 || output.snapshotsEvery != nil) {
      throw section.refuse(
        .variational, "has a loss of its own, and no snapshots", found: "spectral_weight or snapshots_every")
    }
    if variational != nil && output.keep == .both {
      throw section.refuse(
        .output, "of a variational forecaster one set of weights is kept", found: "keep: both",
        expected: "keep: best, or keep: last")
    }
    if adapter != nil && normalisation == .data {
      throw section.refuse(
        .normalisation, "an adapter has the normalisation of its base", found: "data",
        expected: "checkpoint, or nothing")
    }
    if adapter != nil && optimisation.optimiser == .lamb {
      throw section.refuse(
        .adapter, "LAMB scales steps to the size of weights, and an adapter's factors start at zero",
        found: "optimiser: lamb", expected: "adamw")
    }
    if output.keep != .last && data.validation.isEmpty {
      throw section.refuse(
        .output, "there is nothing to find the best by", found: "keep: \(output.keep.rawValue)",
        expected: "data.validation, or keep: last")
    }
    if normalisation == .checkpoint && initialCheckpoint == nil && adapter == nil {
      throw section.refuse(
        .normalisation, "there is no checkpoint to take it from", expected: "data, or an initial_checkpoint")
    }
    let weights = optimisation.channelWeights
    if weights.values.contains(where: { $0 < 0 })
      || (data.channels.allSatisfy { weights[$0] != nil } && !weights.values.contains { $0 > 0 })
    {
      throw section.refuse(
        .optimisation, "channel_weights must be 0 or more, and not all 0", found: "\(weights)")
    }
    for channel in optimisation.channelWeights.keys.sorted() where !data.channels.contains(channel) {
      throw section.refuse(
        .optimisation, "channel_weights names a channel that is not trained", found: channel,
        expected: data.channels.joined(separator: ", "))
    }
  }
}

/// Where the means and standard deviations of the network's inputs come from.
public enum NormalisationSource: String, Sendable, Hashable, Codable, CaseIterable {
  /// Computed from the training data.
  case data
  /// Those of `initial_checkpoint`.
  case checkpoint
}

/// What a network is trained on.
public struct TrainingData: Sendable, Hashable, Encodable {
  /// A grid description of grids/.
  public var grid: InputPath
  /// States are truncated to degrees l below this.
  public var degrees: Int
  /// The prognostic channels, in the order of the network.
  public var channels: [String]
  /// Hours of one step of the network.
  public var stepHours: Int
  /// Archives trained on; a step never joins the end of one entry to the start of the next.
  public var training: [DataPeriod]
  /// Archives that only measure; empty: none.
  public var validation: [DataPeriod]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case grid, degrees, channels, training, validation
    case stepHours = "step_hours"
  }

  init(_ section: Section<CodingKeys>) throws {
    grid = try section.input(.grid)
    degrees = try section.integer(.degrees, in: 1...4096)
    _ = try section.strings(.channels)
    channels = try section.channels(.channels) ?? []
    stepHours = try section.integer(.stepHours, in: 1...240, default: 6)
    training = try section.sections(.training, DataPeriod.CodingKeys.self).map(DataPeriod.init)
    validation = try section.sections(.validation, DataPeriod.CodingKeys.self).map(DataPeriod.init)
    if training.isEmpty { throw section.refuse(.training, "missing key in data") }
  }
}

/// Sizes of the network, under makani's keys, with HENS' defaults (spec/hens.md 1.1); shapes, grid type
/// and channel counts follow from `data` and `inputs`.
public struct NetworkSettings: Sendable, Hashable, Encodable {
  /// Width of the latent space.
  public var embedDim: Int
  /// Number of blocks.
  public var numLayers: Int
  /// The inner grid has 1/scale_factor of the rows and columns.
  public var scaleFactor: Int
  /// Hidden width of a block's MLP over `embed_dim`.
  public var mlpRatio: Double
  /// Part of the inner grid's degrees and orders that is kept.
  public var hardThresholdingFraction: Double
  /// Inner grid: `legendre-gauss` or `equiangular`.
  public var shtGridType: InnerGrid
  /// Start the big skip as the identity on the prognostic channels and scale the decoder down.
  public var startAsPersistence: Bool

  /// Grids of the inner blocks.
  public enum InnerGrid: String, Sendable, Hashable, Codable, CaseIterable {
    case gaussian = "legendre-gauss"
    case equiangular
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case embedDim = "embed_dim"
    case numLayers = "num_layers"
    case scaleFactor = "scale_factor"
    case mlpRatio = "mlp_ratio"
    case hardThresholdingFraction = "hard_thresholding_fraction"
    case shtGridType = "sht_grid_type"
    case startAsPersistence = "start_as_persistence"
  }

  init(_ section: Section<CodingKeys>?) throws {
    embedDim = try section?.integer(.embedDim, in: 1...8192, default: 64) ?? 64
    numLayers = try section?.integer(.numLayers, in: 1...64, default: 4) ?? 4
    scaleFactor = try section?.integer(.scaleFactor, in: 1...16, default: 1) ?? 1
    mlpRatio = try section?.number(.mlpRatio, in: 0.01...64, default: 2) ?? 2
    hardThresholdingFraction =
      try section?.number(.hardThresholdingFraction, in: 0.01...1, default: 1) ?? 1
    shtGridType = try section?.choice(.shtGridType, default: InnerGrid.gaussian) ?? .gaussian
    startAsPersistence = try section?.flag(.startAsPersistence, default: true) ?? true
  }
}

/// Channels appended to the state before it enters the network (Fields.InputFeatures).
public struct InputSettings: Sendable, Hashable, Encodable {
  /// For k = 1...this: sin(k latitude), sin(k longitude).
  public var positionFrequencies: Int
  /// The cosines too.
  public var positionCosines: Bool
  /// Sine and cosine of the time of year.
  public var season: Bool
  /// Cosine of the solar zenith angle at the step's input time.
  public var solarZenith: Bool
  /// Fields that don't change; nil: none.
  public var staticFields: StaticFieldSettings?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case season
    case positionFrequencies = "position_frequencies"
    case positionCosines = "position_cosines"
    case solarZenith = "solar_zenith"
    case staticFields = "static_fields"
  }

  init(_ section: Section<CodingKeys>?) throws {
    positionFrequencies = try section?.optionalInteger(.positionFrequencies, in: 0...64) ?? 0
    positionCosines = try section?.flag(.positionCosines, default: false) ?? false
    season = try section?.flag(.season, default: false) ?? false
    solarZenith = try section?.flag(.solarZenith, default: false) ?? false
    staticFields = try section?.section(.staticFields, StaticFieldSettings.CodingKeys.self)
      .map(StaticFieldSettings.init)
  }
}

/// Orography, land fraction and the like.
public struct StaticFieldSettings: Sendable, Hashable, Encodable {
  /// The NetCDF file that has them.
  public var file: InputPath
  /// Its variables.
  public var variables: [String]

  enum CodingKeys: String, CodingKey, CaseIterable { case file, variables }

  init(_ section: Section<CodingKeys>) throws {
    file = try section.input(.file)
    variables = try section.strings(.variables)
  }
}

/// What a training writes.
public struct TrainingOutput: Sendable, Hashable, Encodable {
  /// The safetensors file.
  public var checkpoint: String
  /// Optimiser state for resuming is saved every so many steps.
  public var everySteps: Int
  /// Whether the weight matrices of the checkpoint are written as float16, half the size.
  public var halfPrecision: Bool
  /// Which weights are kept.
  public var keep: Keep
  /// A checkpoint of its own is written every so many steps; nil: none.
  public var snapshotsEvery: Int?

  /// Weights of a training that are worth a file.
  public enum Keep: String, Sendable, Hashable, Codable, CaseIterable {
    /// Those of the best validation.
    case best
    /// Those of the end, as HENS does.
    case last
    /// The last, and the best beside them.
    case both
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case checkpoint, keep
    case everySteps = "every_steps"
    case halfPrecision = "half_precision"
    case snapshotsEvery = "snapshots_every"
  }

  init(_ section: Section<CodingKeys>) throws {
    checkpoint = try section.string(.checkpoint)
    everySteps = try section.integer(.everySteps, in: 1...1_000_000_000, default: 500)
    halfPrecision = try section.flag(.halfPrecision, default: false)
    keep = try section.choice(.keep, default: Keep.last)
    snapshotsEvery = try section.optionalInteger(.snapshotsEvery, in: 1...1_000_000_000)
  }
}
