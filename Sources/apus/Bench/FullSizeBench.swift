import Basics
import Foundation
import Kernels
import Operators
import Sphere

/// One six-hour step of the network as HENS published it: 721 x 1440 points, 110 channels in and 74 out, 620
/// wide, 8 blocks, 1.1 billion weights (spec/hens.md 1), with random weights mapped from a file.
enum FullSizeBench {
  static let configuration = SFNOConfiguration(
    shape: [721, 1440], inputChannels: 110, outputChannels: 74, embedding: 620, blocks: 8, scaleFactor: 2)

  /// - Parameter file: made where it does not exist: 8.9 GB.
  static func run(_ threads: Int, weights file: String) throws -> [KernelTiming] {
    if !FileManager.default.fileExists(atPath: file) { try create(file, threads) }
    guard let (configuration, parameters) = try MappedWeights.map(file) else {
      throw ApusError(
        .badData, "no weights in the order of the kernels", file: file, variable: MappedWeights.tensor,
        advice: "Name a file that does not exist yet; random weights are then written to it.")
    }
    let network = try SFNO(configuration)
    let weights = SFNOWeights(network, parameters, threads: threads)
    let points = network.grid.pointCount
    let input = AlignedBuffer<Float>(configuration.inp_chans * points)
    let output = AlignedBuffer<Float>(configuration.out_chans * points)
    fill(input.pointer, 0, input.count) { _ in 1 }
    let space = network.makeWorkspace(threads: threads)
    let clock = ContinuousClock()
    let duration = clock.measure {
      network.forward(weights, input: input.pointer, output: output.pointer, space)
    }
    let seconds =
      Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    for i in 0..<output.count where !output.pointer[i].isFinite {
      throw ApusError(.internalFault, "the forecast is not finite", file: file, found: "value \(i)")
    }
    return [
      KernelTiming(
        name: "hens.forward.\(configuration.inp_shape[0])x\(configuration.inp_shape[1])", seconds: seconds,
        repeats: 1, operations: network.operationsPerStep,
        bytes: 4 * Double(network.layout.count + input.count + output.count))
    ]
  }

  /// Weights with the deviations of HENS' start (spec/hens.md 1.6), evenly distributed: normals would take
  /// longer to draw than a step takes.
  private static func create(_ file: String, _ threads: Int) throws {
    let layout = ParameterLayout(configuration)
    try MappedWeights.create(file, configuration, threads: threads) { target, first, count in
      // Segments are few and in order.
      var index = layout.segments.firstIndex { $0.offset + $0.count > first } ?? 0
      fill(target, first, count) { place in
        while index + 1 < layout.segments.count, layout.segments[index + 1].offset <= place { index += 1 }
        let segment = layout.segments[index]
        if place >= segment.offset + segment.count { return 0 }
        return segment.initial < 0 ? -1 : Float(segment.initial * (segment.isSpectral ? 0.5.squareRoot() : 1))
      }
    }
  }

  /// Numbers of mean 0 and a given deviation; a deviation of -1 means ones.
  private static func fill(
    _ target: UnsafeMutablePointer<Float>, _ first: Int, _ count: Int, _ deviation: (Int) -> Float
  ) {
    let scale = Float(3.0.squareRoot() / 2_147_483_648)
    for i in 0..<count {
      let place = first + i
      let size = deviation(place)
      // SplitMix64's mixing (Steele, Lea and Flood 2014) of the place.
      var z = UInt64(truncatingIfNeeded: place) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      target[i] = size < 0 ? 1 : size * scale * Float(Int32(truncatingIfNeeded: z >> 32))
    }
  }
}
