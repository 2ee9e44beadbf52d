import Basics
import Kernels

/// A network's weights as its products read them.
///
/// The flat array of `ParameterLayout` stays the truth: spectral weights, biases and norms are read where
/// they lie (which may be a file mapped into memory). The small matrices of the 1x1 convolutions are copied,
/// transposed for the forward pass and plain for the adjoint, with rows padded to whole vectors; so are, for
/// the adjoint, the transposed spectral weights. `refresh` after every change of the flat array.
public final class SFNOWeights: @unchecked Sendable {
  /// One matrix of a 1x1 convolution, [outputs][inputs] in the flat array.
  struct Matrix: Sendable {
    let flat, outputs, inputs: Int
    /// Where its gradient is gathered in `SFNOWorkspace.gradientPads`; nil where its rows are whole vectors
    /// and the flat gradient serves.
    let gradientPad: Int?
    /// [inputs][outputs padded] and [outputs][inputs padded] in `matrices`.
    var transposed = 0
    var plain = 0
    /// The parts of either in `parts`, for processors with a matrix unit.
    var transposedParts = 0
    var plainParts = 0
    var outputsPadded: Int { ChannelPadding.padded(outputs) }
    var inputsPadded: Int { ChannelPadding.padded(inputs) }
  }

  /// The flat array.
  public let flat: UnsafePointer<Float>
  private let owner: AnyObject
  private let network: SFNO
  private let matrices: AlignedBuffer<Float>
  private let parts: AlignedBuffer<UInt32>
  /// [block][degree][re, -im][out][in]; empty unless the adjoint is wanted.
  private let filters: AlignedBuffer<Float>
  private let plans: [Matrix]
  private let supportsAdjoint: Bool
  /// [forward, adjoint][block][degree] of the spectral weights, where there is a unit for less than single precision.
  private let filterParts: AlignedBuffer<UInt32>
  private let filterWords: Int
  /// Of the products of the 1x1 convolutions and of their adjoints; those of the filters have sixteen bits where these
  /// have less than single precision and the matrix unit is there; transforms are always exact to single precision (HENS
  /// trains convolutions in bfloat16, and filters and transforms in single precision with TF32 matrix products, eleven
  /// bits, allowed; spec/hens.md 1.7).
  public let precision: ProductPrecision

  /// Weights of `network` from a flat array.
  public convenience init(
    _ network: SFNO, _ parameters: AlignedBuffer<Float>, adjoint: Bool = false,
    precision: ProductPrecision = .highest, threads: Int = 1
  ) {
    self.init(
      network, UnsafePointer(parameters.pointer), owner: parameters, adjoint: adjoint, precision: precision,
      threads: threads)
  }

  /// Weights of `network` from memory that lives as long as `owner`.
  public init(
    _ network: SFNO, _ flat: UnsafePointer<Float>, owner: AnyObject, adjoint: Bool = false,
    precision: ProductPrecision = .highest, threads: Int = 1
  ) {
    self.network = network
    self.precision = precision
    self.flat = flat
    self.owner = owner
    supportsAdjoint = adjoint
    var (next, nextPart) = (0, 0)
    plans = network.matrices.map { matrix in
      var matrix = matrix
      matrix.transposed = next
      next += matrix.inputs * matrix.outputsPadded
      matrix.transposedParts = nextPart
      nextPart += PreparedMatrix.partWords(
        depth: matrix.inputs, columns: matrix.outputsPadded, precision)
      if adjoint {
        matrix.plain = next
        next += matrix.outputs * matrix.inputsPadded
        matrix.plainParts = nextPart
        nextPart += PreparedMatrix.partWords(
          depth: matrix.outputs, columns: matrix.inputsPadded, precision)
      }
      return matrix
    }
    matrices = AlignedBuffer(next)
    parts = AlignedBuffer(nextPart)
    let c = network.configuration
    filters = AlignedBuffer(adjoint ? c.num_layers * c.degrees * 2 * c.embed_dim * c.embed_dim : 0)
    filterWords =
      precision == .highest
      ? 0 : ComplexProduct.partWords(depth: c.embed_dim, columns: c.embed_dim, Self.filterPrecision)
    filterParts = AlignedBuffer((adjoint ? 2 : 1) * c.num_layers * c.degrees * filterWords)
    refresh(threads: threads)
  }

  private static let filterPrecision = ProductPrecision.high

  /// Copies again what is copied.
  public func refresh(threads: Int) {
    let team = Team(threads: threads)
    team.each(plans.count) { index, _ in
      let plan = self.plans[index]
      let source = self.flat + plan.flat
      let (transposed, plain) = (
        self.matrices.pointer + plan.transposed, self.matrices.pointer + plan.plain
      )
      Transposition.run(
        rows: plan.outputs, columns: plan.inputs, source, stride: plan.inputs, into: transposed,
        stride: plan.outputsPadded)
      PreparedMatrix.prepare(
        depth: plan.inputs, columns: plan.outputsPadded, transposed, row: plan.outputsPadded,
        precision: self.precision, into: self.parts.pointer + plan.transposedParts)
      guard self.supportsAdjoint else { return }
      for o in 0..<plan.outputs {
        (plain + o * plan.inputsPadded).update(from: source + o * plan.inputs, count: plan.inputs)
      }
      PreparedMatrix.prepare(
        depth: plan.outputs, columns: plan.inputsPadded, plain, row: plan.inputsPadded,
        precision: self.precision, into: self.parts.pointer + plan.plainParts)
    }
    guard supportsAdjoint || filterWords > 0 else { return }
    let (e, degrees) = (network.configuration.embed_dim, network.configuration.degrees)
    let all = network.blocks.count * degrees
    func prepare(_ filter: UnsafePointer<Float>, _ place: Int) {
      guard self.filterWords > 0 else { return }
      PreparedMatrix.prepare(
        depth: 2 * e, columns: e, filter, row: e, precision: Self.filterPrecision,
        into: self.filterParts.pointer + place * self.filterWords)
    }
    team.each(all) { index, _ in
      let (block, l) = index.quotientAndRemainder(dividingBy: degrees)
      let source = self.flat + self.network.blocks[block].filter + 2 * l * e * e
      prepare(source, index)
      guard self.supportsAdjoint else { return }
      let target = self.filters.pointer + index * 2 * e * e
      for part in 0..<2 {
        let (from, into) = (source + part * e * e, target + part * e * e)
        Transposition.run(
          rows: e, columns: e, from, stride: e, factor: part == 0 ? 1 : -1, into: into, stride: e)
      }
      prepare(target, all + index)
    }
  }

  /// [inputs][outputs padded] of a matrix, for y = W x.
  @inline(__always) func forward(_ index: Int) -> PreparedMatrix {
    let plan = plans[index]
    return PreparedMatrix(
      matrices.pointer + plan.transposed, row: plan.outputsPadded, depth: plan.inputs,
      columns: plan.outputsPadded, parts: parts.pointer + plan.transposedParts, precision: precision)
  }
  /// [outputs][inputs padded] of a matrix, for dx = W^T dy.
  @inline(__always) func adjoint(_ index: Int) -> PreparedMatrix {
    let plan = plans[index]
    return PreparedMatrix(
      matrices.pointer + plan.plain, row: plan.inputsPadded, depth: plan.outputs, columns: plan.inputsPadded,
      parts: parts.pointer + plan.plainParts, precision: precision)
  }
  /// [degree][re, im][in][out] of a block.
  @inline(__always) func filter(_ block: Int) -> SpectralConvolution.Weights {
    weights(flat + network.blocks[block].filter, block * network.configuration.degrees)
  }
  /// [degree][re, -im][out][in] of a block.
  @inline(__always) func filterAdjoint(_ block: Int) -> SpectralConvolution.Weights {
    let c = network.configuration
    return weights(
      filters.pointer + block * c.degrees * 2 * c.embed_dim * c.embed_dim,
      (network.blocks.count + block) * c.degrees)
  }
  @inline(__always) private func weights(
    _ start: UnsafePointer<Float>, _ place: Int
  ) -> SpectralConvolution.Weights {
    .init(
      start: start, parts: filterParts.pointer + place * filterWords, words: filterWords,
      precision: Self.filterPrecision)
  }
}
