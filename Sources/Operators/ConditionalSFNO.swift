import Basics
import Foundation
import Kernels

/// Sizes of the embedding of a `ConditionalSFNO`.
public struct EmbeddingConfiguration: Sendable, Hashable, Codable {
  /// Numbers that describe a sample: noise level, lead time, season, random numbers.
  public var features: Int
  /// Width of the hidden layer.
  public var hidden: Int

  /// Sizes, one by one.
  public init(features: Int, hidden: Int = 64) { (self.features, self.hidden) = (features, hidden) }
}

/// An SFNO whose instance norms are modulated, sample by sample, by a few numbers that hold for the whole sphere
/// (FiLM; spec/emulators.md 5b):
///
///     s = W2 gelu(W1 f + b1) + b2,    y = (weight + s_w) xhat + bias + s_b   in every norm of every block
///
/// With s = 0 it is the network of HENS. Weights of both lie in one flat array, the SFNO's first.
public final class ConditionalSFNO: Sendable {
  /// The network that is modulated.
  public let network: SFNO
  /// Sizes of the embedding.
  public let embedding: EmbeddingConfiguration
  /// Where the weights of both lie.
  public let layout: ParameterLayout
  private let weight1, bias1, weight2, bias2: Int

  /// Plans a network.
  /// - Throws: `ApusError` of kind `badData` for a configuration that is not HENS' architecture.
  public init(_ configuration: SFNOConfiguration, embedding: EmbeddingConfiguration) throws {
    network = try SFNO(configuration)
    self.embedding = embedding
    layout = ParameterLayout(configuration, embedding)
    weight1 = layout.offset("embedding.fwd.0.weight")
    bias1 = layout.offset("embedding.fwd.0.bias")
    weight2 = layout.offset("embedding.fwd.2.weight")
    bias2 = layout.offset("embedding.fwd.2.bias")
  }

  /// Scratch of one sample, beside the SFNO's own.
  public final class Workspace: @unchecked Sendable {
    /// The SFNO's.
    public let network: SFNOWorkspace
    let before, hidden, hiddenGradient: AlignedBuffer<Float>
    let modulation, modulationGradient: AlignedBuffer<Float>

    init(_ plan: ConditionalSFNO, _ space: SFNOWorkspace) {
      network = space
      before = AlignedBuffer(plan.embedding.hidden)
      hidden = AlignedBuffer(plan.embedding.hidden)
      hiddenGradient = AlignedBuffer(plan.embedding.hidden)
      modulation = AlignedBuffer(plan.network.modulationCount)
      modulationGradient = AlignedBuffer(plan.network.modulationCount)
    }
  }

  /// Scratch for one sample on one thread.
  /// - Parameter recording: whether `adjoint` follows.
  public func makeWorkspace(recording: Bool = false) -> Workspace {
    Workspace(
      self, recording ? network.makeWorkspace(recording: network.makeRecord()) : network.makeWorkspace())
  }

  /// Floating-point operations of one forward pass, by the products alone.
  public var operationsPerStep: Double {
    network.operationsPerStep + 2 * Double(embedding.hidden * (embedding.features + lineCount * channels))
  }

  private var lineCount: Int { 4 * network.blocks.count }
  private var channels: Int { network.configuration.embed_dim }

  /// One sample forward.
  /// - Parameters:
  ///   - weights: the SFNO's, over the same flat array as `flat`.
  ///   - flat: weights as `layout` says.
  ///   - features: what modulates, `embedding.features` numbers of size about 1.
  public func forward(
    _ weights: SFNOWeights, _ flat: UnsafePointer<Float>, features: UnsafePointer<Float>,
    input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    let (n, h) = (embedding.features, embedding.hidden)
    let (before, hidden) = (space.before.pointer, space.hidden.pointer)
    for i in 0..<h {
      let row = flat + weight1 + i * n
      var sum = flat[bias1 + i]
      for j in 0..<n { sum += row[j] * features[j] }
      before[i] = sum
      hidden[i] = ConditionalSFNO.gelu(sum).value
    }
    let modulation = space.modulation.pointer
    for line in 0..<lineCount {
      for c in 0..<channels {
        let row = line * channels + c
        let w = flat + weight2 + row * h
        var sum = flat[bias2 + row]
        for i in 0..<h { sum += w[i] * hidden[i] }
        modulation[line * network.embed + c] = sum
      }
    }
    network.forward(weights, input: input, output: output, modulation: modulation, space.network)
  }

  /// The adjoint of the last recorded `forward`.
  /// - Parameters:
  ///   - gradient: flat, as `layout`; this sample's share is added.
  ///   - inputGradient: dL/d input [inp_chans][point], written over; nil where not wanted.
  public func adjoint(
    _ weights: SFNOWeights, _ flat: UnsafePointer<Float>, features: UnsafePointer<Float>,
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>? = nil, _ space: Workspace
  ) {
    let slopes = space.modulationGradient.pointer
    network.adjoint(
      weights, input: input, outputGradient: outputGradient, gradient: gradient, inputGradient: inputGradient,
      modulationGradient: slopes, space.network)
    let (n, h) = (embedding.features, embedding.hidden)
    let (hidden, dHidden) = (space.hidden.pointer, space.hiddenGradient.pointer)
    dHidden.update(repeating: 0, count: h)
    for line in 0..<lineCount {
      for c in 0..<channels {
        let row = line * channels + c
        let slope = slopes[line * network.embed + c]
        gradient[bias2 + row] += slope
        let (w, dw) = (flat + weight2 + row * h, gradient + weight2 + row * h)
        for i in 0..<h {
          dHidden[i] += slope * w[i]
          dw[i] += slope * hidden[i]
        }
      }
    }
    for i in 0..<h {
      let slope = dHidden[i] * ConditionalSFNO.gelu(space.before.pointer[i]).slope
      gradient[bias1 + i] += slope
      let dw = gradient + weight1 + i * n
      for j in 0..<n { dw[j] += slope * features[j] }
    }
  }

  /// x Phi(x) and its derivative.
  private static func gelu(_ x: Float) -> (value: Float, slope: Float) {
    let z = Double(x)
    let phi = 0.5 * erfc(-z / 2.0.squareRoot())
    let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    return (Float(z * phi), Float(phi + z * density))
  }
}
