import Basics
import Foundation
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
