import Basics
import Foundation
import Kernels
import Operators
import Sphere
import Testing

@Suite struct NetworkPropertyTests {
  let configuration = SFNOConfiguration(
    shape: [12, 24], inputChannels: 5, outputChannels: 3, embedding: 20, blocks: 3, scaleFactor: 2)

  func forward(_ network: SFNO, _ weights: SFNOWeights, threads: Int) -> [Float] {
    let points = network.grid.pointCount
    let input = AlignedBuffer(Philox(seed: 51, purpose: .test).normals(5 * points).map { Float($0) })
    let output = AlignedBuffer<Float>(3 * points)
    network.forward(
      weights, input: input.pointer, output: output.pointer, network.makeWorkspace(threads: threads))
    return output.array
  }

  /// One sample on one thread or on a team: the same bits.
  @Test func theTeamChangesNoBit() throws {
    let network = try SFNO(configuration)
    let weights = SFNOWeights(network, network.layout.initialise(seed: 3, decoderScale: nil))
    let alone = forward(network, weights, threads: 1)
    #expect(alone.contains { $0 != 0 })
    for threads in [2, 3, 7] { #expect(forward(network, weights, threads: threads) == alone) }
  }

  /// A network whose 1x1 convolutions are computed with sixteen bits a number: output and gradient differ from the exact
  /// ones by little, from layer to layer and tensor to tensor; without a matrix unit by nothing.
  @Test func highPrecision() throws {
    let network = try SFNO(
      SFNOConfiguration(
        shape: [16, 32], inputChannels: 5, outputChannels: 3, embedding: 64, blocks: 3, scaleFactor: 1))
    let parameters = network.layout.initialise(seed: 5, decoderScale: nil)
    let points = network.grid.pointCount
    let input = AlignedBuffer(Philox(seed: 52, purpose: .test).normals(5 * points).map { Float($0) })
    let outputGradient = AlignedBuffer(
      Philox(seed: 53, purpose: .test).normals(3 * points).map { Float($0) })
    func pass(_ precision: ProductPrecision) -> (output: [Float], gradient: [Float]) {
      let weights = SFNOWeights(network, parameters, adjoint: true, precision: precision)
      let space = network.makeWorkspace(recording: network.makeRecord())
      let output = AlignedBuffer<Float>(3 * points)
      let gradient = AlignedBuffer<Float>(network.layout.count)
      network.forward(weights, input: input.pointer, output: output.pointer, space)
      network.adjoint(
        weights, input: input.pointer, outputGradient: outputGradient.pointer, gradient: gradient.pointer,
        inputGradient: nil, space)
      return (output.array, gradient.array)
    }
    let (exact, high, medium) = (pass(.highest), pass(.high), pass(.medium))
    func departure(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>, over scale: Double? = nil) -> Double {
      var (difference, size): (Double, Double) = (0, 0)
      for (x, y) in zip(a, b) {
        difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
        size += Double(y) * Double(y)
      }
      return difference.squareRoot() / (scale ?? size.squareRoot())
    }
    // The most that 16 and 8 bits may change: outputs and gradients.
    let known: [(ProductPrecision, pass: (output: [Float], gradient: [Float]), Double, Double)] = [
      (.high, high, 3e-5, 1e-4), (.medium, medium, 8e-3, 2e-2),
    ]
    for (precision, pass, outputBound, gradientBound) in known {
      guard ProductPrecision.distinct.contains(precision) else {
        #expect(pass.output == exact.output && pass.gradient == exact.gradient)
        continue
      }
      let output = departure(pass.output[...], exact.output[...])
      #expect(output > 1e-3 * outputBound && output < outputBound)
      for segment in network.layout.segments {
        // Zero in exact arithmetic: the norm behind it takes a constant away.
        if segment.name.hasSuffix("mlp.fwd.3.bias") { continue }
        let range = segment.offset..<segment.offset + segment.count
        let gradient = departure(pass.gradient[range], exact.gradient[range])
        #expect(gradient < gradientBound, "\(segment.name), \(precision)")
      }
    }
  }

  /// Headers of any content are read or refused, never trapped on.
  @Test func absurdHeadersAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.path + "/absurd-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ends = [Int.min, -1, 0, 4, 8, 1 << 40, Int.max - 8, Int.max]
    let shapes = [[], [1], [2], [Int.max], [Int.max, 2], [-1], [1 << 33, 1 << 33]]
    var read = 0
    for first in ends {
      for last in ends {
        for shape in shapes {
          let header = try JSONSerialization.data(withJSONObject: [
            "x": ["dtype": "F32", "shape": shape, "data_offsets": [first, last]],
            MappedWeights.tensor: ["dtype": "F32", "shape": shape, "data_offsets": [first, last]],
            "__metadata__": ["config": String(decoding: JSONEncoder().encode(configuration), as: UTF8.self)],
          ])
          let file =
            withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header + Data(count: 8)
          try file.write(to: URL(fileURLWithPath: path))
          do {
            _ = try SafeTensors.read(path)
            read += 1
          } catch is ApusError {}
          do { _ = try MappedWeights.map(path) } catch is ApusError {}
        }
      }
    }
    // Those that lie inside and fit: scalars and [1] at 0 to 4 and 4 to 8, [2] at 0 to 8.
    #expect(read == 5)
  }

  @Test(arguments: [
    ("embed_dim", "1000000000000"), ("embed_dim", "-3"), ("mlp_ratio", "1e300"), ("mlp_ratio", "-1"),
    ("hard_thresholding_fraction", "1e300"), ("hard_thresholding_fraction", "0"), ("num_layers", "0"),
    ("inp_chans", "9223372036854775807"), ("inp_shape", "[1, 1000000000000000000]"), ("inp_shape", "[6]"),
    ("scale_factor", "0"), ("scale_factor", "-9223372036854775808"),
  ]) func absurdConfigurationsAreRefused(_ key: String, _ value: String) throws {
    var fields = try #require(
      JSONSerialization.jsonObject(with: JSONEncoder().encode(configuration)) as? [String: Any])
    fields[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
    let read = try JSONDecoder().decode(
      SFNOConfiguration.self, from: JSONSerialization.data(withJSONObject: fields))
    let error = #expect(throws: ApusError.self) { try read.validate() }
    #expect(error?.variable == key)
  }

  /// Weights mapped from a file forecast as weights in memory do; damaged files are refused.
  @Test func mappedWeights() throws {
    let network = try SFNO(configuration)
    let parameters = network.layout.initialise(seed: 4, decoderScale: nil)
    let path = FileManager.default.temporaryDirectory.path + "/mapped-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try MappedWeights.create(path, configuration, metadata: ["provenance": "a test"], threads: 2) {
      target, first, count in
      target.update(from: parameters.pointer + first, count: count)
    }
    let (read, mapped) = try #require(try MappedWeights.map(path))
    #expect(read == configuration)
    #expect(mapped.array == parameters.array)
    let expected = forward(network, SFNOWeights(network, parameters), threads: 1)
    #expect(forward(network, SFNOWeights(network, mapped), threads: 2) == expected)
    // Anyone's safetensors reader finds it as one tensor.
    #expect(try SafeTensors.read(path).floats(MappedWeights.tensor, file: path) == parameters.array)

    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for length in [0, 5, 40, whole.count - 64] {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: ApusError.self) { try MappedWeights.map(path) }
      #expect(error?.kind == .badData)
    }
    #expect(throws: ApusError.self) { try MappedWeights.map(path + ".missing") }
  }
}
