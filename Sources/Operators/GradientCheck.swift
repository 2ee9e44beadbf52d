import Basics
import Foundation
import Sphere

/// Runs the input stored in a reference file through its weights and compares, tensor by tensor.
public struct GradientCheck: Sendable {
  /// One compared tensor.
  public struct Line: Sendable, Codable {
    /// `output` or `grad.*`.
    public var name: String
    /// |found - reference| / |reference| in the Euclidean norm.
    public var relativeError: Double
    /// What stands in for |reference| where that is rounding noise, else nil.
    public var note: String?
  }

  /// Every comparison, `output` first.
  public let lines: [Line]
  /// The network's sizes.
  public let configuration: SFNOConfiguration

  /// Compares the forward pass and, if `gradients`, the adjoint of the mean squared error.
  ///
  /// The gradient of a block's `mlp.fwd.3.bias` is zero in exact arithmetic, since the instance norm behind
  /// it removes a constant; references hold rounding noise there, so that line is relative to the gradient
  /// of the weight of the same convolution, and says so.
  /// - Throws: `ApusError` for a file without `config`, `input`, `output` or with wrong shapes.
  public init(path: String, gradients: Bool) throws {
    let file = try SafeTensors.read(path)
    guard let text = file.metadata["config"] else {
      throw ApusError(.badData, "no network configuration in the metadata", file: path, variable: "config")
    }
    let configuration: SFNOConfiguration
    do { configuration = try JSONDecoder().decode(SFNOConfiguration.self, from: Data(text.utf8)) } catch {
      throw ApusError(
        .badData, "the network configuration is not understood", file: path, variable: "config",
        found: String(describing: error))
    }
    try configuration.validate(file: path)
    let network = try SFNO(configuration)
    let parameters = try network.layout.read(file, file: path)
    let samples = file.tensors["input"]?.shape.first ?? 0
    let shape = configuration.inp_shape
    let input = try file.floats("input", shape: [samples, configuration.inp_chans] + shape, file: path)
    let expected = try file.floats("output", shape: [samples, configuration.out_chans] + shape, file: path)
    let points = network.grid.pointCount
    let (nIn, nOut) = (configuration.inp_chans * points, configuration.out_chans * points)
    let space = gradients ? network.makeWorkspace(recording: network.makeRecord()) : network.makeWorkspace()
    let weights = SFNOWeights(network, parameters, adjoint: gradients)
    let target =
      gradients
      ? try file.floats("target", shape: [samples, configuration.out_chans] + shape, file: path) : []
    let inputs = AlignedBuffer(input)
    let output = AlignedBuffer<Float>(samples * nOut)
    let gradient = AlignedBuffer<Float>(network.layout.count)
    let inputGradient = AlignedBuffer<Float>(samples * nIn)
    let outputGradient = AlignedBuffer<Float>(nOut)
    for s in 0..<samples {
      network.forward(
        weights, input: inputs.pointer + s * nIn, output: output.pointer + s * nOut, space)
      guard gradients else { continue }
      for i in 0..<nOut {
        outputGradient.pointer[i] =
          2 * (output.pointer[s * nOut + i] - target[s * nOut + i]) / Float(samples * nOut)
      }
      network.adjoint(
        weights, input: inputs.pointer + s * nIn, outputGradient: outputGradient.pointer,
        gradient: gradient.pointer, inputGradient: inputGradient.pointer + s * nIn, space)
    }
    func norm(_ values: [Float]) -> Double {
      values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    func difference(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }.squareRoot()
    }
    var lines = [Line(name: "output", relativeError: difference(output.array, expected) / norm(expected))]
    if gradients {
      let reference = try file.floats(
        "grad.input", shape: [samples, configuration.inp_chans] + shape, file: path)
      lines.append(
        Line(name: "grad.input", relativeError: difference(inputGradient.array, reference) / norm(reference)))
      let found = network.layout.tensors(gradient.pointer)
      for segment in network.layout.segments {
        let reference = try file.floats("grad." + segment.name, shape: segment.shape, file: path)
        let error = difference(found[segment.name]?.floats ?? [], reference)
        if segment.name.hasSuffix("mlp.fwd.3.bias") {
          let weight = segment.name.replacingOccurrences(of: "bias", with: "weight")
          let scale = norm(try file.floats("grad." + weight, file: path))
          lines.append(
            Line(
              name: "grad." + segment.name, relativeError: error / scale,
              note: "zero in exact arithmetic (removed by norm1): relative to grad.\(weight)"))
        } else {
          lines.append(Line(name: "grad." + segment.name, relativeError: error / norm(reference)))
        }
      }
    }
    self.lines = lines
    self.configuration = configuration
  }
}
