import Basics
import Fields
import Foundation
import Kernels
import Operators
import Sphere
import Training

/// What a `NetworkEmulator` is trained to minimise, on hindcasts.
///
/// Diffusion (Karras et al. 2022), with w of a drawn label, sigma log-normal and e white noise:
///
///     L = E |F - (w - c_skip x) / c_out|^2 / 2 + the same of S (F - ...) over the mean square of S e / 2,   x = w + sigma e
///
/// The denoiser that minimises either half is the conditional mean; the second half lets the scales with the most
/// power be learnt first. One step, with M members of independent noise against one label, which is proper
/// (spec/emulators.md 5b'):
///
///     L = BandEnergyScore of w / 2 + almost fair CRPS of S w over the deviation of S e / 2
///
/// the first half for all channels together and every scale alike, so that structure and spectra are right, the second for
/// single channels at points.
public final class EmulatorObjective: TrainingObjective, @unchecked Sendable {
  /// Smallest and largest noise level, and mean and deviation of its logarithm.
  static let sigmaRange = 0.02...10.0
  static let sigmaLogarithm = (mean: -0.4, deviation: 1.2)

  private let kind: NetworkEmulator.Kind
  private let network: ConditionalSFNO
  private let set: HindcastSet
  private let validation: HindcastSet?
  private let draw: LabelDraw
  private let shrinkage: GaussianShrinkage
  private let whitening: SpectralWhitening
  private let features: FeatureFields
  private let members: Int
  private let teacher: NetworkEmulator?
  private let seed: UInt64
  private let lanes: LaneGradients
  private let precision: ProductPrecision
  private let whiteLoss: BandEnergyScore
  /// One a number of seeds and lead time: the deviation of S e differs.
  private let colouredLoss: [AlmostFairCRPS]
  /// Mean square of S e, [set][channel].
  private let colouredPower: [[Double]]
  private let areaWeights: [Float]
  private var desks: [Desk] = []
  private var weights: SFNOWeights?

  /// What one thread works with.
  private final class Desk {
    let spaces: [ConditionalSFNO.Workspace]
    let spectral: SpectralWhitening.Workspace
    let inputs, outputs, coloured, gradients: [AlignedBuffer<Float>]
    let colouredGradients: [AlignedBuffer<Float>]
    let target, embedding, scratch: AlignedBuffer<Float>
    let bands: BandEnergyScore.Workspace
    let teacher: NetworkEmulator.Generator?

    init(
      _ network: ConditionalSFNO, _ whitening: SpectralWhitening, _ loss: BandEnergyScore,
      teacher: NetworkEmulator?, members: Int, size: Int, input: Int
    ) {
      self.teacher = teacher.map(NetworkEmulator.Generator.init)
      bands = loss.makeWorkspace(members: members)
      spaces = (0..<members).map { _ in network.makeWorkspace(recording: true) }
      spectral = whitening.makeWorkspace()
      inputs = (0..<members).map { _ in AlignedBuffer(input) }
      func fields() -> [AlignedBuffer<Float>] { (0..<members).map { _ in AlignedBuffer(size) } }
      (outputs, coloured, gradients, colouredGradients) = (fields(), fields(), fields(), fields())
      target = AlignedBuffer(2 * size)
      embedding = AlignedBuffer(members * EmbeddingFeatures.count)
      scratch = AlignedBuffer(size)
    }
  }

  /// An objective.
  /// - Parameters:
  ///   - members: members of a one-step sample, 2 or more; a diffusion sample has one, and so has one with a teacher.
  ///   - teacher: a diffusion emulator with the same b and S, which a one-step generator is drawn towards; nil: hindcasts
  ///     alone.
  ///   - precision: of the 1x1 convolutions' products in training.
  ///   - seed: keys seeds, labels and noise.
  public init(
    kind: NetworkEmulator.Kind, network: ConditionalSFNO, set: HindcastSet, validation: HindcastSet?,
    draw: LabelDraw, shrinkage: GaussianShrinkage, features: FeatureFields, members: Int,
    teacher: NetworkEmulator? = nil, precision: ProductPrecision = .highest, seed: UInt64
  ) {
    self.precision = precision
    (self.kind, self.network, self.set, self.validation) = (kind, network, set, validation)
    (self.draw, self.shrinkage, self.features, self.seed) = (draw, shrinkage, features, seed)
    let whitening = shrinkage.whitening()
    self.whitening = whitening
    self.members = kind == .diffusion || teacher != nil ? 1 : max(2, members)
    self.teacher = teacher
    lanes = LaneGradients(count: network.layout.count)
    let grid = set.domain.grid
    let degrees = whitening.transform.degrees
    colouredPower = whitening.deviations.map { lines in
      lines.map { line in
        line.enumerated().reduce(0) { $0 + Double(2 * $1.offset + 1) * $1.element * $1.element }
          / Double(degrees * degrees)
      }
    }
    whiteLoss = BandEnergyScore(transform: whitening.transform, channels: set.domain.channels.count)
    // Channel weights are scaled to sum 1, which the loss then divides by the deviations' harmonic mean: one factor a lead.
    colouredLoss = colouredPower.map { lines in
      AlmostFairCRPS(grid: grid, channelWeights: lines.map { 1 / $0.squareRoot() })
    }
    areaWeights = grid.areaShares.map { Float($0) }
  }

  /// See `TrainingObjective`.
  public var sampleCount: Int { self.set.cases.count }
  /// See `TrainingObjective`.
  public var tensors: [TensorPlace] { network.layout.segments.map(TensorPlace.init) }
  /// See `TrainingObjective`.
  public var gradient: AlignedBuffer<Float> { lanes.gradient }
  /// Floating-point operations of a sample, by the products alone.
  public var operationsPerSample: Double {
    Double(members) * (network.network.operationsPerStep + network.network.operationsPerAdjoint)
  }

  /// See `TrainingObjective`.
  public func compute(
    _ parameters: AlignedBuffer<Float>, samples: [Int], firstDraw: Int, threads: Int
  ) throws -> Double {
    prepare(threads)
    if let weights, weights.flat == UnsafePointer(parameters.pointer) {
      weights.refresh(threads: threads)
    } else {
      weights = SFNOWeights(
        network.network, parameters, adjoint: true, precision: precision, threads: threads)
    }
    guard let weights else { return .nan }
    let share = 1 / Double(samples.count)
    return try lanes.compute(samples: samples.count, threads: threads) { sample, thread, gradient in
      self.sample(
        self.set, samples[sample], draw: UInt64(firstDraw + sample), factor: share, weights,
        parameters.pointer, gradient.pointer, self.desks[thread])
    }
  }

  /// The loss of up to 256 validation cases, always with the same seeds, labels and noise.
  public func validate(_ parameters: AlignedBuffer<Float>, threads: Int) throws -> Double? {
    guard let validation else { return nil }
    prepare(threads)
    let count = min(256, validation.cases.count)
    let losses = AlignedBuffer<Double>(count)
    let weights = SFNOWeights(network.network, parameters)
    try Parallel.forEach(count, threads: threads) { index, thread in
      losses.pointer[index] = self.sample(
        validation, index * validation.cases.count / count, draw: UInt64.max - UInt64(index), factor: 1,
        weights, parameters.pointer, nil, self.desks[thread])
    }
    return losses.array.reduce(0, +) / Double(count)
  }

  private func prepare(_ threads: Int) {
    while desks.count < max(1, threads) {
      desks.append(
        Desk(
          network, whitening, whiteLoss, teacher: teacher, members: members, size: set.domain.fieldSize,
          input: network.network.configuration.inp_chans * set.domain.grid.pointCount))
    }
  }

  /// Loss of a sample; its gradient is added to `gradient` where given.
  private func sample(
    _ set: HindcastSet, _ index: Int, draw number: UInt64, factor: Double, _ weights: SFNOWeights,
    _ flat: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>?, _ desk: Desk
  ) -> Double {
    let item = set.cases[index]
    let size = set.domain.fieldSize
    let choice = Philox(seed: seed, purpose: .emulation, number, 0)
    let (seeds, label) = draw.choose(set.members, choice)
    let lead = set.domain.relativeLead(item.lead)
    let (w, residual) = (desk.target.pointer, desk.target.pointer + size)
    let noises = (0..<members).map { Philox(seed: seed, purpose: .emulation, number, UInt64(1 + $0)) }
    for (member, noise) in noises.enumerated() {
      let input = desk.inputs[member].pointer
      SeedConditioning(size: size).fill(
        seeds.map { set.member(index, $0) }, noise, mean: input + size, contrast: input + 2 * size)
      features.fill(input + 3 * size, at: item.valid)
      whitening.noise(noise, into: input, desk.spectral)
    }
    let (y, mean) = (label.map { set.member(index, $0) } ?? set.truth(index), desk.inputs[0].pointer + size)
    let spreadSet = shrinkage.set(seeds: seeds.count, lead: item.lead)
    shrinkage.shrink(mean, seeds: seeds.count, lead: item.lead, into: residual, desk.spectral)
    for i in 0..<size { residual[i] = y[i] - residual[i] }
    whitening.whiten(residual, set: spreadSet, into: w, desk.spectral)
    let embeddings = (0..<members).map { desk.embedding.pointer + $0 * EmbeddingFeatures.count }

    switch kind {
    case .diffusion:
      let (low, high) = (EmulatorObjective.sigmaRange.lowerBound, EmulatorObjective.sigmaRange.upperBound)
      let level = EmulatorObjective.sigmaLogarithm
      let sigma = min(max(exp(level.mean + level.deviation * choice.normalPair(1 << 43).0), low), high)
      let factors = Preconditioning(sigma: sigma)
      EmbeddingFeatures.fill(
        sigma: sigma, lead: lead, seeds: seeds.count, noises[0], into: embeddings[0])
      let input = desk.inputs[0].pointer
      for i in 0..<size {
        let x = w[i] + Float(sigma) * input[i]
        residual[i] = Float(1 / factors.output) * (w[i] - Float(factors.skip) * x)
        input[i] = Float(factors.input) * x
      }
      return squaredLoss(residual, set: spreadSet, factor: factor, weights, flat, gradient, desk)
    case .oneStep where desk.teacher != nil:
      // The teacher's noise, conditioning and number of seeds are this sample's.
      EmbeddingFeatures.fill(
        sigma: nil, lead: lead, seeds: seeds.count, noises[0], into: embeddings[0])
      desk.teacher?.whitened(
        EmulatorDraw(
          seeds: seeds.map { set.member(index, $0) }, lead: item.lead, validTime: item.valid,
          stream: noises[0]), into: residual)
      let e = desk.inputs[0].pointer
      for i in 0..<size { residual[i] -= e[i] }
      return squaredLoss(residual, set: spreadSet, factor: factor, weights, flat, gradient, desk)
    case .oneStep:
      for member in 0..<members {
        EmbeddingFeatures.fill(
          sigma: nil, lead: lead, seeds: seeds.count, noises[member], into: embeddings[member])
        forward(member, weights, flat, desk)
        let (x, e) = (desk.outputs[member].pointer, desk.inputs[member].pointer)
        for i in 0..<size { x[i] += e[i] }
        whitening.colour(x, set: spreadSet, into: desk.coloured[member].pointer, desk.spectral)
        desk.gradients[member].pointer.update(repeating: 0, count: size)
        desk.colouredGradients[member].pointer.update(repeating: 0, count: size)
      }
      let wants = gradient != nil
      var loss = whiteLoss.evaluate(
        desk.outputs.map { UnsafePointer($0.pointer) }, w, factor: 0.5 * factor,
        addingTo: wants ? desk.gradients.map(\.pointer) : [], desk.bands)
      let powers = colouredPower[spreadSet]
      let inverse = powers.reduce(0) { $0 + 1 / $1.squareRoot() } / Double(powers.count)
      loss += colouredLoss[spreadSet].evaluate(
        desk.coloured.map { UnsafePointer($0.pointer) }, residual, factor: 0.5 * factor * inverse,
        addingTo: wants ? desk.colouredGradients.map(\.pointer) : [])
      guard let gradient else { return loss }
      for member in 0..<members {
        whitening.colourAdjoint(
          desk.colouredGradients[member].pointer, set: spreadSet, into: desk.scratch.pointer, desk.spectral)
        ChannelPasses.add(desk.scratch.pointer, size, to: desk.gradients[member].pointer)
        adjoint(member, weights, flat, gradient, desk)
      }
      return loss
    }
  }

  /// The two squared errors of what the network makes of input 0 against `target`; its gradient is added to `gradient`
  /// where given.
  private func squaredLoss(
    _ target: UnsafePointer<Float>, set spreadSet: Int, factor: Double, _ weights: SFNOWeights,
    _ flat: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>?, _ desk: Desk
  ) -> Double {
    forward(0, weights, flat, desk)
    let grid = self.set.domain.grid
    let (points, channels) = (grid.pointCount, self.set.domain.channels.count)
    let size = channels * points
    let (error, coloured) = (desk.scratch.pointer, desk.coloured[0].pointer)
    for i in 0..<size { error[i] = desk.outputs[0].pointer[i] - target[i] }
    whitening.colour(error, set: spreadSet, into: coloured, desk.spectral)
    let (g, gc) = (desk.gradients[0].pointer, desk.colouredGradients[0].pointer)
    var loss = 0.0
    for channel in 0..<channels {
      let share = 0.5 * factor / Double(channels)
      let colouredShare = share / colouredPower[spreadSet][channel]
      for row in 0..<grid.latitudeCount {
        let start = channel * points + row * grid.longitudeCount
        let weight = areaWeights[row]
        var (sum, colouredSum) = (Float(0), Float(0))
        for i in start..<start + grid.longitudeCount {
          sum += error[i] * error[i]
          colouredSum += coloured[i] * coloured[i]
          g[i] = 2 * Float(share) * weight * error[i]
          gc[i] = 2 * Float(colouredShare) * weight * coloured[i]
        }
        loss += Double(weight) * (share * Double(sum) + colouredShare * Double(colouredSum))
      }
    }
    guard let gradient else { return loss }
    whitening.colourAdjoint(gc, set: spreadSet, into: error, desk.spectral)
    ChannelPasses.add(error, size, to: g)
    adjoint(0, weights, flat, gradient, desk)
    return loss
  }

  private func forward(_ member: Int, _ weights: SFNOWeights, _ flat: UnsafePointer<Float>, _ desk: Desk) {
    network.forward(
      weights, flat, features: desk.embedding.pointer + member * EmbeddingFeatures.count,
      input: desk.inputs[member].pointer, output: desk.outputs[member].pointer, desk.spaces[member])
  }

  private func adjoint(
    _ member: Int, _ weights: SFNOWeights, _ flat: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ desk: Desk
  ) {
    network.adjoint(
      weights, flat, features: desk.embedding.pointer + member * EmbeddingFeatures.count,
      input: desk.inputs[member].pointer, outputGradient: desk.gradients[member].pointer, gradient: gradient,
      desk.spaces[member])
  }
}
