import Basics
import Operators

/// The networks that are timed: HENS' architecture on the 48 x 96 Gaussian grid, 20 channels in, 12 out.
struct BenchNetwork {
  let name: String
  let configuration: SFNOConfiguration

  static let batch = 4
  static let inputs = 20
  static let outputs = 12

  init(embedding: Int, blocks: Int, scaleFactor: Int) {
    name = "\(embedding)x\(blocks).sf\(scaleFactor)"
    configuration = SFNOConfiguration(
      shape: [48, 96], inputChannels: Self.inputs, outputChannels: Self.outputs, embedding: embedding,
      blocks: blocks, scaleFactor: scaleFactor, modelGridType: "legendre-gauss")
  }

  static let all = [
    BenchNetwork(embedding: 64, blocks: 4, scaleFactor: 1),
    BenchNetwork(embedding: 64, blocks: 4, scaleFactor: 2),
    BenchNetwork(embedding: 128, blocks: 6, scaleFactor: 1),
  ]
}
