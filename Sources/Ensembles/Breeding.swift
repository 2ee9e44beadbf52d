import Basics
import Fields
import Sphere

/// Breeds one vector: noise grown by the model's own dynamics, a few cycles long.
///
/// One cycle: step the analysis and the analysis plus dx, take the difference, rescale it to the
/// amplitudes by hemisphere or latitude (Toth and Kalnay 1993, 1997; spec/hens.md 3.1).
public struct Breeding: Sendable {
  /// The settings followed.
  public let settings: PerturbationSettings
  /// Wanted size of each channel, physical units.
  public let amplitudes: [Double]
  private let rescale: @Sendable (_ difference: inout [Float]) -> Void

  /// Plans breeding on `grid` towards `amplitudes` (one a channel).
  public init(settings: PerturbationSettings, amplitudes: [Double], grid: SphereGrid) {
    self.settings = settings
    self.amplitudes = amplitudes
    switch settings.rescaling {
    case .hemispheric:
      let rescaling = HemisphericRescaling(grid: grid, tropics: settings.tropics, norm: settings.capNorm)
      rescale = { rescaling.apply(to: &$0, amplitudes: amplitudes) }
    case .zonal:
      let rescaling = ZonalRescaling(grid: grid)
      rescale = { rescaling.apply(to: &$0, amplitudes: amplitudes) }
    }
  }

  /// The analyses that cycles start from, earliest first.
  public func analysisTimes(before initialTime: Instant, stepHours: Int) -> [Instant] {
    let cycleHours = settings.stepsPerCycle * stepHours
    let last = settings.timing == .hensCode ? 0 : 1
    return (0..<settings.cycles).map {
      initialTime.adding(hours: -cycleHours * (settings.cycles - 1 - $0 + last))
    }
  }

  /// The bred vector for `initialTime`.
  /// - Parameters:
  ///   - seed: the noise to start from, [channel][latitude][longitude].
  ///   - watch: called after every cycle with the difference it began with and the one it ended with, before that is
  ///     rescaled.
  ///   - perturbed: one step of the perturbed run, by the model itself or another.
  ///   - control: the unperturbed run of a cycle, from its initial state to its end; callers may keep
  ///     it, since all vectors of a checkpoint share it.
  /// - Returns: dx [channel][latitude][longitude], physical units.
  /// - Throws: what the source and the model throw; `ApusError` where the difference is not finite.
  public func vector(
    from seed: [Float], at initialTime: Instant, analyses: any AnalysisSource, model: any ForecastModel,
    watch: (_ cycle: Int, _ before: [Float], _ after: [Float]) -> Void = { _, _, _ in },
    perturbed step: (State) throws -> State, control: (_ analysisTime: Instant, State) throws -> State
  ) throws -> [Float] {
    var difference = seed
    for (cycle, time) in analysisTimes(before: initialTime, stepHours: model.stepHours).enumerated() {
      let before = difference
      var start = try analyses.state(at: time)
      try model.requireFitting(start)
      if settings.timing == .hensCode { start.time = initialTime }
      let unperturbed = try control(time, start)
      var perturbed = start
      for i in difference.indices { perturbed.values[i] += difference[i] }
      for _ in 0..<settings.stepsPerCycle { perturbed = try step(perturbed) }
      for i in difference.indices { difference[i] = perturbed.values[i] - unperturbed.values[i] }
      watch(cycle, before, difference)
      rescale(&difference)
      let state = State(channels: model.channels, grid: model.grid, time: time, values: difference)
      if let channel = NonFinite.channel(of: state) {
        throw ApusError(
          .internalFault, "breeding gave values that are not finite", file: model.identifier,
          variable: channel,
          found: "cycle starting \(time) for the initial time \(initialTime)")
      }
    }
    return difference
  }
}
