import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere

/// An emulator with a network: the diffusion sampler after SEEDS, or its one-step sibling (spec/emulators.md 5b, 5b').
///
/// Both draw w, what a member has beyond the linear-Gaussian answer (`GaussianShrinkage`) to the mean m of its seeds, in
/// standardised anomalies:
///
///     x = b m + S w,    w = sampler(D(. ; sigma))            diffusion
///                       w = e + F(e; m, d, features)          one step, e white noise
///
/// with b the shrinkage and S the spread by mode of `GaussianShrinkage`, for the number of seeds and the lead time, and F one
/// `ConditionalSFNO` for all of them. With F = 0 they are that baseline. F's input: noisy w, m, d (`SeedConditioning`) and the
/// fields of `InputFeatures` at the valid time.
public struct NetworkEmulator: Emulator {
  /// How a member is made of noise.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Denoised level by level.
    case diffusion
    /// One evaluation of the network.
    case oneStep = "one_step"
  }

  /// How a member is made of noise.
  public let kind: Kind
  /// What it draws.
  public let domain: EmulatorDomain
  /// Numbers of seeds that it was trained with.
  public let seedCounts: [Int]
  /// The network.
  public let network: ConditionalSFNO
  /// Its weights, flat as `network.layout` says.
  public let parameters: AlignedBuffer<Float>
  /// b and S.
  public let shrinkage: GaussianShrinkage
  let whitening: SpectralWhitening
  /// Fields appended to the input.
  public let features: FeatureFields
  /// Static fields [field][latitude][longitude], normalised.
  public let staticFields: [Float]
  /// How a diffusion emulator samples.
  public var sampler: DiffusionSampler
  /// Where the weights come from, as JSON text.
  public let provenance: String
  private let weights: SFNOWeights

  /// An emulator from its parts.
  /// - Throws: `ApusError` of kind `badData` where they do not fit together.
  public init(
    kind: Kind, network: ConditionalSFNO,
    parameters: AlignedBuffer<Float>, shrinkage: GaussianShrinkage, features: FeatureFields,
    staticFields: [Float], sampler: DiffusionSampler = DiffusionSampler(), provenance: String,
    file: String = ""
  ) throws {
    let domain = shrinkage.domain
    let v = domain.channels.count
    let configuration = network.network.configuration
    guard configuration.out_chans == v, configuration.inp_chans == 3 * v + features.features.count,
      network.network.grid == domain.grid, network.embedding.features == EmbeddingFeatures.count
    else {
      throw ApusError(
        .badData, "the network does not fit the emulator", file: file,
        found: "\(configuration.inp_chans) channels in, \(configuration.out_chans) out",
        expected: "\(3 * v + features.features.count) in, \(v) out")
    }
    (self.kind, self.domain, seedCounts) = (kind, domain, shrinkage.seedCounts)
    (self.network, self.parameters, self.shrinkage) = (network, parameters, shrinkage)
    whitening = shrinkage.whitening()
    (self.features, self.staticFields) = (features, staticFields)
    (self.sampler, self.provenance) = (sampler, provenance)
    weights = SFNOWeights(network.network, parameters)
  }

  /// See `Emulator`.
  public var operationsPerDraw: Double? {
    network.operationsPerStep * (kind == .diffusion ? Double(sampler.evaluations) : 1)
  }

  /// See `Emulator`.
  public func makeGenerator() -> any MemberGenerator { Generator(self) }

  final class Generator: MemberGenerator {
    private let plan: NetworkEmulator
    private let space: ConditionalSFNO.Workspace
    private let spectral: SpectralWhitening.Workspace
    private let input, output, residual, scratch, embedding: AlignedBuffer<Float>

    init(_ plan: NetworkEmulator) {
      self.plan = plan
      space = plan.network.makeWorkspace()
      spectral = plan.whitening.makeWorkspace()
      let size = plan.domain.fieldSize
      input = AlignedBuffer(plan.network.network.configuration.inp_chans * plan.domain.grid.pointCount)
      output = AlignedBuffer(size)
      residual = AlignedBuffer(size)
      scratch = AlignedBuffer(3 * size)
      embedding = AlignedBuffer(EmbeddingFeatures.count)
    }

    func generate(_ draw: EmulatorDraw, into result: UnsafeMutablePointer<Float>) {
      let (size, count) = (plan.domain.fieldSize, draw.seeds.count)
      let (w, mean) = (residual.pointer, input.pointer + size)
      whitened(draw, into: w)
      let set = plan.shrinkage.set(seeds: count, lead: draw.lead)
      plan.whitening.colour(w, set: set, into: result, spectral)
      plan.shrinkage.shrink(mean, seeds: count, lead: draw.lead, into: mean, spectral)
      for i in 0..<size { result[i] += mean[i] }
    }

    /// w of a draw; leaves the mean of the seeds in the input.
    func whitened(_ draw: EmulatorDraw, into w: UnsafeMutablePointer<Float>) {
      let size = plan.domain.fieldSize
      let (mean, contrast) = (input.pointer + size, input.pointer + 2 * size)
      SeedConditioning(size: size).fill(draw.seeds, draw.stream, mean: mean, contrast: contrast)
      plan.features.fill(input.pointer + 3 * size, at: draw.validTime)
      let lead = plan.domain.relativeLead(draw.lead)
      plan.whitening.noise(draw.stream, into: w, spectral)
      let count = draw.seeds.count
      switch plan.kind {
      case .oneStep:
        EmbeddingFeatures.fill(sigma: nil, lead: lead, seeds: count, draw.stream, into: embedding.pointer)
        input.pointer.update(from: w, count: size)
        evaluate()
        for i in 0..<size { w[i] += output.pointer[i] }
      case .diffusion:
        plan.sampler.sample(w, count: size, scratch: scratch.pointer) { x, sigma, denoised in
          EmbeddingFeatures.fill(
            sigma: sigma, lead: lead, seeds: count, draw.stream, into: embedding.pointer)
          let factors = Preconditioning(sigma: sigma)
          let (into, skip, out) = (Float(factors.input), Float(factors.skip), Float(factors.output))
          for i in 0..<size { input.pointer[i] = into * x[i] }
          evaluate()
          for i in 0..<size { denoised[i] = skip * x[i] + out * output.pointer[i] }
        }
      }
    }

    private func evaluate() {
      plan.network.forward(
        plan.weights, plan.parameters.pointer, features: embedding.pointer, input: input.pointer,
        output: output.pointer, space)
    }
  }
}

extension EmulatorDomain {
  /// A lead time over the longest.
  func relativeLead(_ lead: Int) -> Double { Double(leadHours[lead]) / Double(max(leadHours.last ?? 1, 1)) }
}
