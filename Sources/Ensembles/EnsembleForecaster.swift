import Basics
import Fields
import Sphere
import Synchronization

/// Makes members: perturbs an analysis, carries it forward, keeps what is asked for.
///
/// A member is a pure function of this value, its identity and the initial time, whichever way it is
/// called: alone, in an ensemble, on any number of threads.
public struct EnsembleForecaster: Sendable {
  /// The checkpoints, in the order of the run file; all of one grid, channels and step.
  public let models: [any ForecastModel]
  /// Where initial states come from.
  public let analyses: any AnalysisSource
  /// How initial states are perturbed.
  public let settings: PerturbationSettings
  /// Size of perturbations of each of the models' channels.
  public let amplitudes: [Double]
  /// The run's seed.
  public let seed: UInt64
  /// Lead times kept [hours], from 0.
  public let leadHours: [Int]
  /// Channels kept.
  public let channels: [String]
  private let noise: SeedingNoise
  private let breeding: Breeding
  private let kept: [Int]

  /// Checks that everything fits together.
  /// - Parameters:
  ///   - amplitudes: one a channel of the models; empty for kind `none`.
  ///   - leadHours: the forecast's length [hours].
  ///   - outputEveryHours: output interval [hours]; by default every step.
  ///   - channels: channels kept, by default all of the model's.
  /// - Throws: `ApusError` where models differ in channels, grid or step, a channel is none of the
  ///   models', or a time is no multiple of the step.
  public init(
    models: [any ForecastModel], analyses: any AnalysisSource, settings: PerturbationSettings,
    amplitudes: [Double], seed: UInt64, leadHours: Int, outputEveryHours: Int? = nil,
    channels: [String]? = nil
  ) throws {
    guard let first = models.first else { throw ApusError(.badRunFile, "the run names no checkpoint") }
    for model in models.dropFirst() {
      guard model.channels == first.channels, model.grid == first.grid, model.stepHours == first.stepHours
      else {
        throw ApusError(
          .badData, "checkpoints of one ensemble differ", file: model.name,
          found: "\(model.channels.joined(separator: " ")) on \(model.grid), \(model.stepHours) h",
          expected: "\(first.channels.joined(separator: " ")) on \(first.grid), \(first.stepHours) h")
      }
    }
    let every = outputEveryHours ?? first.stepHours
    let intervals = [
      ("lead time", "lead_time_hours", leadHours), ("output interval", "output.every_hours", every),
    ]
    for (name, key, hours) in intervals {
      guard hours > 0, hours % first.stepHours == 0 else {
        throw ApusError(
          .badRunFile, "the \(name) is no multiple of the model's step", variable: key,
          found: "\(hours) h",
          expected: "a multiple of \(first.stepHours) h")
      }
    }
    let wanted = channels ?? first.channels
    for name in wanted + (settings.kind == .bredVectors ? settings.seedChannels : [])
    where !first.channels.contains(name) {
      throw ApusError(
        .badRunFile, "the model has no such channel", variable: name,
        expected: "one of " + first.channels.joined(separator: " "))
    }
    if settings.kind == .bredVectors, settings.perturbedRun == .otherCheckpoint, models.count < 2 {
      throw ApusError(
        .badRunFile, "there is no other checkpoint to breed with", variable: "perturbation.perturbed_run",
        found: "1 checkpoint", expected: "at least 2, or own_checkpoint")
    }
    if [.noise, .bredVectors].contains(settings.kind), amplitudes.count != first.channels.count {
      throw ApusError(
        .badData, "wrong number of perturbation amplitudes", found: "\(amplitudes.count)",
        expected: "\(first.channels.count)")
    }
    self.models = models
    self.analyses = analyses
    self.settings = settings
    self.amplitudes = amplitudes
    self.seed = seed
    self.leadHours = Array(stride(from: 0, through: leadHours, by: every))
    self.channels = wanted
    kept = wanted.compactMap { first.channels.firstIndex(of: $0) }
    noise = SeedingNoise(grid: first.grid, lengthScaleKilometres: settings.lengthScaleKilometres, seed: seed)
    breeding = Breeding(settings: settings, amplitudes: amplitudes, grid: first.grid)
  }

  /// The grid of all members.
  public var grid: SphereGrid { models[0].grid }
  /// Model steps of one member from its initial state.
  public var stepsPerMember: Int { (leadHours.last ?? 0) / models[0].stepHours }
  /// Model steps that one pair's perturbation takes, shared controls left out.
  public var stepsPerPerturbation: Int {
    settings.kind == .bredVectors ? settings.cycles * settings.stepsPerCycle : 0
  }
  /// Model steps before the initial time that carry an earlier analysis to it; 0 but for kind `lagged`.
  public func stepsBefore(_ member: MemberIdentity) -> Int {
    guard settings.kind == .lagged, let pair = member.perturbation else { return 0 }
    return 2 * pair + (member.sign > 0 ? 1 : 2)
  }
  /// Model steps that a run takes from nothing, in one process on one thread: members, what goes before them, and once
  /// more the control of every initial time, about which the sums are taken. On several threads the control run of a
  /// breeding cycle may be made by each that begins a checkpoint at the same moment.
  public func steps(of plan: WorkPlan) -> Int {
    let members = plan.members.reduce(0) { $0 + stepsPerMember + stepsBefore($1) }
    let vectors = Set(
      plan.members.compactMap { $0.perturbation == nil ? nil : [$0.checkpoint, $0.perturbation] })
    let bred = plan.initialTimes.count * vectors.count * stepsPerPerturbation
    return plan.initialTimes.count * (members + stepsPerMember) + bred + stepsOfControls(plan)
  }
  /// Model steps of the cycles' control runs, one for every checkpoint and analysis, whichever initial times share it.
  private func stepsOfControls(_ plan: WorkPlan) -> Int {
    guard settings.kind == .bredVectors else { return 0 }
    let runs = plan.initialTimes.reduce(into: Set<[Instant]>()) { runs, time in
      // With the clock of the initial time a run serves that one alone.
      let clock = settings.timing == .hensCode ? [time] : []
      for start in breeding.analysisTimes(before: time, stepHours: models[0].stepHours) {
        runs.insert([start] + clock)
      }
    }
    let checkpoints = Set(plan.members.filter { $0.perturbation != nil }.map(\.checkpoint))
    return runs.count * checkpoints.count * settings.stepsPerCycle
  }
  /// The analyses that members of an initial time need, earliest first.
  /// - Parameter pairs: of perturbations; kind `lagged` needs analyses for each.
  public func analysisTimes(for initialTime: Instant, pairs: Int) -> [Instant] {
    if settings.kind == .lagged {
      return (0...2 * pairs).reversed().map { initialTime.adding(hours: -$0 * models[0].stepHours) }
    }
    guard settings.kind == .bredVectors else { return [initialTime] }
    let cycles = breeding.analysisTimes(before: initialTime, stepHours: models[0].stepHours)
    return cycles.contains(initialTime) ? cycles : cycles + [initialTime]
  }

  /// How a pair's bred vector grew: see `Breeding.vector`.
  /// - Throws: as `perturbation`; `ApusError` of kind `badRunFile` where nothing is bred.
  public func growth(
    at time: Instant, checkpoint: Int, pair: Int, workspaces: Workspaces, controls: ControlCache,
    watch: (_ cycle: Int, _ before: [Float], _ after: [Float]) -> Void
  ) throws {
    guard settings.kind == .bredVectors else {
      throw ApusError(
        .badRunFile, "growth is measured of bred vectors", variable: "perturbation.method",
        found: settings.kind.rawValue, expected: "bred_vector")
    }
    _ = try bredVector(
      at: time, checkpoint: checkpoint, pair: pair, workspaces: workspaces, controls: controls, watch: watch)
  }

  /// Gives the calling thread's scratch memory for a checkpoint.
  public typealias Workspaces = (_ checkpoint: Int) -> any ForecastWorkspace

  /// The checkpoint that carries the perturbed run of a pair's breeding: with `other_checkpoint` the next ones in
  /// turn, pair by pair.
  private func perturbedCheckpoint(of checkpoint: Int, pair: Int) -> Int {
    guard settings.perturbedRun == .otherCheckpoint else { return checkpoint }
    return (checkpoint + 1 + pair % (models.count - 1)) % models.count
  }

  /// A pair's bred vector; its controls are shared with the other pairs of the checkpoint.
  private func bredVector(
    at time: Instant, checkpoint: Int, pair: Int, workspaces: Workspaces, controls: ControlCache,
    watch: (_ cycle: Int, _ before: [Float], _ after: [Float]) -> Void = { _, _, _ in }
  ) throws -> [Float] {
    let model = models[checkpoint]
    let workspace = workspaces(checkpoint)
    let partner = perturbedCheckpoint(of: checkpoint, pair: pair)
    let partnerWorkspace = partner == checkpoint ? workspace : workspaces(partner)
    let start = noise.sample(
      channels: model.channels, perturbed: settings.seedChannels, amplitudes: amplitudes, at: time,
      checkpoint: checkpoint, pair: pair)
    return try breeding.vector(
      from: start, at: time, analyses: analyses, model: model, watch: watch,
      perturbed: { try models[partner].step($0, workspace: partnerWorkspace) }
    ) { analysisTime, state in
      try controls.end(of: state, analysisTime: analysisTime, checkpoint: checkpoint) {
        var end = state
        for _ in 0..<settings.stepsPerCycle { end = try model.step(end, workspace: workspace) }
        return end
      }
    }
  }

  /// The perturbation dx of a pair, [channel][latitude][longitude], physical units; zeros for kind `none`.
  /// - Throws: what the analyses and the model throw.
  public func perturbation(
    at time: Instant, checkpoint: Int, pair: Int, workspaces: Workspaces,
    controls: ControlCache = ControlCache()
  ) throws -> [Float] {
    let model = models[checkpoint]
    switch settings.kind {
    case .lagged: return []
    case .none:
      return [Float](repeating: 0, count: model.channels.count * grid.pointCount)
    case .noise:
      return noise.sample(
        channels: model.channels, perturbed: model.channels, amplitudes: amplitudes, at: time,
        checkpoint: checkpoint, pair: pair)
    case .bredVectors:
      return try bredVector(
        at: time, checkpoint: checkpoint, pair: pair, workspaces: workspaces, controls: controls)
    }
  }

  /// The state a member starts from: the analysis, plus or minus its perturbation, moisture clipped; of kind
  /// `lagged` the forecast of an earlier analysis.
  public func initialState(
    of member: MemberIdentity, at time: Instant, perturbation: [Float], workspace: any ForecastWorkspace
  ) throws -> State {
    if settings.kind == .lagged, member.perturbation != nil {
      let model = models[member.checkpoint]
      let steps = stepsBefore(member)
      var state = try analyses.state(at: time.adding(hours: -steps * model.stepHours))
      try model.requireFitting(state)
      for _ in 0..<steps { state = try model.step(state, workspace: workspace) }
      return state
    }
    var state = try analyses.state(at: time)
    try models[member.checkpoint].requireFitting(state)
    guard member.sign != 0 else { return state }
    let sign = Float(member.sign)
    for i in state.values.indices { state.values[i] += sign * perturbation[i] }
    Moisture.clip(&state)
    return state
  }

  /// The forecast of a member from its initial state.
  /// - Parameter watch: called after every step with the lead time [hours] and the state.
  /// - Throws: `ApusError` of kind `internalFault` naming member and lead time where a state is not finite.
  public func trajectory(
    of member: MemberIdentity, from initial: State, workspace: any ForecastWorkspace,
    watch: (_ leadHours: Int, State) throws -> Void = { _, _ in }
  ) throws -> Trajectory {
    let model = models[member.checkpoint]
    let points = grid.pointCount
    var values: [Float] = []
    values.reserveCapacity(leadHours.count * kept.count * points)
    var state = initial
    var hours = 0
    for wanted in leadHours {
      while hours < wanted {
        state = try model.step(state, workspace: workspace)
        hours += model.stepHours
        try NonFinite.check(state, member: member.number, initialTime: initial.time, leadHours: hours)
        try watch(hours, state)
      }
      for channel in kept { values += state.values[channel * points..<(channel + 1) * points] }
    }
    return Trajectory(
      initialTime: initial.time, channels: channels, grid: grid, leadHours: leadHours, values: values)
  }

  /// One member alone: its perturbation and its forecast.
  public func member(_ member: MemberIdentity, at time: Instant) throws -> Trajectory {
    let workspace = models[member.checkpoint].makeWorkspace()
    let perturbation =
      try member.perturbation.map {
        try self.perturbation(at: time, checkpoint: member.checkpoint, pair: $0) {
          $0 == member.checkpoint ? workspace : models[$0].makeWorkspace()
        }
      } ?? []
    let start = try initialState(
      of: member, at: time, perturbation: perturbation, workspace: workspace)
    return try trajectory(of: member, from: start, workspace: workspace)
  }
}

/// Unperturbed runs of breeding cycles: all pairs of a checkpoint and initial time share them.
public final class ControlCache: Sendable {
  private struct Key: Hashable {
    let checkpoint: Int
    let analysisTime: Instant
    // The hens_code timing runs an analysis with the clock of its initial time.
    let clock: Instant
  }
  private let kept = Mutex<(ends: [Key: State], order: [Key])>(([:], []))
  private let limit: Int

  /// A cache of at most `limit` states.
  public init(limit: Int = 64) { self.limit = limit }

  func end(of start: State, analysisTime: Instant, checkpoint: Int, _ run: () throws -> State) throws -> State
  {
    let key = Key(checkpoint: checkpoint, analysisTime: analysisTime, clock: start.time)
    if let end = kept.withLock({ $0.ends[key] }) { return end }
    let end = try run()
    kept.withLock { cache in
      guard cache.ends.updateValue(end, forKey: key) == nil else { return }
      cache.order.append(key)
      if cache.order.count > limit { cache.ends[cache.order.removeFirst()] = nil }
    }
    return end
  }
}
