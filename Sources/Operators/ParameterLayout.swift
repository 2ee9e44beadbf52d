import Basics
import Foundation

/// Where each weight of a network lies in one flat array: what the optimiser, checkpoints and kernels share.
public struct ParameterLayout: Sendable {
  /// One tensor.
  public struct Segment: Sendable {
    /// makani's name, as in a `state_dict`.
    public let name: String
    /// makani's shape; complex tensors with a trailing axis of 2.
    public let shape: [Int]
    /// First number in the flat array.
    public let offset: Int
    /// Numbers.
    public let count: Int
    /// Standard deviation of the initial normal numbers (spec/hens.md 1.6); negative -1 means "ones".
    public let initial: Double
    /// Whether the flat array holds it as [degree][re, im][in][out] rather than in makani's order.
    public let isSpectral: Bool
  }

  /// All tensors, in order.
  public private(set) var segments: [Segment] = []
  /// Numbers in the flat array.
  public private(set) var count = 0
  private var index: [String: Int] = [:]

  /// The parameters of an SFNO (spec/hens.md 1.5).
  public init(_ c: SFNOConfiguration) {
    let (e, h) = (c.embed_dim, c.hidden)
    func deviation(_ gain: Double, _ fan: Int) -> Double { (gain / Double(fan)).squareRoot() }
    add("model.encoder.fwd.0.weight", [e, c.inp_chans, 1, 1], deviation(2, c.inp_chans))
    add("model.encoder.fwd.0.bias", [e], 0)
    add("model.encoder.fwd.2.weight", [e, e, 1, 1], deviation(1, e))
    for i in 0..<c.num_layers {
      let block = "model.blocks.\(i)."
      add(block + "filter.filter.weight", [e, e, c.degrees, 2], deviation(2, e), spectral: true)
      add(block + "norm0.weight", [e], -1)
      add(block + "norm0.bias", [e], 0)
      add(block + "mlp.fwd.0.weight", [h, e, 1, 1], deviation(2, e))
      add(block + "mlp.fwd.0.bias", [h], 0)
      add(block + "mlp.fwd.3.weight", [e, h, 1, 1], deviation(0.5, h))
      add(block + "mlp.fwd.3.bias", [e], 0)
      add(block + "norm1.weight", [e], -1)
      add(block + "norm1.bias", [e], 0)
      add(block + "outer_skip.weight", [e, e, 1, 1], deviation(0.5, e))
    }
    add("model.decoder.fwd.0.weight", [e, e, 1, 1], deviation(2, e))
    add("model.decoder.fwd.0.bias", [e], 0)
    add("model.decoder.fwd.2.weight", [c.out_chans, e, 1, 1], deviation(0.5, e))
    add("model.residual_transform.weight", [c.out_chans, c.inp_chans, 1, 1], deviation(0.5, c.inp_chans))
  }

  /// The parameters of an SFNO and, behind them, of the embedding that modulates it.
  init(_ c: SFNOConfiguration, _ embedding: EmbeddingConfiguration) {
    self.init(c)
    let (n, h) = (embedding.features, embedding.hidden)
    let outputs = 4 * c.num_layers * c.embed_dim
    add("embedding.fwd.0.weight", [h, n], (2 / Double(n)).squareRoot())
    add("embedding.fwd.0.bias", [h], 0)
    // Small, so that the network starts near the one without embedding; not zero, so that noise among the
    // features acts from the first step (spec/emulators.md 5a).
    add("embedding.fwd.2.weight", [outputs, h], 0.05 / Double(h).squareRoot())
    add("embedding.fwd.2.bias", [outputs], 0)
  }

  private mutating func add(_ name: String, _ shape: [Int], _ initial: Double, spectral: Bool = false) {
    let size = shape.reduce(1, *)
    index[name] = segments.count
    segments.append(
      Segment(
        name: name, shape: shape, offset: count, count: size, initial: initial, isSpectral: spectral))
    // 16-float steps keep every tensor on a cache line of its own.
    count += (size + 15) / 16 * 16
  }

  /// Offset of a tensor that the layout is known to hold.
  func offset(_ name: String) -> Int { index[name].map { segments[$0].offset } ?? 0 }

  /// Makani's order [in][out][degree][re, im] to ours, [degree][re, im][in][out].
  public static func spectralFromFile(_ values: [Float], shape: [Int]) -> [Float] {
    let (pairs, degrees) = (shape[0] * shape[1], shape[2])
    var result = [Float](repeating: 0, count: values.count)
    for pair in 0..<pairs {
      for l in 0..<degrees {
        result[(2 * l) * pairs + pair] = values[(pair * degrees + l) * 2]
        result[(2 * l + 1) * pairs + pair] = values[(pair * degrees + l) * 2 + 1]
      }
    }
    return result
  }

  /// Ours to makani's order.
  public static func spectralToFile(_ values: [Float], shape: [Int]) -> [Float] {
    let (pairs, degrees) = (shape[0] * shape[1], shape[2])
    var result = [Float](repeating: 0, count: values.count)
    for pair in 0..<pairs {
      for l in 0..<degrees {
        result[(pair * degrees + l) * 2] = values[(2 * l) * pairs + pair]
        result[(pair * degrees + l) * 2 + 1] = values[(2 * l + 1) * pairs + pair]
      }
    }
    return result
  }

  /// Reads every tensor from `file` into a flat array; a `module.` prefix is dropped and a leading group
  /// axis of 1 on spectral weights is accepted (newer makani).
  /// - Throws: `ApusError` of kind `badData` for a missing tensor or another shape.
  public func read(_ tensors: SafeTensors, file: String, prefix: String = "") throws -> AlignedBuffer<Float> {
    let flat = AlignedBuffer<Float>(count)
    for segment in segments {
      let plain = prefix + segment.name
      let name = tensors.tensors[plain] == nil ? prefix + "module." + segment.name : plain
      var values: [Float]
      if segment.isSpectral, tensors.tensors[name]?.shape == [1] + segment.shape {
        values = try tensors.floats(name, file: file)
      } else {
        values = try tensors.floats(
          tensors.tensors[name] == nil ? plain : name, shape: segment.shape, file: file)
      }
      if segment.isSpectral { values = Self.spectralFromFile(values, shape: segment.shape) }
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
          (flat.pointer + segment.offset).update(from: base, count: values.count)
        }
      }
    }
    return flat
  }

  /// All tensors of a flat array in makani's names and order.
  /// - Parameter half: store weight matrices as float16.
  public func tensors(_ flat: UnsafePointer<Float>, prefix: String = "", half: Bool = false) -> [String:
    SafeTensors.Tensor]
  {
    var result: [String: SafeTensors.Tensor] = [:]
    for segment in segments {
      var values = Array(UnsafeBufferPointer(start: flat + segment.offset, count: segment.count))
      if segment.isSpectral { values = Self.spectralToFile(values, shape: segment.shape) }
      let small = half && segment.shape.count > 1
      result[prefix + segment.name] =
        small ? .init(half: values, shape: segment.shape) : .init(values, shape: segment.shape)
    }
    return result
  }

  /// Initial weights as HENS draws them, and, for forecasters, the start that was measured to learn fast:
  /// the big skip as the identity on the prognostic channels and the decoder's last convolution scaled
  /// down to the size of a tendency.
  /// - Parameter decoderScale: factor on the decoder's last convolution; nil keeps HENS' plain start.
  public func initialise(seed: UInt64, decoderScale: Double?) -> AlignedBuffer<Float> {
    let flat = AlignedBuffer<Float>(count)
    for (number, segment) in segments.enumerated() {
      let target = flat.pointer + segment.offset
      if segment.initial < 0 {
        target.update(repeating: 1, count: segment.count)
      } else if segment.initial > 0 {
        let stream = Philox(seed: seed, purpose: .initialWeights, UInt64(number))
        let normals = stream.normals(segment.count)
        // A complex normal with E|z|^2 = 1 has parts of variance 1/2; degree 0 is sqrt(2) larger.
        let pairs = segment.isSpectral ? segment.shape[0] * segment.shape[1] : 0
        for i in 0..<segment.count {
          var deviation = segment.initial
          if segment.isSpectral { deviation *= i < 2 * pairs ? 1 : 0.5.squareRoot() }
          target[i] = Float(normals[i] * deviation)
        }
      }
    }
    if let decoderScale {
      for segment in segments where segment.name == "model.decoder.fwd.2.weight" {
        for i in 0..<segment.count { flat.pointer[segment.offset + i] *= Float(decoderScale) }
      }
      for segment in segments where segment.name == "model.residual_transform.weight" {
        let (outputs, inputs) = (segment.shape[0], segment.shape[1])
        for o in 0..<outputs {
          for i in 0..<inputs { flat.pointer[segment.offset + o * inputs + i] = i == o ? 1 : 0 }
        }
      }
    }
    return flat
  }
}
