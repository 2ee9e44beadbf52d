import Basics
import FieldIO
import Fields
import Logging
import Models
import Operators
import RunFiles
import Sphere
import Training

/// All that a training run file names, read and checked: data, network, weights to start from.
struct TrainingInputs {
  let run: TrainingRunFile
  let grid: SphereGrid
  let training: [Stretch]
  let validation: [Stretch]
  let set: TrainingSet
  let validationSet: TrainingSet?
  let units: [String]
  let normalisation: Normalisation
  let features: InputFeatures
  /// [field][latitude][longitude], normalised.
  let statics: [Float]
  let network: SFNO
  /// What weights start from: `initial_checkpoint` or the base of the adapter.
  let base: Checkpoint?

  /// States of an entry of the run file, in order of time without gaps.
  struct Stretch {
    let archive: Archive
    let times: [Instant]
  }

  init(_ run: TrainingRunFile, threads: Int, logger: Logger) throws {
    self.run = run
    grid = try GridDescription.read(run.data.grid.path)
    let grid = grid
    logger.info("reading \(run.data.channels.joined(separator: " ")) on \(grid), l < \(run.data.degrees)")
    base = try (run.adapter?.base ?? run.initialCheckpoint).map { try Checkpoint.read($0.path) }
    let known = base.flatMap { $0.units.isEmpty ? nil : $0.units }
    training = try TrainingInputs.stretches(run.data.training, run.data, units: known, grid: grid, logger)
    validation = try TrainingInputs.stretches(
      run.data.validation, run.data, units: known ?? training.first?.archive.units, grid: grid, logger)
    let shared = Set(training.flatMap(\.times)).intersection(validation.flatMap(\.times))
    if let first = shared.min() {
      logger.warning(
        "validation and training share states: its scores are no test",
        metadata: ["states": "\(shared.count)", "first": "\(first)"])
    }
    units = training.first?.archive.units ?? []
    var sums = NormalisationSums(channels: run.data.channels, grid: grid)
    var loaded: [(states: AlignedBuffer<Float>, times: [Instant])] = []
    for stretch in training {
      let states = try stretch.archive.load(stretch.times, threads: threads)
      if run.normalisation == .data { try sums.add(states, times: stretch.times.count, threads: threads) }
      loaded.append((AlignedBuffer(states), stretch.times))
    }
    if run.normalisation == .checkpoint, let base {
      normalisation = base.normalisation
    } else {
      normalisation = try sums.normalisation()
    }
    set = TrainingSet(
      takingOver: loaded, normalisation: normalisation, points: grid.pointCount,
      steps: run.optimisation.rolloutSteps)
    validationSet =
      validation.isEmpty
      ? nil
      : TrainingSet(
        takingOver: try validation.map {
          (AlignedBuffer(try $0.archive.load($0.times, threads: threads)), $0.times)
        },
        normalisation: normalisation, points: grid.pointCount, steps: 1)
    if let validationSet, validationSet.count == 0 {
      throw ApusError(
        .badData, "too few states to validate on", variable: "data.validation",
        found: "\(validation.map(\.times.count)) states", expected: "two or more that follow each other")
    }
    logger.info("\(set.count) samples to train on, \(validationSet?.count ?? 0) to validate on")

    features = InputFeatures(run.inputs)
    let configuration = SFNOConfiguration(
      run.network, grid: grid, inputs: run.data.channels.count + features.count,
      outputs: run.data.channels.count)
    if let base {
      try TrainingInputs.requireFit(base, run, configuration, features)
      network = base.network
    } else {
      network = try SFNO(configuration)
    }
    if run.adapter != nil, let base {
      statics = base.staticFields
    } else {
      statics =
        try run.inputs.staticFields.map {
          try StaticFields.read($0.file.path, variables: $0.variables, grid: grid)
        } ?? []
    }
  }

  /// - Parameter units: those of the channels; nil: the catalogue's, or those of the first entry's files.
  private static func stretches(
    _ periods: [DataPeriod], _ data: TrainingData, units: [String]?, grid: SphereGrid, _ logger: Logger
  ) throws -> [Stretch] {
    var units = units
    return try periods.map { period in
      let archive = try Archive(
        period.files.paths, channels: data.channels, units: units, grid: grid, degrees: data.degrees)
      units = archive.units
      let times = try archive.regularTimes(from: period.from, to: period.to, stepHours: data.stepHours)
      warnWhereDataEnd(period, times, stepHours: data.stepHours, logger)
      return Stretch(archive: archive, times: times)
    }
  }

  /// What was asked for and is not there may be a download that broke off.
  private static func warnWhereDataEnd(
    _ period: DataPeriod, _ times: [Instant], stepHours: Int, _ logger: Logger
  ) {
    guard let first = times.first, let last = times.last else { return }
    if let from = period.from, first >= from.adding(hours: stepHours) {
      logger.warning(
        "the data begin later than the run file asks",
        metadata: ["from": "\(from)", "first state": "\(first)"])
    }
    if let to = period.to, last.adding(hours: stepHours) <= to {
      logger.warning(
        "the data end earlier than the run file asks", metadata: ["to": "\(to)", "last state": "\(last)"])
    }
  }

  private static func requireFit(
    _ base: Checkpoint, _ run: TrainingRunFile, _ configuration: SFNOConfiguration, _ features: InputFeatures
  ) throws {
    let fits =
      base.network.configuration == configuration && base.channels == run.data.channels
      && base.features.features == features && base.stepHours == run.data.stepHours
      && base.degrees == run.data.degrees
    guard fits else {
      throw ApusError(
        .badData, "the initial checkpoint does not fit the run file", file: base.file,
        found:
          "channels \(base.channels.joined(separator: " ")), l < \(base.degrees), \(base.stepHours) h, \(base.features.features), \(base.network.configuration)",
        expected:
          "channels \(run.data.channels.joined(separator: " ")), l < \(run.data.degrees), \(run.data.stepHours) h, \(features), \(configuration)",
        advice: "Give data, network and inputs as the checkpoint has them: apus inspect \(base.file).")
    }
  }

  /// The weights that training starts from.
  private func startingWeights() -> AlignedBuffer<Float> {
    if let base { return base.parameters }
    let ratios = normalisation.channels.indices.map {
      normalisation.tendencyDeviation[$0] / normalisation.deviation[$0]
    }
    let size = (ratios.reduce(0) { $0 + $1 * $1 } / Double(ratios.count)).squareRoot()
    return network.layout.initialise(
      seed: run.seed, decoderScale: run.network.startAsPersistence ? size : nil)
  }

  /// Lengths in steps.
  var settings: TrainerSettings {
    TrainerSettings(
      run.seed, run.optimisation, run.output, samples: set.count, degrees: run.data.degrees)
  }

  /// A trainer at the start of the training.
  /// - Parameter validates: whether it measures validation data.
  func trainer(validates: Bool = true, threads: Int) throws -> Trainer {
    var loss = TendencyLoss(
      normalisation, grid: grid, isRelative: run.optimisation.loss == .hens,
      weights: run.optimisation.channelWeights)
    if run.optimisation.spectralWeight > 0 {
      loss.spectral = SpectralError(
        set, grid: grid, degrees: run.data.degrees, weight: run.optimisation.spectralWeight,
        channelWeights: loss.chosenWeights,
        form: run.optimisation.spectralLoss == .adjusted ? .adjusted : .squared)
    }
    var scores: ((AlignedBuffer<Float>) throws -> [ValidationScore])?
    if validates, let validationSet,
      let forecasts = try ForecastValidation(
        validationSet, normalisation: normalisation, grid: grid, stepHours: run.data.stepHours,
        channels: run.validation.channels, leadHours: run.validation.leadHours,
        starts: run.validation.starts, threads: threads)
    {
      scores = { weights in
        try forecasts.scores(checkpoint(weights, provenance: "{}"), threads: threads)
      }
    }
    let adapter = run.adapter.flatMap { settings in
      base.map {
        AdapterTraining(
          LowRankAdapter(network.layout, rank: settings.rank), base: $0.parameters, seed: run.seed)
      }
    }
    return try Trainer(
      network: network, parameters: startingWeights(),
      features: FeatureFields(features, grid: grid, staticFields: statics), loss: loss, set: set,
      validation: validates ? validationSet : nil, settings: settings, scores: scores, adapter: adapter,
      threads: threads)
  }

  /// A checkpoint of some weights.
  func checkpoint(_ weights: AlignedBuffer<Float>, provenance: String) throws -> Checkpoint {
    try Checkpoint(
      network: network, parameters: weights, channels: run.data.channels, units: units,
      normalisation: normalisation, features: features, staticFields: statics, degrees: run.data.degrees,
      stepHours: run.data.stepHours, provenance: provenance)
  }
}
