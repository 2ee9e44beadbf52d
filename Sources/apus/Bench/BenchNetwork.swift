import Basics
import Kernels
import Operators

/// The networks that are timed: HENS' architecture on the 48 x 96 Gaussian grid, 20 channels in, 12 out.
struct BenchNetwork {
  /// Ends with the precision where that is less than single.
  let name: String
  let configuration: SFNOConfiguration
  let precision: ProductPrecision

  static let batch = 4
  static let inputs = 20
  static let outputs = 12

  init(embedding: Int, blocks: Int, scaleFactor: Int, precision: ProductPrecision) {
    name = "\(embedding)x\(blocks).sf\(scaleFactor)" + (precision == .highest ? "" : ".\(precision)")
    self.precision = precision
    configuration = SFNOConfiguration(
      shape: [48, 96], inputChannels: Self.inputs, outputChannels: Self.outputs, embedding: embedding,
      blocks: blocks, scaleFactor: scaleFactor, modelGridType: "legendre-gauss")
  }

  /// Every size with every precision that makes a difference here.
  static let all = [(64, 4, 1), (64, 4, 2), (128, 6, 1)].flatMap { embedding, blocks, scaleFactor in
    ProductPrecision.distinct.map {
      BenchNetwork(embedding: embedding, blocks: blocks, scaleFactor: scaleFactor, precision: $0)
    }
  }
}
