import Basics
import Foundation
import Kernels
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
/// as `SFNOWeights`. A sample is one call with its own workspace, on one thread or a team; every product has
/// the same shape in every call, so a sample's bits depend neither on its company nor on the team.
///
/// Inputs and outputs are [channel][latitude][longitude]; in between, fields are [latitude][longitude]
/// [channel]: every product then is a small matrix times rows of channels that lie side by side.
public final class SFNO: Sendable {
  /// Sizes.
  public let configuration: SFNOConfiguration
  /// Where the weights lie.
  public let layout: ParameterLayout
  /// The grid of inputs and outputs.
  public let grid: SphereGrid
  let outer: ChannelTransform
  let inner: ChannelTransform
  let innerGrid: SphereGrid
  let convolution: SpectralConvolution
  /// Whether outer and inner transforms differ.
  let resamples: Bool
  let blocks: [Block]
  let weights: Weights
  /// The 1x1 convolutions; blocks and weights name them by index.
  let matrices: [SFNOWeights.Matrix]
  /// Numbers that the gradients of matrices whose rows are no whole vectors take, rows padded.
  let gradientPadCount: Int
  /// Channels padded to whole vectors: latent, hidden, in and out.
  let embed, hidden, inputs, outputs: Int
  /// Points a tile of the pointwise stages has: its scratch stays in the second-level cache.
  let tile: Int
  /// Whether the next tile has room in that cache beside this one.
  let prefetches: Bool

  /// Offsets of a block's tensors in the flat array, and indices of its matrices.
  struct Block: Sendable {
    let filter, norm0Weight, norm0Bias, norm1Weight, norm1Bias, upBias: Int
    let skip, up, down: Int
  }
  /// Likewise of the other tensors.
  struct Weights: Sendable {
    let encode1Bias, decode1Bias: Int
    let encode1, encode2, decode1, decode2, bigSkip: Int
  }

  /// Plans a network.
  /// - Throws: `ApusError` of kind `badData` for a configuration that is not HENS' architecture.
  public init(_ configuration: SFNOConfiguration) throws {
    try configuration.validate()
    self.configuration = configuration
    let layout = ParameterLayout(configuration)
    self.layout = layout
    let (e, h) = (configuration.embed_dim, configuration.hidden)
    embed = ChannelPadding.padded(e)
    hidden = ChannelPadding.padded(h)
    inputs = ChannelPadding.padded(configuration.inp_chans)
    outputs = ChannelPadding.padded(configuration.out_chans)
    grid = try configuration.outerGrid()
    innerGrid = try configuration.innerGrid()
    resamples = grid != innerGrid
    let (degrees, orders) = (configuration.degrees, configuration.orders)
    outer = ChannelTransform(grid: grid, degrees: degrees, orders: orders, channels: embed)
    inner =
      resamples
      ? ChannelTransform(grid: innerGrid, degrees: degrees, orders: outer.orders, channels: embed) : outer
    convolution = SpectralConvolution(
      channels: e, degrees: degrees, orders: inner.orders, stride: inner.spectrumStride)
    var matrices: [SFNOWeights.Matrix] = []
    var padCount = 0
    func matrix(_ name: String, _ outputs: Int, _ inputs: Int) -> Int {
      let width = ChannelPadding.padded(inputs)
      let pad = width == inputs ? nil : padCount
      if pad != nil { padCount += outputs * width }
      matrices.append(
        .init(flat: layout.offset(name), outputs: outputs, inputs: inputs, gradientPad: pad))
      return matrices.count - 1
    }
    weights = Weights(
      encode1Bias: layout.offset("model.encoder.fwd.0.bias"),
      decode1Bias: layout.offset("model.decoder.fwd.0.bias"),
      encode1: matrix("model.encoder.fwd.0.weight", e, configuration.inp_chans),
      encode2: matrix("model.encoder.fwd.2.weight", e, e),
      decode1: matrix("model.decoder.fwd.0.weight", e, e),
      decode2: matrix("model.decoder.fwd.2.weight", configuration.out_chans, e),
      bigSkip: matrix("model.residual_transform.weight", configuration.out_chans, configuration.inp_chans))
    var blocks: [Block] = []
    for i in 0..<configuration.num_layers {
      func at(_ name: String) -> Int { layout.offset("model.blocks.\(i)." + name) }
      blocks.append(
        Block(
          filter: at("filter.filter.weight"), norm0Weight: at("norm0.weight"), norm0Bias: at("norm0.bias"),
          norm1Weight: at("norm1.weight"), norm1Bias: at("norm1.bias"), upBias: at("mlp.fwd.0.bias"),
          skip: matrix("model.blocks.\(i).outer_skip.weight", e, e),
          up: matrix("model.blocks.\(i).mlp.fwd.0.weight", h, e),
          down: matrix("model.blocks.\(i).mlp.fwd.3.weight", e, h)))
    }
    self.blocks = blocks
    self.matrices = matrices
    gradientPadCount = padCount
    prefetches = embed <= 256
    tile = prefetches ? 96 : 1440
  }

  /// Floating-point operations of one forward step (a multiply and an add are two), by the products alone.
  public var operationsPerStep: Double {
    let c = configuration
    let (e, h, points) = (Double(c.embed_dim), Double(c.hidden), Double(grid.pointCount))
    let innerPoints = Double(innerGrid.pointCount)
    func transformOps(_ t: ChannelTransform) -> Double { t.operationsPerChannel * e }
    var total = 2 * points * (Double(c.inp_chans) * e + e * e + e * e + e * Double(c.out_chans))
    total += 2 * points * Double(c.inp_chans * c.out_chans)
    let harmonics = (0..<c.degrees).reduce(0.0) { $0 + Double(min($1 + 1, inner.orders)) }
    for i in 0..<c.num_layers {
      let p = i == c.num_layers - 1 ? points : innerPoints
      total += 2 * p * (2 * e * h + e * e) + 8 * e * e * harmonics
      let (into, out, resampled) = transforms(i)
      total += transformOps(into) + transformOps(out) * (resampled ? 2 : 1)
    }
    return total
  }

  /// The transform into a block, out of it, and whether the residual passes through them.
  func transforms(_ block: Int) -> (ChannelTransform, ChannelTransform, Bool) {
    let into = block == 0 ? outer : inner
    let out = block == blocks.count - 1 ? outer : inner
    return (into, out, into !== out)
  }

  /// Numbers of a `modulation`.
  public var modulationCount: Int { 4 * blocks.count * embed }

  /// Scratch for one sample, shared by `threads` threads.
  public func makeWorkspace(threads: Int = 1) -> SFNOWorkspace {
    SFNOWorkspace(self, record: nil, threads: threads)
  }

  /// The same for one thread, with room for what the adjoint needs.
  public func makeWorkspace(recording record: SpectralRecord) -> SFNOWorkspace {
    SFNOWorkspace(self, record: record, threads: 1)
  }

  /// Room for what the gradient of the spectral weights needs of one sample.
  public func makeRecord() -> SpectralRecord { SpectralRecord(self) }

  /// Calls `body` for every tile of `points` points.
  func eachTile(
    _ points: Int, _ space: SFNOWorkspace, _ body: (_ tile: PointTile, _ scratch: SFNOWorkspace.Tile) -> Void
  ) {
    let step = tile * space.team.threads
    space.team.each((points + tile - 1) / tile) { number, thread in
      let start = number * self.tile
      let next = self.prefetches ? min(start + step, points) : points
      body(
        PointTile(
          number: number, start: start, count: min(self.tile, points - start), nextStart: next,
          nextCount: min(self.tile, points - next)),
        space.tiles[thread])
    }
  }

  /// One sample forward.
  /// - Parameters:
  ///   - input: [inp_chans][latitude][longitude], normalised.
  ///   - output: [out_chans][latitude][longitude], normalised.
  ///   - modulation: what is added to the weights and biases of the instance norms for this sample,
  ///     [block][norm0 weight, norm0 bias, norm1 weight, norm1 bias][embed padded]; nil, as in HENS, for nothing.
  public func forward(
    _ parameters: SFNOWeights, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    modulation: UnsafePointer<Float>? = nil, _ space: SFNOWorkspace
  ) {
    let c = configuration
    let (e, points, w) = (embed, grid.pointCount, weights)
    let flat = parameters.flat
    let first = space.blockInput(0)
    eachTile(points, space) { tile, scratch in
      let (start, n) = (tile.start, tile.count)
      ChannelPasses.interleave(
        input + start, stride: points, channels: c.inp_chans, points: n, padded: self.inputs,
        into: scratch.input.pointer)
      let before =
        space.isRecording ? space.encoderHidden.pointer + start * e : scratch.wideBefore.pointer
      Product.run(
        rows: n, columns: e, depth: c.inp_chans, MatrixView(scratch.input.pointer, row: self.inputs),
        parameters.forward(w.encode1), before, cRow: e, ahead: tile.here(first, e))
      ChannelPasses.biasGELU(
        before, points: n, channels: e, bias: flat + w.encode1Bias, into: scratch.narrow.pointer)
      Product.run(
        rows: n, columns: e, depth: c.embed_dim, MatrixView(scratch.narrow.pointer, row: e),
        parameters.forward(w.encode2), first + start * e, cRow: e,
        ahead: space.isRecording ? tile.next(space.encoderHidden.pointer, e) : nil)
    }
    for i in blocks.indices { forwardBlock(i, parameters, modulation, space) }
    let last = UnsafePointer(space.blockInput(blocks.count))
    eachTile(points, space) { tile, scratch in
      let (start, n) = (tile.start, tile.count)
      let before =
        space.isRecording ? space.decoderHidden.pointer + start * e : scratch.wideBefore.pointer
      Product.run(
        rows: n, columns: e, depth: c.embed_dim, MatrixView(last + start * e, row: e),
        parameters.forward(w.decode1), before, cRow: e,
        ahead: tile.next(last, e, and: space.isRecording ? space.decoderHidden.pointer : nil))
      ChannelPasses.biasGELU(
        before, points: n, channels: e, bias: flat + w.decode1Bias, into: scratch.narrow.pointer)
      Product.run(
        rows: n, columns: self.outputs, depth: c.embed_dim, MatrixView(scratch.narrow.pointer, row: e),
        parameters.forward(w.decode2), scratch.output.pointer, cRow: self.outputs)
      ChannelPasses.interleave(
        input + start, stride: points, channels: c.inp_chans, points: n, padded: self.inputs,
        into: scratch.input.pointer)
      Product.run(
        rows: n, columns: self.outputs, depth: c.inp_chans,
        MatrixView(scratch.input.pointer, row: self.inputs), parameters.forward(w.bigSkip),
        scratch.output.pointer, cRow: self.outputs, accumulate: true)
      ChannelPasses.separate(
        scratch.output.pointer, stride: points, channels: c.out_chans, points: n, padded: self.outputs,
        into: output + start)
    }
  }

  private func forwardBlock(
    _ i: Int, _ parameters: SFNOWeights, _ modulation: UnsafePointer<Float>?, _ space: SFNOWorkspace
  ) {
    let block = blocks[i]
    let (e, h) = (embed, hidden)
    let (depth, hiddenDepth) = (configuration.embed_dim, configuration.hidden)
    let (into, out, resampled) = transforms(i)
    let points = out.grid.pointCount
    let flat = parameters.flat
    let spectrum = space.spectrum(i)
    into.forward(space.blockInput(i), into: spectrum, space.transform)
    let residual = UnsafePointer(resampled ? space.residual(i) : space.blockInput(i))
    if resampled { out.inverse(spectrum, into: space.residual(i), space.transform) }
    convolution.apply(spectrum, parameters.filter(i), into: space.filtered.pointer, space.team)
    let filtered = space.filteredField(i)
    out.inverse(space.filtered.pointer, into: filtered, moments: space.parts.pointer, space.transform)
    let lines0 = space.lines(2 * i)
    InstanceNorm.merge(
      space.parts.pointer, partPoints: out.grid.longitudeCount, points: points, channels: depth,
      weight: flat + block.norm0Weight, bias: flat + block.norm0Bias,
      modulation: modulation.map { $0 + 4 * i * e }, into: lines0)
    let mixed = space.mixed(i)
    eachTile(points, space) { tile, scratch in
      let (start, n) = (tile.start, tile.count)
      ChannelPasses.affineGELU(
        filtered + start * e, points: n, channels: e, scale: lines0, shift: lines0 + e,
        into: scratch.narrow.pointer)
      let before = space.hidden(i).map { $0 + start * h } ?? scratch.wideBefore.pointer
      Product.run(
        rows: n, columns: h, depth: depth, MatrixView(scratch.narrow.pointer, row: e),
        parameters.forward(block.up), before, cRow: h, ahead: tile.next(filtered, e, and: mixed))
      ChannelPasses.biasGELU(
        before, points: n, channels: h, bias: flat + block.upBias, into: scratch.wide.pointer)
      // The bias of the second convolution shifts a channel as a whole, which norm1 takes away again.
      Product.run(
        rows: n, columns: e, depth: hiddenDepth, MatrixView(scratch.wide.pointer, row: h),
        parameters.forward(block.down), mixed + start * e, cRow: e,
        ahead: space.hidden(i).flatMap { tile.next($0, h) })
      ChannelPasses.moments(
        mixed + start * e, points: n, channels: e, into: space.parts.pointer + tile.number * 2 * e)
    }
    let lines1 = space.lines(2 * i + 1)
    InstanceNorm.merge(
      space.parts.pointer, partPoints: tile, points: points, channels: depth,
      weight: flat + block.norm1Weight, bias: flat + block.norm1Bias,
      modulation: modulation.map { $0 + (4 * i + 2) * e }, into: lines1)
    let y = space.blockInput(i + 1)
    eachTile(points, space) { tile, _ in
      let (start, n) = (tile.start, tile.count)
      ChannelPasses.affine(
        mixed + start * e, points: n, channels: e, scale: lines1, shift: lines1 + e, into: y + start * e)
      Product.run(
        rows: n, columns: e, depth: depth, MatrixView(residual + start * e, row: e),
        parameters.forward(block.skip), y + start * e, cRow: e, accumulate: true,
        ahead: tile.next(mixed, e, and: residual))
    }
  }
}
