import Basics
import Fields
import Foundation
import Kernels
import Models
import Operators
import Sphere
import Training

/// What a `VariationalForecaster` is trained to minimise:
///
///     L = mean over steps of C(members of P) + gamma C(members of Q) + beta KL(Q || P),
///
/// C half the almost fair CRPS of the fields in units of the 6 h change, half that of the fields whitened by the
/// forecaster's error spectrum: every scale counts. Later steps start from what the members have become, and gradients
/// go back through all of them.
public final class VariationalObjective: TrainingObjective, @unchecked Sendable {
  /// The last validation's health.
  public private(set) var health: VariationalHealth?

  private let networks: VariationalForecaster.Networks
  private let base: Checkpoint
  private let coarseFeatures: FeatureFields
  private let set: TrainingSet
  private let validation: TrainingSet?
  private let settings: VariationalSettings
  private let seed: UInt64
  private let lanes: LaneGradients
  private let precision: ProductPrecision
  private let fieldLoss, whiteLoss: AlmostFairCRPS
  private let fieldScale: Double
  private let whitening: SpectralWhitening
  private let truncation: SphericalTransform<Float>
  private var desks: [Desk] = []

  private struct Weights {
    let forecaster, prior, posterior: SFNOWeights

    init(
      _ networks: VariationalForecaster.Networks, _ flat: AlignedBuffer<Float>, adjoint: Bool,
      precision: ProductPrecision = .highest, _ threads: Int
    ) {
      func make(_ network: SFNO, _ offset: Int) -> SFNOWeights {
        SFNOWeights(
          network, UnsafePointer(flat.pointer + offset), owner: flat, adjoint: adjoint, precision: precision,
          threads: threads)
      }
      forecaster = make(networks.forecaster, 0)
      prior = make(networks.prior, networks.priorOffset)
      posterior = make(networks.posterior, networks.posteriorOffset)
    }
  }

  /// One step of one member, kept for the adjoint.
  private final class Step {
    let forecaster, prior: SFNOWorkspace
    let input, output, outputGradient, inputGradient, whitened, whitenedGradient: AlignedBuffer<Float>
    let coarseInput, coarseGradient, head, headGradient, noise, cells: AlignedBuffer<Float>

    init(_ networks: VariationalForecaster.Networks, channels: Int) {
      forecaster = networks.forecaster.makeWorkspace(recording: networks.forecaster.makeRecord())
      prior = networks.prior.makeWorkspace(recording: networks.prior.makeRecord())
      let points = networks.forecaster.grid.pointCount
      let latent = networks.latent
      input = AlignedBuffer(networks.forecaster.configuration.inp_chans * points)
      inputGradient = AlignedBuffer(input.count)
      output = AlignedBuffer(channels * points)
      outputGradient = AlignedBuffer(output.count)
      whitened = AlignedBuffer(output.count)
      whitenedGradient = AlignedBuffer(output.count)
      coarseInput = AlignedBuffer(networks.prior.configuration.inp_chans * latent.cells)
      coarseGradient = AlignedBuffer(coarseInput.count)
      head = AlignedBuffer(2 * latent.channels * latent.cells)
      headGradient = AlignedBuffer(head.count)
      noise = AlignedBuffer(latent.channels * latent.cells)
      cells = AlignedBuffer(noise.count)
    }
  }

  /// What one thread works with.
  private final class Desk {
    /// [member][step].
    let steps: [[Step]]
    let posterior: SFNOWorkspace
    let posteriorInput, posteriorHead, posteriorGradient, truth, scratch: AlignedBuffer<Float>
    let latent: LatentSphere.Workspace
    let spectral: SpectralWhitening.Workspace
    let transform: TransformWorkspace<Float>
    let spectrum: AlignedBuffer<Float>

    init(_ objective: VariationalObjective) {
      let networks = objective.networks
      let channels = objective.base.channels.count
      steps = (0..<objective.settings.members).map { _ in
        (0..<objective.settings.rolloutSteps).map { _ in Step(networks, channels: channels) }
      }
      posterior = networks.posterior.makeWorkspace(recording: networks.posterior.makeRecord())
      let latent = networks.latent
      posteriorInput = AlignedBuffer(networks.posterior.configuration.inp_chans * latent.cells)
      posteriorHead = AlignedBuffer(2 * latent.channels * latent.cells)
      posteriorGradient = AlignedBuffer(posteriorHead.count)
      truth = AlignedBuffer(channels * networks.forecaster.grid.pointCount)
      scratch = AlignedBuffer(max(truth.count, posteriorInput.count))
      self.latent = latent.makeWorkspace(fields: max(channels, latent.channels))
      spectral = objective.whitening.makeWorkspace()
      transform = objective.truncation.makeWorkspace(channels)
      spectrum = AlignedBuffer(objective.truncation.coefficientCount(channels))
    }
  }

  /// An objective; measures the error spectrum of `base` on up to 64 samples.
  /// - Parameter precision: of the 1x1 convolutions' products in training.
  public init(
    networks: VariationalForecaster.Networks, base: Checkpoint, set: TrainingSet, validation: TrainingSet?,
    settings: VariationalSettings, precision: ProductPrecision = .highest, seed: UInt64
  ) {
    self.precision = precision
    (self.networks, self.base, self.set, self.validation) = (networks, base, set, validation)
    (self.settings, self.seed) = (settings, seed)
    coarseFeatures = VariationalForecaster.coarseFeatures(base, networks.latent)
    lanes = LaneGradients(count: networks.count)
    let scales = zip(base.normalisation.deviation, base.normalisation.tendencyDeviation).map { $0 / $1 }
    fieldLoss = AlmostFairCRPS(grid: base.grid, channelWeights: scales)
    fieldScale = scales.reduce(0, +) / Double(scales.count)
    whiteLoss = AlmostFairCRPS(grid: base.grid, channelWeights: scales.map { _ in 1 })
    truncation = SphericalTransform(grid: base.grid, degrees: base.degrees)
    whitening = VariationalObjective.errorWhitening(base, set)
  }

  private static func errorWhitening(_ base: Checkpoint, _ set: TrainingSet) -> SpectralWhitening {
    let transform = SphericalTransform<Float>(grid: base.grid, degrees: base.degrees)
    var fit = WhiteningFit(transform: transform, channels: base.channels.count, sets: 1)
    let space = fit.makeWorkspace()
    let (points, c) = (base.grid.pointCount, base.channels.count)
    let input = AlignedBuffer<Float>(base.network.configuration.inp_chans * points)
    let output = AlignedBuffer<Float>(c * points)
    let work = base.network.makeWorkspace()
    let weights = SFNOWeights(base.network, base.parameters)
    let count = min(64, set.count)
    for number in 0..<count {
      let sample = number * set.count / count
      input.pointer.update(from: set.state(sample, step: 0), count: c * points)
      base.features.fill(input.pointer + c * points, at: set.time(sample, step: 0))
      base.network.forward(weights, input: input.pointer, output: output.pointer, work)
      let truth = set.state(sample, step: 1)
      for i in 0..<c * points { output.pointer[i] -= truth[i] }
      fit.add(output.pointer, set: 0, space)
    }
    return fit.whitening()
  }

  /// See `TrainingObjective`.
  public var sampleCount: Int { self.set.count }
  /// See `TrainingObjective`.
  public var tensors: [TensorPlace] {
    networks.parts.flatMap { part in
      part.network.layout.segments.map {
        TensorPlace(offset: part.offset + $0.offset, count: $0.count, isMatrix: $0.shape.count > 1)
      }
    }
  }
  /// See `TrainingObjective`.
  public var gradient: AlignedBuffer<Float> { lanes.gradient }
  /// Floating-point operations of a sample, by the products alone.
  public var operationsPerSample: Double {
    func both(_ network: SFNO) -> Double { network.operationsPerStep + network.operationsPerAdjoint }
    let passes = Double(settings.members * (settings.rolloutSteps + (settings.posteriorWeight > 0 ? 1 : 0)))
    return passes * both(networks.forecaster)
      + Double(settings.members * settings.rolloutSteps) * both(networks.prior) + both(networks.posterior)
  }

  /// See `TrainingObjective`.
  public func compute(
    _ parameters: AlignedBuffer<Float>, samples: [Int], firstDraw: Int, threads: Int
  ) throws -> Double {
    prepare(threads)
    let weights = Weights(networks, parameters, adjoint: true, precision: precision, threads)
    let step = firstDraw / max(settings.batchSize, 1)
    let beta =
      settings.divergenceWeight * min(1, Double(step + 1) / Double(max(settings.warmupSteps, 1)))
    let gamma = settings.posteriorWeight * max(0, 1 - Double(step) / Double(max(settings.steps, 1)))
    let share = 1 / Double(samples.count)
    return try lanes.compute(samples: samples.count, threads: threads) { sample, thread, gradient in
      self.sample(
        samples[sample], draw: UInt64(firstDraw + sample), factor: share, beta: beta, gamma: gamma, weights,
        gradient.pointer, self.desks[thread])
    }
  }

  private func prepare(_ threads: Int) {
    while desks.count < max(1, threads) { desks.append(Desk(self)) }
  }

  // MARK: - A sample

  private func sample(
    _ sample: Int, draw: UInt64, factor: Double, beta: Double, gamma: Double, _ weights: Weights,
    _ gradient: UnsafeMutablePointer<Float>, _ desk: Desk
  ) -> Double {
    let count = settings.rolloutSteps
    let state = base.channels.count * base.grid.pointCount
    var loss = 0.0
    for step in 0..<count {
      for (member, steps) in desk.steps.enumerated() {
        let before = step == 0 ? set.state(sample, step: 0) : UnsafePointer(steps[step - 1].output.pointer)
        let stream = Philox(
          seed: seed, purpose: .emulation, draw, UInt64(1 + member), UInt64(1000 + step))
        forward(
          steps[step], before, set.time(sample, step: step), noise: stream, weights, nil,
          truncates: count > 1,
          desk)
      }
      loss += score(
        desk.steps.map { $0[step] }, set.state(sample, step: step + 1), factor / Double(count), desk)
    }
    // The divergence of the first step; its gradient waits in the first member's head and the posterior's.
    let first = desk.steps.map { $0[0] }
    for step in desk.steps.joined() {
      step.headGradient.pointer.update(repeating: 0, count: step.headGradient.count)
    }
    observe(first[0], set.state(sample, step: 1), weights, desk)
    desk.posteriorGradient.pointer.update(repeating: 0, count: desk.posteriorGradient.count)
    loss +=
      factor * beta
      * networks.latent.divergence(
        desk.posteriorHead.pointer, first[0].head.pointer, factor: factor * beta,
        addingTo: desk.posteriorGradient.pointer, first[0].headGradient.pointer)
    for steps in desk.steps {
      for step in (0..<count).reversed() {
        if step + 1 < count {
          ChannelPasses.add(
            steps[step + 1].inputGradient.pointer, state, to: steps[step].outputGradient.pointer)
        }
        adjoint(
          steps[step], steps[step].head, steps[step].headGradient, weights, gradient, truncates: count > 1,
          priorRuns: true, desk)
      }
    }
    if gamma > 0 {
      // The same first step with latent fields of the posterior.
      for (member, step) in first.enumerated() {
        let stream = Philox(
          seed: seed, purpose: .emulation, draw, UInt64(1 + member), 2000)
        forward(
          step, set.state(sample, step: 0), set.time(sample, step: 0), noise: stream, weights,
          desk.posteriorHead, truncates: count > 1, desk)
      }
      loss += score(first, set.state(sample, step: 1), factor * gamma, desk)
      for step in first {
        adjoint(
          step, desk.posteriorHead, desk.posteriorGradient, weights, gradient, truncates: count > 1,
          priorRuns: false, desk)
      }
    }
    networks.posterior.adjoint(
      weights.posterior, input: desk.posteriorInput.pointer, outputGradient: desk.posteriorGradient.pointer,
      gradient: gradient + networks.posteriorOffset, inputGradient: nil, desk.posterior)
    return loss
  }

  /// One step of one member; the prior runs unless latent fields come from another head.
  private func forward(
    _ step: Step, _ before: UnsafePointer<Float>, _ time: Instant, noise stream: Philox?, _ weights: Weights,
    _ head: AlignedBuffer<Float>?, truncates: Bool, _ desk: Desk
  ) {
    let (c, points, latent) = (base.channels.count, base.grid.pointCount, networks.latent)
    let features = base.features.features.count
    let input = step.input.pointer
    if input != UnsafeMutablePointer(mutating: before) { input.update(from: before, count: c * points) }
    base.features.fill(input + c * points, at: time)
    if head == nil {
      latent.coarsen(input, count: c, into: step.coarseInput.pointer, desk.latent)
      coarseFeatures.fill(step.coarseInput.pointer + c * latent.cells, at: time)
      networks.prior.forward(
        weights.prior, input: step.coarseInput.pointer, output: step.head.pointer, step.prior)
    }
    VariationalForecaster.fillNoise(stream, step.noise)
    latent.draw((head ?? step.head).pointer, noise: step.noise.pointer, into: step.cells.pointer)
    latent.synthesise(
      step.cells.pointer, count: latent.channels, into: input + (c + features) * points, desk.latent)
    networks.forecaster.forward(
      weights.forecaster, input: input, output: step.output.pointer, step.forecaster)
    guard truncates else { return }
    truncation.forward(step.output.pointer, count: c, into: desk.spectrum.pointer, desk.transform)
    truncation.inverse(desk.spectrum.pointer, count: c, into: step.output.pointer, desk.transform)
  }

  /// C of members, whose output gradients are written.
  private func score(_ steps: [Step], _ truth: UnsafePointer<Float>, _ factor: Double, _ desk: Desk) -> Double
  {
    for step in steps {
      step.outputGradient.pointer.update(repeating: 0, count: step.outputGradient.count)
      step.whitenedGradient.pointer.update(repeating: 0, count: step.whitenedGradient.count)
      whitening.whiten(step.output.pointer, set: 0, into: step.whitened.pointer, desk.spectral)
    }
    whitening.whiten(truth, set: 0, into: desk.truth.pointer, desk.spectral)
    var loss = fieldLoss.evaluate(
      steps.map { UnsafePointer($0.output.pointer) }, truth, factor: 0.5 * factor * fieldScale,
      addingTo: steps.map(\.outputGradient.pointer))
    loss += whiteLoss.evaluate(
      steps.map { UnsafePointer($0.whitened.pointer) }, desk.truth.pointer, factor: 0.5 * factor,
      addingTo: steps.map(\.whitenedGradient.pointer))
    for step in steps {
      whitening.whitenAdjoint(
        step.whitenedGradient.pointer, set: 0, into: desk.scratch.pointer, desk.spectral)
      ChannelPasses.add(desk.scratch.pointer, step.outputGradient.count, to: step.outputGradient.pointer)
    }
    return loss
  }

  /// What the posterior says, from the state that `step` started from and the one that followed.
  private func observe(_ step: Step, _ after: UnsafePointer<Float>, _ weights: Weights, _ desk: Desk) {
    let (c, latent) = (base.channels.count, networks.latent)
    let seen = step.coarseInput.count
    desk.posteriorInput.pointer.update(from: step.coarseInput.pointer, count: seen)
    // The change, in units of its own deviation: states hardly differ from one step to the next.
    let points = base.grid.pointCount
    for channel in 0..<c {
      let scale = Float(base.normalisation.deviation[channel] / base.normalisation.tendencyDeviation[channel])
      for i in channel * points..<(channel + 1) * points {
        desk.scratch.pointer[i] = scale * (after[i] - step.input.pointer[i])
      }
    }
    latent.coarsen(desk.scratch.pointer, count: c, into: desk.posteriorInput.pointer + seen, desk.latent)
    networks.posterior.forward(
      weights.posterior, input: desk.posteriorInput.pointer, output: desk.posteriorHead.pointer,
      desk.posterior)
  }

  /// The adjoint of `forward` from a step's output gradient; leaves the gradient by the state in `inputGradient`.
  private func adjoint(
    _ step: Step, _ head: AlignedBuffer<Float>, _ headGradient: AlignedBuffer<Float>, _ weights: Weights,
    _ gradient: UnsafeMutablePointer<Float>, truncates: Bool, priorRuns: Bool, _ desk: Desk
  ) {
    let (c, points, latent) = (base.channels.count, base.grid.pointCount, networks.latent)
    let features = base.features.features.count
    let dy = step.outputGradient.pointer
    if truncates {
      truncation.inverseAdjoint(dy, count: c, into: desk.spectrum.pointer, desk.transform)
      truncation.forwardAdjoint(desk.spectrum.pointer, count: c, into: dy, desk.transform)
    }
    networks.forecaster.adjoint(
      weights.forecaster, input: step.input.pointer, outputGradient: dy, gradient: gradient,
      inputGradient: step.inputGradient.pointer, step.forecaster)
    latent.synthesiseAdjoint(
      step.inputGradient.pointer + (c + features) * points, count: latent.channels, into: step.cells.pointer,
      desk.latent)
    latent.drawAdjoint(
      step.cells.pointer, head.pointer, noise: step.noise.pointer, addingTo: headGradient.pointer)
    guard priorRuns else { return }
    networks.prior.adjoint(
      weights.prior, input: step.coarseInput.pointer, outputGradient: headGradient.pointer,
      gradient: gradient + networks.priorOffset, inputGradient: step.coarseGradient.pointer, step.prior)
    latent.coarsenAdjoint(step.coarseGradient.pointer, count: c, into: desk.scratch.pointer, desk.latent)
    ChannelPasses.add(desk.scratch.pointer, c * points, to: step.inputGradient.pointer)
  }

  // MARK: - Validation

  /// The CRPS of one step of the prior's members on up to 48 samples; also measures `health`.
  public func validate(_ parameters: AlignedBuffer<Float>, threads: Int) throws -> Double? {
    guard let validation else { return nil }
    prepare(threads)
    let count = min(48, validation.count)
    let weights = Weights(networks, parameters, adjoint: false, threads)
    let latent = networks.latent
    let size = latent.channels * latent.cells
    let heads = (0..<count).map { _ in AlignedBuffer<Float>(2 * size) }
    let lines = AlignedBuffer<Double>(count * (6 + latent.channels))
    /// Runs the members of one sample with a head of their own or another, and returns their C.
    @Sendable func crps(
      _ sample: Int, _ number: Int, _ head: AlignedBuffer<Float>?, hasNoise: Bool, _ desk: Desk
    ) -> Double {
      for (member, steps) in desk.steps.enumerated() {
        let stream = Philox(seed: seed, purpose: .emulation, UInt64.max - UInt64(number), UInt64(member))
        forward(
          steps[0], validation.state(sample, step: 0), validation.time(sample, step: 0),
          noise: hasNoise ? stream : nil, weights, head, truncates: true, desk)
      }
      return score(desk.steps.map { $0[0] }, validation.state(sample, step: 1), 1, desk)
    }
    try Parallel.forEach(count, threads: threads) { number, thread in
      let (sample, desk) = (number * validation.count / count, self.desks[thread])
      let line = lines.pointer + number * (6 + latent.channels)
      line[0] = crps(sample, number, nil, hasNoise: true, desk)
      let first = desk.steps[0][0]
      (line[4], line[5]) = self.spreadAndError(
        desk.steps.map { $0[0].output }, validation.state(sample, step: 1))
      heads[number].pointer.update(from: first.head.pointer, count: 2 * size)
      self.observe(first, validation.state(sample, step: 1), weights, desk)
      for channel in 0..<latent.channels {
        line[6 + channel] = self.divergence(desk.posteriorHead, first.head, channel)
      }
      line[1] = crps(sample, number, desk.posteriorHead, hasNoise: true, desk)
      line[2] = crps(sample, number, heads[number], hasNoise: false, desk)
    }
    // The mean distribution of the prior over samples, channel by channel and cell by cell.
    let mean = AlignedBuffer<Float>(2 * size)
    for head in heads { for i in 0..<2 * size { mean.pointer[i] += head.pointer[i] / Float(count) } }
    try Parallel.forEach(count, threads: threads) { number, thread in
      lines.pointer[number * (6 + latent.channels) + 3] = crps(
        number * validation.count / count, number, mean, hasNoise: true, self.desks[thread])
    }
    func average(_ column: Int) -> Double {
      (0..<count).reduce(0) { $0 + lines.pointer[$1 * (6 + latent.channels) + column] } / Double(count)
    }
    var (sum, sumOfLogs, squares) = (0.0, 0.0, 0.0)
    for head in heads {
      for i in 0..<size {
        sum += Double(abs(head.pointer[i]))
        let value = Double(LatentSphere.logVariance(head.pointer[size + i]))
        sumOfLogs += value
        squares += value * value
      }
    }
    let n = Double(count * size)
    let members = Double(settings.members)
    health = VariationalHealth(
      divergence: (0..<latent.channels).map { average(6 + $0) }, priorMean: sum / n,
      priorLogVarianceDeviation: max(0, squares / n - sumOfLogs * sumOfLogs / n / n).squareRoot(),
      priorCRPS: average(0), posteriorCRPS: average(1), noiselessCRPS: average(2),
      constantPriorCRPS: average(3),
      spreadSkillRatio: ((members + 1) / members * average(4) / max(average(5), 1e-30)).squareRoot())
    return average(0)
  }

  /// Divergence of one latent channel, nat a cell.
  private func divergence(_ q: AlignedBuffer<Float>, _ p: AlignedBuffer<Float>, _ channel: Int) -> Double {
    networks.latent.divergence(q.pointer, p.pointer, channel: channel)
  }

  /// Variance of members and squared error of their mean, area means in units of the channels' 6 h change.
  private func spreadAndError(
    _ members: [AlignedBuffer<Float>], _ truth: UnsafePointer<Float>
  ) -> (variance: Double, error: Double) {
    let (points, columns) = (base.grid.pointCount, base.grid.longitudeCount)
    var (variance, error) = (0.0, 0.0)
    for channel in base.channels.indices {
      let scale = base.normalisation.deviation[channel] / base.normalisation.tendencyDeviation[channel]
      for i in 0..<points {
        let weight = base.grid.quadratureWeights[i / columns] * scale * scale
        let place = channel * points + i
        let mean = members.reduce(0) { $0 + Double($1.pointer[place]) } / Double(members.count)
        for member in members {
          let d = Double(member.pointer[place]) - mean
          variance += weight * d * d / Double(max(members.count - 1, 1))
        }
        error += weight * (mean - Double(truth[place])) * (mean - Double(truth[place]))
      }
    }
    return (variance, error)
  }
}
