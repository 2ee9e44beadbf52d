import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere

/// A forecaster that perturbs itself at every step, after FuXi-ENS (Zhong et al. 2025; spec/emulators.md 2, 5a):
///
///     v ~ P(x_t),   z = synthesis of v (LatentSphere),   x_t+1 = F(x_t, features, z)
///
/// P, the prior, and Q, the posterior that sees x_t+1 too and serves training only, are small SFNOs on a grid of half
/// the rows and columns; F is the forecaster of a checkpoint with the latent fields as further input channels.
public struct VariationalForecaster: Sendable {
  /// F, P, Q and where their weights lie in one flat array.
  public struct Networks: Sendable {
    /// The forecaster, the prior and the posterior.
    public let forecaster, prior, posterior: SFNO
    /// The latent fields.
    public let latent: LatentSphere
    /// First weight of the prior and of the posterior; the forecaster's come first.
    public let priorOffset, posteriorOffset: Int
    /// Weights of all three.
    public let count: Int

    /// Plans the networks around a forecaster.
    /// - Parameters:
    ///   - base: the checkpoint's configuration, without latent channels.
    ///   - channels: prognostic channels; the others of `base` are features.
    ///   - width: of the networks of prior and posterior.
    /// - Throws: `ApusError` of kind `badData`.
    public init(
      _ base: SFNOConfiguration, channels: Int, latentChannels: Int, latentDegrees: Int, width: Int = 32,
      blocks: Int = 2
    ) throws {
      var configuration = base
      configuration.inp_chans += latentChannels
      forecaster = try SFNO(configuration)
      latent = try LatentSphere(grid: forecaster.grid, channels: latentChannels, degrees: latentDegrees)
      let coarse = latent.coarse
      func head(_ inputs: Int) throws -> SFNO {
        try SFNO(
          SFNOConfiguration(
            shape: [coarse.latitudeCount, coarse.longitudeCount], inputChannels: inputs,
            outputChannels: 2 * latentChannels, embedding: width, blocks: blocks,
            hardThresholdingFraction: min(1, (Double(latentDegrees) + 0.5) / Double(coarse.latitudeCount)),
            modelGridType: "legendre-gauss"))
      }
      prior = try head(base.inp_chans)
      posterior = try head(base.inp_chans + channels)
      priorOffset = forecaster.layout.count
      posteriorOffset = priorOffset + prior.layout.count
      count = posteriorOffset + posterior.layout.count
    }

    /// The networks with their names' prefixes and places.
    var parts: [(prefix: String, network: SFNO, offset: Int)] {
      [("", forecaster, 0), ("prior.", prior, priorOffset), ("posterior.", posterior, posteriorOffset)]
    }

    /// Weights to begin with: a checkpoint's, new columns for the latent channels of about a tenth of the others' size,
    /// random heads. Not zero: members that are equal have no gradient towards being different (spec/emulators.md 5a).
    public func initialWeights(_ base: Checkpoint, seed: UInt64) -> AlignedBuffer<Float> {
      let flat = AlignedBuffer<Float>(count)
      let random = forecaster.layout.initialise(seed: seed, decoderScale: nil)
      let old = base.network.layout
      let added = forecaster.configuration.inp_chans - base.network.configuration.inp_chans
      for (segment, source) in zip(forecaster.layout.segments, old.segments) {
        let (target, from) = (flat.pointer + segment.offset, base.parameters.pointer + source.offset)
        if segment.count == source.count {
          target.update(from: from, count: segment.count)
          continue
        }
        // [outputs][inputs], of which the last `added` inputs are new; the big skip ignores them.
        let inputs = segment.shape[1]
        let isSkip = segment.name == "model.residual_transform.weight"
        for o in 0..<segment.shape[0] {
          for i in 0..<inputs {
            target[o * inputs + i] =
              i < inputs - added
              ? from[o * (inputs - added) + i]
              : isSkip ? 0 : 0.1 * random.pointer[segment.offset + o * inputs + i]
          }
        }
      }
      for (number, part) in parts.enumerated().dropFirst() {
        let weights = part.network.layout.initialise(seed: seed &+ UInt64(number), decoderScale: 0.1)
        // The big skip of a head is no persistence: there is nothing to persist.
        for segment in part.network.layout.segments where segment.name == "model.residual_transform.weight" {
          (weights.pointer + segment.offset).update(repeating: 0, count: segment.count)
        }
        (flat.pointer + part.offset).update(from: weights.pointer, count: weights.count)
      }
      return flat
    }
  }

  /// The networks.
  public let networks: Networks
  /// Their weights.
  public let parameters: AlignedBuffer<Float>
  /// The checkpoint that F started from: channels, units, normalisation, features, degrees, step. Its own weights are
  /// not used.
  public let base: Checkpoint
  /// Features on the coarse grid.
  let coarseFeatures: FeatureFields
  /// Memory of the noise that it was tuned with.
  public private(set) var noiseMemory: Double
  /// The tuned diffusion and the limits of its members; those of `base` belong to other weights and are not used.
  public private(set) var tuning: StepTuning?
  /// What its members get at a lead time when they are written; measured with this tuning and memory.
  public private(set) var finish: LeadTimeFinish?
  /// Where it comes from, as JSON text.
  public let provenance: String
  private let forecaster, prior: SFNOWeights
  private let truncation: SphericalTransform<Float>

  /// A forecaster from its parts, without tuning and finish.
  public init(
    networks: Networks, parameters: AlignedBuffer<Float>, base: Checkpoint, noiseMemory: Double = 0,
    provenance: String
  ) {
    self.noiseMemory = noiseMemory
    (self.networks, self.parameters, self.base) = (networks, parameters, base)
    self.provenance = provenance
    forecaster = SFNOWeights(networks.forecaster, UnsafePointer(parameters.pointer), owner: parameters)
    prior = SFNOWeights(
      networks.prior, UnsafePointer(parameters.pointer + networks.priorOffset), owner: parameters)
    coarseFeatures = VariationalForecaster.coarseFeatures(base, networks.latent)
    truncation = SphericalTransform(grid: base.grid, degrees: base.degrees)
  }

  /// A checkpoint's features on the coarse grid, static fields truncated to the latent degrees.
  static func coarseFeatures(_ base: Checkpoint, _ latent: LatentSphere) -> FeatureFields {
    let count = base.features.features.staticFields.count
    let fine = AlignedBuffer(base.staticFields)
    let cells = AlignedBuffer<Float>(max(count, 1) * latent.cells)
    if count > 0 {
      latent.coarsen(fine.pointer, count: count, into: cells.pointer, latent.makeWorkspace(fields: count))
    }
    return FeatureFields(
      base.features.features, grid: latent.coarse,
      staticFields: Array(cells.array.prefix(count * latent.cells)))
  }

  /// Scratch of one thread.
  public final class Workspace {
    let forecaster, prior: SFNOWorkspace
    let input, output, cells, head, noise, coarseInput: AlignedBuffer<Float>
    let latent: LatentSphere.Workspace
    let spectrum: AlignedBuffer<Float>
    let transform: TransformWorkspace<Float>
    let gain: AlignedBuffer<Double>

    init(_ plan: VariationalForecaster) {
      let networks = plan.networks
      forecaster = networks.forecaster.makeWorkspace()
      prior = networks.prior.makeWorkspace()
      let (points, c) = (plan.base.grid.pointCount, plan.base.channels.count)
      input = AlignedBuffer(networks.forecaster.configuration.inp_chans * points)
      output = AlignedBuffer(c * points)
      let latent = networks.latent
      cells = AlignedBuffer(latent.channels * latent.cells)
      noise = AlignedBuffer(latent.channels * latent.cells)
      head = AlignedBuffer(2 * latent.channels * latent.cells)
      coarseInput = AlignedBuffer(networks.prior.configuration.inp_chans * latent.cells)
      self.latent = latent.makeWorkspace(fields: max(c, latent.channels))
      spectrum = AlignedBuffer(plan.truncation.coefficientCount(c))
      transform = plan.truncation.makeWorkspace(c)
      gain = AlignedBuffer(plan.tuning == nil ? 0 : c * plan.base.degrees)
    }
  }

  /// Scratch of one thread.
  public func makeWorkspace() -> Workspace { Workspace(self) }

  /// Floating-point operations of one step, by the products alone.
  public var operationsPerStep: Double {
    networks.forecaster.operationsPerStep + networks.prior.operationsPerStep
  }

  /// One step of a member: truncated to the degrees of the data, as every forecast is.
  /// - Parameters:
  ///   - noise: e of this step; nil for none: the latent fields are the prior's means.
  public func step(_ state: State, noise: LatentNoise?, _ space: Workspace) -> State {
    precondition(state.channels == base.channels && state.grid == base.grid)
    let (points, c) = (base.grid.pointCount, base.channels.count)
    let (latent, features) = (networks.latent, base.features.features.count)
    let input = space.input.pointer
    state.values.withUnsafeBufferPointer { values in
      if let start = values.baseAddress { base.normalisation.normalise(start, into: input, points: points) }
    }
    base.features.fill(input + c * points, at: state.time)
    latent.coarsen(input, count: c, into: space.coarseInput.pointer, space.latent)
    coarseFeatures.fill(space.coarseInput.pointer + c * latent.cells, at: state.time)
    networks.prior.forward(
      prior, input: space.coarseInput.pointer, output: space.head.pointer, space.prior)
    if let noise {
      space.noise.pointer.update(from: noise.values.pointer, count: space.noise.count)
    } else {
      space.noise.pointer.update(repeating: 0, count: space.noise.count)
    }
    latent.draw(space.head.pointer, noise: space.noise.pointer, into: space.cells.pointer)
    latent.synthesise(
      space.cells.pointer, count: latent.channels, into: input + (c + features) * points, space.latent)
    networks.forecaster.forward(forecaster, input: input, output: space.output.pointer, space.forecaster)
    truncation.forward(space.output.pointer, count: c, into: space.spectrum.pointer, space.transform)
    tuning?.apply(to: space.spectrum.pointer, truncation, space.gain.pointer)
    truncation.inverse(space.spectrum.pointer, count: c, into: space.output.pointer, space.transform)
    tuning?.limits?.apply(to: space.output.pointer, count: c * points)
    let values = [Float](unsafeUninitializedCapacity: c * points) { target, filled in
      if let start = target.baseAddress {
        base.normalisation.restore(space.output.pointer, into: start, points: points)
      }
      filled = c * points
    }
    return State(
      channels: base.channels, grid: base.grid, time: state.time.adding(hours: base.stepHours),
      values: values)
  }

  /// A forecast's state as it is written: with the finish of its lead time, where there is one. The next step starts from
  /// the state itself.
  /// - Parameter leadHours: lead time [h].
  public func finished(_ state: State, leadHours: Int, _ space: Workspace) -> State {
    guard let finish, leadHours > 0 else { return state }
    let (points, c) = (base.grid.pointCount, base.channels.count)
    var state = state
    let field = space.output.pointer
    state.values.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      base.normalisation.normalise(start, into: field, points: points)
      truncation.forward(field, count: c, into: space.spectrum.pointer, space.transform)
      finish.apply(to: space.spectrum.pointer, at: leadHours, truncation)
      truncation.inverse(space.spectrum.pointer, count: c, into: field, space.transform)
      base.normalisation.restore(field, into: start, points: points)
    }
    return state
  }

  /// Independent normals, or zeros without a stream.
  static func fillNoise(_ stream: Philox?, _ noise: AlignedBuffer<Float>) {
    guard let stream else {
      noise.pointer.update(repeating: 0, count: noise.count)
      return
    }
    for pair in 0..<(noise.count + 1) / 2 {
      let (a, b) = stream.normalPair(UInt64(pair))
      noise.pointer[2 * pair] = Float(a)
      if 2 * pair + 1 < noise.count { noise.pointer[2 * pair + 1] = Float(b) }
    }
  }
}

extension VariationalForecaster: SpectrallyTuned {
  /// The base's grid.
  public var grid: SphereGrid { base.grid }
  /// The base's degrees.
  public var degrees: Int { base.degrees }
  /// The base's step.
  public var stepHours: Int { base.stepHours }
  /// The base's normalisation.
  public var normalisation: Normalisation { base.normalisation }
  /// Where it was read from.
  public var file: String { base.file }

  /// The same forecaster with another tuning, without a finish, which belongs to the old one.
  /// - Throws: `ApusError` of kind `badData` where it does not fit.
  public func with(tuning: StepTuning) throws -> VariationalForecaster {
    try tuning.requireFitting(
      channels: base.channels.count, degrees: base.degrees, latitudes: base.grid.latitudeCount,
      file: base.file)
    var copy = self
    (copy.tuning, copy.finish) = (tuning, nil)
    return copy
  }

  /// The same forecaster with another memory of its noise, 0 up to 1; a finish is kept where it is the same memory.
  public func with(noiseMemory: Double) -> VariationalForecaster {
    var copy = self
    if noiseMemory != self.noiseMemory { (copy.noiseMemory, copy.finish) = (noiseMemory, nil) }
    return copy
  }

  /// The same forecaster with a finish.
  /// - Throws: `ApusError` of kind `badData` where it does not fit.
  public func with(finish: LeadTimeFinish) throws -> VariationalForecaster {
    try finish.requireFitting(channels: base.channels.count, degrees: base.degrees, file: base.file)
    var copy = self
    copy.finish = finish
    return copy
  }

  /// Member 1 of seed 0, with the noise's own memory.
  public func stepper(from initial: Instant) -> (State) -> State {
    let space = makeWorkspace()
    let noise = LatentNoise(self, seed: 0, initial: initial, member: 1)
    return { state in
      noise.advance()
      return self.step(state, noise: noise, space)
    }
  }
}

/// The noise e of a member, step by step: on every latent cell a stationary process of variance 1 with the forecaster's
/// memory phi,
///
///     e_n = phi e_n-1 + sqrt(1 - phi^2) xi_n
///
/// (spec/emulators.md 3.9). A forecaster's errors last longer than a step: what is independent from step to step, and right
/// after one of them, spreads too slowly. In the long run phi multiplies the variance that noise adds by
/// (1 + phi)/(1 - phi).
public final class LatentNoise {
  /// e of the present step, [channel][cell].
  let values: AlignedBuffer<Float>
  private let fresh: AlignedBuffer<Float>
  private let memory: Double
  private let stream: (_ step: Int) -> Philox
  private var step = -1

  /// The noise of a member of the forecast that starts at `initial`; `advance` before every step.
  public init(_ forecaster: VariationalForecaster, seed: UInt64, initial: Instant, member: Int) {
    let latent = forecaster.networks.latent
    values = AlignedBuffer(latent.channels * latent.cells)
    fresh = AlignedBuffer(latent.channels * latent.cells)
    memory = forecaster.noiseMemory
    stream = { step in
      Philox(
        seed: seed, purpose: .emulation, UInt64(bitPattern: Int64(initial.seconds / 3600)), UInt64(member),
        UInt64(1000 + step))
    }
  }

  /// One step on.
  public func advance() {
    step += 1
    VariationalForecaster.fillNoise(stream(step), fresh)
    let (old, new) =
      step == 0 ? (Float(0), Float(1)) : (Float(memory), Float((1 - memory * memory).squareRoot()))
    for i in 0..<values.count { values.pointer[i] = old * values.pointer[i] + new * fresh.pointer[i] }
  }
}
