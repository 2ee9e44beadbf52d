import Basics
import Foundation
import Sphere

/// The Spherical Fourier Neural Operator of HENS: one step of the forecaster (spec/hens.md 1.3).
///
///     residual = R x_in
///     x = E2 gelu(E1 x_in + b)
///     for every block:  X = SHT x;  r = x (resampled through X where the grids differ)
///                       x = norm0(SHT^-1(X W));  u = gelu(x)
///                       x = norm1(M2 gelu(M1 u + b) + b) + S r
///     y = D2 gelu(D1 x + b) + residual
///
/// This class is the plan: grids, transforms, sizes. It holds no weights; `forward` and `adjoint` take them
/// as one flat array laid out by `layout`. A sample is one call on one thread with its own workspace, and
/// every product has the same shape in every call, so a sample's bits do not depend on its company.
///
/// Fields are [channel][latitude][longitude].
public final class SFNO: Sendable {
  /// Sizes.
  public let configuration: SFNOConfiguration
  /// Where the weights lie.
  public let layout: ParameterLayout
  /// The grid of inputs and outputs.
  public let grid: SphereGrid
  let outer: SphericalTransform<Float>
  let inner: SphericalTransform<Float>
  let innerGrid: SphereGrid
  let convolution: SpectralConvolution
  /// Whether outer and inner transforms differ.
  let resamples: Bool
  let blocks: [Block]
  let weights: Weights
  /// Points a tile of the pointwise stages has: hidden x tile floats stay in the second-level cache.
  let tile: Int

  /// Offsets of a block's tensors in the flat array.
  struct Block: Sendable {
    let filter, norm0Weight, norm0Bias, norm1Weight, norm1Bias, skip: Int
    let up, upBias, down, downBias: Int
  }
  /// Offsets of the other tensors.
  struct Weights: Sendable {
    let encode1, encode1Bias, encode2, decode1, decode1Bias, decode2, bigSkip: Int
  }

  /// Plans a network.
  /// - Throws: `ApusError` of kind `badData` for a configuration that is not HENS' architecture.
  public init(_ configuration: SFNOConfiguration) throws {
    try configuration.validate()
    self.configuration = configuration
    let layout = ParameterLayout(configuration)
    self.layout = layout
    grid = try configuration.outerGrid()
    innerGrid = try configuration.innerGrid()
    resamples = grid != innerGrid
    let (degrees, orders) = (configuration.degrees, configuration.orders)
    outer = SphericalTransform(grid: grid, degrees: degrees, orders: orders)
    inner = resamples ? SphericalTransform(grid: innerGrid, degrees: degrees, orders: orders) : outer
    convolution = SpectralConvolution(
      channels: configuration.embed_dim, degrees: degrees, orders: inner.orders)
    blocks = (0..<configuration.num_layers).map { i in
      func at(_ name: String) -> Int { layout.offset("model.blocks.\(i)." + name) }
      return Block(
        filter: at("filter.filter.weight"), norm0Weight: at("norm0.weight"), norm0Bias: at("norm0.bias"),
        norm1Weight: at("norm1.weight"), norm1Bias: at("norm1.bias"), skip: at("outer_skip.weight"),
        up: at("mlp.fwd.0.weight"), upBias: at("mlp.fwd.0.bias"), down: at("mlp.fwd.3.weight"),
        downBias: at("mlp.fwd.3.bias"))
    }
    weights = Weights(
      encode1: layout.offset("model.encoder.fwd.0.weight"),
      encode1Bias: layout.offset("model.encoder.fwd.0.bias"),
      encode2: layout.offset("model.encoder.fwd.2.weight"),
      decode1: layout.offset("model.decoder.fwd.0.weight"),
      decode1Bias: layout.offset("model.decoder.fwd.0.bias"),
      decode2: layout.offset("model.decoder.fwd.2.weight"),
      bigSkip: layout.offset("model.residual_transform.weight"))
    tile = max(64, min(grid.pointCount, 98_304 / configuration.hidden / 16 * 16))
  }

  /// Floating-point operations of one forward step (a multiply and an add are two), by the products alone.
  public var operationsPerStep: Double {
    let c = configuration
    let (e, h, points) = (Double(c.embed_dim), Double(c.hidden), Double(grid.pointCount))
    let innerPoints = Double(innerGrid.pointCount)
    func transformOps(_ t: SphericalTransform<Float>) -> Double { t.operationsPerField * e }
    var total = 2 * points * (Double(c.inp_chans) * e + e * e + e * e + e * Double(c.out_chans))
    total += 2 * points * Double(c.inp_chans * c.out_chans)
    let harmonics = (0..<c.degrees).reduce(0.0) { $0 + Double(min($1 + 1, inner.orders)) }
    for i in 0..<c.num_layers {
      let p = i == c.num_layers - 1 ? points : innerPoints
      total += 2 * p * (2 * e * h + e * e) + 8 * e * e * harmonics
      total += transformOps(i == 0 ? outer : inner) + transformOps(i == c.num_layers - 1 ? outer : inner)
      if resamples && (i == 0 || i == c.num_layers - 1) && c.num_layers > 1 {
        total += transformOps(i == 0 ? inner : outer)
      }
    }
    return total
  }

  /// The transform into a block, out of it, and whether the residual passes through them.
  func transforms(_ block: Int) -> (SphericalTransform<Float>, SphericalTransform<Float>, Bool) {
    let into = block == 0 ? outer : inner
    let out = block == blocks.count - 1 ? outer : inner
    return (into, out, into !== out)
  }

  /// Scratch for one thread, and, if `recording`, room for what the adjoint needs.
  public func makeWorkspace(recording: Bool = false) -> SFNOWorkspace {
    SFNOWorkspace(self, recording: recording)
  }

  /// One sample forward.
  /// - Parameters:
  ///   - parameters: flat array as `layout` says.
  ///   - input: [inp_chans][latitude][longitude], normalised.
  ///   - output: [out_chans][latitude][longitude], normalised.
  public func forward(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    _ space: SFNOWorkspace
  ) {
    let c = configuration
    let e = c.embed_dim
    let points = grid.pointCount
    pointwisePair(
      input, c.inp_chans, e, e, points, first: parameters + weights.encode1,
      bias: parameters + weights.encode1Bias, second: parameters + weights.encode2,
      hidden: space.encoderHidden?.pointer, into: space.blockInput(0), beta: 0, space)
    for i in blocks.indices { forwardBlock(i, parameters, space) }
    gemm(
      false, false, c.out_chans, points, c.inp_chans, 1, parameters + weights.bigSkip, c.inp_chans, input,
      points, 0, output, points)
    pointwisePair(
      space.blockInput(blocks.count), e, e, c.out_chans, points, first: parameters + weights.decode1,
      bias: parameters + weights.decode1Bias, second: parameters + weights.decode2,
      hidden: space.decoderHidden?.pointer, into: output, beta: 1, space)
  }

  /// y = beta y + W2 gelu(W1 x + b), tile by tile; keeps W1 x (without b) in `hidden` where asked to.
  private func pointwisePair(
    _ x: UnsafePointer<Float>, _ inputs: Int, _ middle: Int, _ outputs: Int, _ points: Int,
    first: UnsafePointer<Float>, bias: UnsafePointer<Float>, second: UnsafePointer<Float>,
    hidden: UnsafeMutablePointer<Float>?, into y: UnsafeMutablePointer<Float>, beta: Float,
    _ space: SFNOWorkspace
  ) {
    let g = space.wide.pointer
    var start = 0
    while start < points {
      let n = min(tile, points - start)
      let h = hidden.map { $0 + start } ?? space.wideBefore.pointer
      let ldh = hidden == nil ? n : points
      gemm(false, false, middle, n, inputs, 1, first, inputs, x + start, points, 0, h, ldh)
      for k in 0..<middle { PointwiseKernels.affineGelu(h + k * ldh, 1, bias[k], n, into: g + k * n) }
      gemm(false, false, outputs, n, middle, 1, second, middle, g, n, beta, y + start, points)
      start += n
    }
  }

  private func forwardBlock(_ i: Int, _ parameters: UnsafePointer<Float>, _ space: SFNOWorkspace) {
    let block = blocks[i]
    let e = configuration.embed_dim
    let h = configuration.hidden
    let (into, out, resampled) = transforms(i)
    let points = out.grid.pointCount
    let x = space.blockInput(i)
    let spectrum = space.spectrum(i)
    into.forward(x, count: e, into: spectrum, space.transformWorkspace)
    let residual: UnsafeMutablePointer<Float>
    if resampled {
      residual = space.residual(i)
      out.inverse(spectrum, count: e, into: residual, space.transformWorkspace)
    } else {
      residual = x
    }
    convolution.forward(spectrum, parameters + block.filter, into: space.filtered.pointer)
    let filtered = space.filteredField(i)
    out.inverse(space.filtered.pointer, count: e, into: filtered, space.transformWorkspace)

    let lines0 = space.lines(2 * i)
    InstanceNorm.measure(
      filtered, channels: e, points: points, weight: parameters + block.norm0Weight,
      bias: parameters + block.norm0Bias, into: lines0)
    let mixed = space.mixed(i)
    let (u, g) = (space.narrow.pointer, space.wide.pointer)
    var start = 0
    while start < points {
      let n = min(tile, points - start)
      for k in 0..<e {
        PointwiseKernels.affineGelu(
          filtered + k * points + start, lines0[k], lines0[e + k], n, into: u + k * n)
      }
      let kept = space.hidden(i)
      let before = kept.map { $0 + start } ?? space.wideBefore.pointer
      let ldb = kept == nil ? n : points
      gemm(false, false, h, n, e, 1, parameters + block.up, e, u, n, 0, before, ldb)
      let bias = parameters + block.upBias
      for k in 0..<h { PointwiseKernels.affineGelu(before + k * ldb, 1, bias[k], n, into: g + k * n) }
      // The bias of the second convolution shifts a channel as a whole, which norm1 takes away again.
      gemm(false, false, e, n, h, 1, parameters + block.down, h, g, n, 0, mixed + start, points)
      start += n
    }
    let lines1 = space.lines(2 * i + 1)
    InstanceNorm.measure(
      mixed, channels: e, points: points, weight: parameters + block.norm1Weight,
      bias: parameters + block.norm1Bias, into: lines1)
    let y = space.blockInput(i + 1)
    for k in 0..<e {
      PointwiseKernels.affine(mixed + k * points, lines1[k], lines1[e + k], points, into: y + k * points)
    }
    gemm(false, false, e, points, e, 1, parameters + block.skip, e, residual, points, 1, y, points)
  }
}
