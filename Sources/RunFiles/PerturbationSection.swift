import Basics
import Fields

/// How members differ from the control (spec/hens.md 3).
public struct PerturbationSection: Sendable, Hashable, Encodable {
  /// Kinds of initial perturbation.
  public enum Method: String, Sendable, Hashable, Codable, CaseIterable {
    case bredVector = "bred_vector"
    case correlatedNoise = "correlated_noise"
    /// Control forecasts of earlier analyses.
    case lagged
    /// Unperturbed: one member a checkpoint.
    case none
  }

  /// When a bred vector is valid.
  public enum Timing: String, Sendable, Hashable, Codable, CaseIterable {
    /// Bred up to the initial time itself.
    case validTimeConsistent = "valid_time_consistent"
    /// As the HENS code does: valid one step after the initial time.
    case hensCode = "hens_code"
  }

  /// Which checkpoint carries the perturbed run of a breeding cycle.
  public enum PerturbedRun: String, Sendable, Hashable, Codable, CaseIterable {
    /// The member's own (HENS).
    case ownCheckpoint = "own_checkpoint"
    /// Another of the run's.
    case otherCheckpoint = "other_checkpoint"
  }

  /// What sizes bred vectors are brought to after every cycle.
  public enum Rescaling: String, Sendable, Hashable, Codable, CaseIterable {
    /// One size a hemisphere (HENS).
    case hemispheric
    /// One size a latitude.
    case zonal
  }

  /// Where the perturbations' size per channel comes from.
  public enum Amplitudes: Sendable, Hashable {
    /// 48-hour root-mean-square errors of the first checkpoint's control from these initial times.
    case computed(times: TimeSelection, leadHours: Int)
    /// A table that Apus wrote.
    case file(InputPath)
  }

  /// Which kind.
  public var method: Method
  /// Pairs of +/- members for each checkpoint and initial time.
  public var pairs: Int
  /// Breeding cycles.
  public var cycles: Int
  /// Channels that the breeding starts from; empty: z500 where the network has it, else all.
  public var seedChannels: [String]
  /// Perturbation size over the error's size.
  public var amplitudeFactor: Double
  /// Size of the error; nil where the method is `none` or `lagged`.
  public var amplitudes: Amplitudes?
  /// When a bred vector is valid.
  public var timing: Timing
  /// Correlation length of the noise [km].
  public var lengthScaleKilometres: Double
  /// Which checkpoint carries the perturbed run of a breeding cycle.
  public var perturbedRun: PerturbedRun
  /// What sizes bred vectors are brought to after every cycle.
  public var rescaling: Rescaling
  /// Hemispheres are rescaled apart poleward of this latitude [degrees].
  public var rescaleLatitude: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case method, pairs, cycles, amplitudes, timing, rescaling
    case seedChannels = "seed_channels"
    case amplitudeFactor = "amplitude_factor"
    case amplitudeTimes = "amplitude_times"
    case amplitudeLeadHours = "amplitude_lead_hours"
    case lengthScaleKilometres = "length_scale_km"
    case perturbedRun = "perturbed_run"
    case rescaleLatitude = "rescale_latitude"
  }

  init(_ section: Section<CodingKeys>) throws {
    guard let method = try section.optionalChoice(.method, Method.self) else {
      throw section.refuse(
        .method, "missing key in perturbation",
        expected: Method.allCases.map(\.rawValue).joined(separator: " or "))
    }
    self.method = method
    pairs = method == .none ? 0 : try section.integer(.pairs, in: 1...1_000_000)
    cycles = try section.integer(.cycles, in: 1...100, default: 3)
    seedChannels = try section.channels(.seedChannels) ?? []
    amplitudeFactor = try section.number(.amplitudeFactor, above: 0, default: 0.35)
    timing = try section.choice(.timing, default: Timing.validTimeConsistent)
    lengthScaleKilometres = try section.number(.lengthScaleKilometres, in: 1...20_000, default: 500)
    perturbedRun = try section.choice(.perturbedRun, default: PerturbedRun.ownCheckpoint)
    rescaling = try section.choice(.rescaling, default: Rescaling.hemispheric)
    rescaleLatitude = try section.number(.rescaleLatitude, in: 1...89, default: 20)
    amplitudes = nil
    if let text = try section.optionalString(.amplitudes) {
      if text == "computed" {
        guard let times = try TimeSelection(section, .amplitudeTimes) else {
          throw section.refuse(
            .amplitudeTimes, "missing key in perturbation",
            advice: "Name initial times outside the period that is scored, as for initial_times.")
        }
        let lead = try section.integer(.amplitudeLeadHours, in: 1...8760, default: 48)
        amplitudes = .computed(times: times, leadHours: lead)
      } else if let path = try section.optionalInput(.amplitudes) {
        amplitudes = .file(path)
      }
    } else if method != .none && method != .lagged {
      throw section.refuse(.amplitudes, "missing key in perturbation", expected: "computed, or a file")
    }
  }

  /// Writes the keys of the run file.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(method, forKey: .method)
    if method != .none { try box.encode(pairs, forKey: .pairs) }
    try box.encode(cycles, forKey: .cycles)
    try box.encode(seedChannels, forKey: .seedChannels)
    try box.encode(amplitudeFactor, forKey: .amplitudeFactor)
    switch amplitudes {
    case .computed(let times, let leadHours):
      try box.encode("computed", forKey: .amplitudes)
      try box.encode(times, forKey: .amplitudeTimes)
      try box.encode(leadHours, forKey: .amplitudeLeadHours)
    case .file(let path): try box.encode(path, forKey: .amplitudes)
    case nil: break
    }
    try box.encode(timing, forKey: .timing)
    try box.encode(lengthScaleKilometres, forKey: .lengthScaleKilometres)
    // Left out where they say nothing new: fingerprints of older runs stay what they are.
    if perturbedRun != .ownCheckpoint { try box.encode(perturbedRun, forKey: .perturbedRun) }
    if rescaling != .hemispheric { try box.encode(rescaling, forKey: .rescaling) }
    try box.encode(rescaleLatitude, forKey: .rescaleLatitude)
  }
}
