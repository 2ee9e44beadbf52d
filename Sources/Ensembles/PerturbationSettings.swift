/// How initial states are perturbed: part of a run file, written to the manifest as it is.
public struct PerturbationSettings: Sendable, Codable, Hashable {
  /// What a perturbation is made of.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Nothing: the ensemble is one member a checkpoint.
    case none
    /// Spherical noise with a Gaussian correlation, independent between channels.
    case noise = "correlated_noise"
    /// Bred vectors (spec/hens.md 3).
    case bredVectors = "bred_vector"
    /// The control forecasts of earlier analyses, carried to the initial time: pair p starts 2 p + 1 and 2 p + 2
    /// steps earlier.
    case lagged
  }

  /// Which checkpoint carries the perturbed run of a breeding cycle.
  public enum PerturbedRun: String, Sendable, Codable, CaseIterable {
    /// The member's own (HENS): differences are of initial states alone.
    case ownCheckpoint = "own_checkpoint"
    /// Another of the run's: every cycle adds what the two checkpoints do not agree on, a sample of the models' own
    /// errors of the day, and grows it.
    case otherCheckpoint = "other_checkpoint"
  }

  /// What sizes bred vectors are brought to after every cycle.
  public enum Rescaling: String, Sendable, Codable, CaseIterable {
    /// One size a hemisphere (`HemisphericRescaling`; HENS).
    case hemispheric
    /// One size a latitude (`ZonalRescaling`).
    case zonal
  }

  /// Which analyses breeding starts from.
  public enum Timing: String, Sendable, Codable, CaseIterable {
    /// Cycles start at t0 - 18, - 12, - 6 h (3 cycles of 6 h): the vector is valid at t0, and clocks and
    /// sun are those of each analysis.
    case validTimeConsistent = "valid_time_consistent"
    /// As the HENS code does: cycles start at t0 - 12, - 6, - 0 h, all with the clock at t0; the vector
    /// is valid at t0 + 6 h and used at t0.
    case hensCode = "hens_code"
  }

  /// What a perturbation is made of.
  public var kind: Kind
  /// Breeding cycles.
  public var cycles: Int
  /// Model steps a cycle.
  public var stepsPerCycle: Int
  /// Channels that the seeding noise is put on; the model spreads it to the others.
  public var seedChannels: [String]
  /// Correlation length of the noise [km].
  public var lengthScaleKilometres: Double
  /// Amplitude of channel c: this factor times RMSE_c at `targetHours`.
  public var factor: Double
  /// Lead time of the amplitude table that sets the size [hours].
  public var targetHours: Int
  /// Which analyses breeding starts from.
  public var timing: Timing
  /// Which checkpoint carries the perturbed run of a breeding cycle.
  public var perturbedRun: PerturbedRun
  /// What sizes bred vectors are brought to after every cycle.
  public var rescaling: Rescaling
  /// Bound of the tropics in the hemispheric rescaling [degrees].
  public var tropics: Double
  /// How the root mean square of a hemisphere is taken in the rescaling.
  public var capNorm: HemisphericRescaling.CapNorm

  private enum CodingKeys: String, CodingKey {
    case kind, cycles, factor, timing, rescaling, tropics
    case stepsPerCycle = "steps_per_cycle"
    case seedChannels = "seed_channels"
    case lengthScaleKilometres = "length_scale_km"
    case targetHours = "target_hours"
    case capNorm = "cap_norm"
    case perturbedRun = "perturbed_run"
  }

  /// The settings of HENS, with the analyses' times put right.
  public init(
    kind: Kind = .bredVectors, cycles: Int = 3, stepsPerCycle: Int = 1, seedChannels: [String] = ["z500"],
    lengthScaleKilometres: Double = 500, factor: Double = 0.35, targetHours: Int = 48,
    timing: Timing = .validTimeConsistent, perturbedRun: PerturbedRun = .ownCheckpoint,
    rescaling: Rescaling = .hemispheric, tropics: Double = 20, capNorm: HemisphericRescaling.CapNorm = .hens
  ) {
    self.kind = kind
    self.cycles = cycles
    self.stepsPerCycle = stepsPerCycle
    self.seedChannels = seedChannels
    self.lengthScaleKilometres = lengthScaleKilometres
    self.factor = factor
    self.targetHours = targetHours
    self.timing = timing
    self.perturbedRun = perturbedRun
    self.rescaling = rescaling
    self.tropics = tropics
    self.capNorm = capNorm
  }

  /// Reads the settings of a manifest; older ones know neither other checkpoints nor another rescaling.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: CodingKeys.self)
    kind = try box.decode(Kind.self, forKey: .kind)
    cycles = try box.decode(Int.self, forKey: .cycles)
    stepsPerCycle = try box.decode(Int.self, forKey: .stepsPerCycle)
    seedChannels = try box.decode([String].self, forKey: .seedChannels)
    lengthScaleKilometres = try box.decode(Double.self, forKey: .lengthScaleKilometres)
    factor = try box.decode(Double.self, forKey: .factor)
    targetHours = try box.decode(Int.self, forKey: .targetHours)
    timing = try box.decode(Timing.self, forKey: .timing)
    perturbedRun = try box.decodeIfPresent(PerturbedRun.self, forKey: .perturbedRun) ?? .ownCheckpoint
    rescaling = try box.decodeIfPresent(Rescaling.self, forKey: .rescaling) ?? .hemispheric
    tropics = try box.decode(Double.self, forKey: .tropics)
    capNorm = try box.decode(HemisphericRescaling.CapNorm.self, forKey: .capNorm)
  }
}
