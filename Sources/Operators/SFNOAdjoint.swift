import Basics
import Kernels
import Sphere

extension SFNO {
  /// The adjoint of one recorded `forward`: gradients of a loss for every weight and, where wanted, the input.
  ///
  /// The spectral weights, nearly all there are, can wait: with `filters` false, the record of `space` keeps
  /// what their gradient needs, and `addFilterGradients` computes it for all samples of a batch at once, so that it
  /// crosses the memory once instead of once a sample.
  ///
  /// - Parameters:
  ///   - parameters: made for the adjoint.
  ///   - outputGradient: dL/d output [out_chans][point].
  ///   - gradient: flat, as `layout`; this sample's share is added. Complex weights get dL/dRe, dL/dIm.
  ///   - inputGradient: dL/d input [inp_chans][point], overwritten; nil where not wanted.
  ///   - modulationGradient: dL/d modulation of `forward`, written over; nil where it had none.
  ///   - space: the workspace, made for recording, that the forward call used, with the same record.
  public func adjoint(
    _ parameters: SFNOWeights, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    modulationGradient: UnsafeMutablePointer<Float>? = nil, filters: Bool = true, _ space: SFNOWorkspace
  ) {
    guard space.isRecording, let record = space.record else { return }
    let c = configuration
    let (e, points, w) = (embed, grid.pointCount, weights)
    let (flat, precision) = (parameters.flat, parameters.precision)
    let scratch = space.tiles[0]
    let (u, d) = (scratch.wide.pointer, scratch.wideBefore.pointer)
    let (xTile, yTile) = (scratch.input.pointer, scratch.output.pointer)
    var (current, other) = (space.gradients[0].pointer, space.gradients[1].pointer)
    let last = UnsafePointer(space.blockInput(blocks.count))
    space.gradientPads.pointer.update(repeating: 0, count: space.gradientPads.count)
    func packInput(_ start: Int, _ n: Int) {
      ChannelPasses.interleave(
        input + start, stride: points, channels: c.inp_chans, points: n, padded: inputs, into: xTile)
    }
    func packOutput(_ start: Int, _ n: Int) {
      ChannelPasses.interleave(
        outputGradient + start, stride: points, channels: c.out_chans, points: n, padded: outputs, into: yTile
      )
    }

    // y = D2 gelu(D1 x + b) + R x_in
    let target = current
    eachTile(points, space) { tile, _ in
      let (start, n) = (tile.start, tile.count)
      packOutput(start, n)
      packInput(start, n)
      Product.run(
        rows: n, columns: e, depth: c.out_chans, MatrixView(yTile, row: outputs),
        parameters.adjoint(w.decode2), d, cRow: e)
      ChannelPasses.biasGELUAdjoint(
        space.decoderHidden.pointer + start * e, points: n, channels: e, bias: flat + w.decode1Bias, into: u,
        d, addingTo: gradient + w.decode1Bias)
      addWeightGradient(w.decode2, yTile, outputs, u, n, gradient, space, precision)
      addWeightGradient(w.bigSkip, yTile, outputs, xTile, n, gradient, space, precision)
      addWeightGradient(
        w.decode1, d, e, last + start * e, n, gradient, space, precision,
        ahead: tile.next(last, e, and: space.decoderHidden.pointer))
      Product.run(
        rows: n, columns: e, depth: c.embed_dim, MatrixView(d, row: e), parameters.adjoint(w.decode1),
        target + start * e, cRow: e, ahead: tile.next(target, e))
    }

    for i in blocks.indices.reversed() {
      blockAdjoint(
        i, parameters, gradient, modulationGradient.map { $0 + 4 * i * e }, dy: current, dx: other, space)
      swap(&current, &other)
    }

    // x = E2 gelu(E1 x_in + b)
    let dEncoded = UnsafePointer(current)
    eachTile(points, space) { tile, _ in
      let (start, n) = (tile.start, tile.count)
      packInput(start, n)
      Product.run(
        rows: n, columns: e, depth: c.embed_dim, MatrixView(dEncoded + start * e, row: e),
        parameters.adjoint(w.encode2), d, cRow: e,
        ahead: tile.here(space.encoderHidden.pointer, e))
      ChannelPasses.biasGELUAdjoint(
        space.encoderHidden.pointer + start * e, points: n, channels: e, bias: flat + w.encode1Bias, into: u,
        d, addingTo: gradient + w.encode1Bias)
      addWeightGradient(
        w.encode2, dEncoded + start * e, e, u, n, gradient, space, precision, ahead: tile.next(dEncoded, e))
      addWeightGradient(w.encode1, d, e, xTile, n, gradient, space, precision)
      guard let inputGradient else { return }
      packOutput(start, n)
      Product.run(
        rows: n, columns: inputs, depth: c.embed_dim, MatrixView(d, row: e), parameters.adjoint(w.encode1),
        xTile, cRow: inputs)
      Product.run(
        rows: n, columns: inputs, depth: c.out_chans, MatrixView(yTile, row: outputs),
        parameters.adjoint(w.bigSkip), xTile, cRow: inputs, accumulate: true)
      ChannelPasses.separate(
        xTile, stride: points, channels: c.inp_chans, points: n, padded: inputs, into: inputGradient + start)
    }
    flush(space, into: gradient)
    if filters { addFilterGradients([record], to: gradient, accumulate: true, threads: 1) }
  }

  /// Gradients of the spectral weights from samples whose `adjoint` left them out, added in the order of their
  /// records.
  /// - Parameters:
  ///   - gradient: flat, as `layout`.
  ///   - accumulate: whether to add to it or to write over it.
  public func addFilterGradients(
    _ records: [SpectralRecord], to gradient: UnsafeMutablePointer<Float>, accumulate: Bool, threads: Int
  ) {
    let degrees = configuration.degrees
    Team(threads: threads).each(blocks.count * degrees) { index, _ in
      let (i, l) = (index % self.blocks.count, degrees - 1 - index / self.blocks.count)
      var adds = accumulate
      for (number, record) in records.enumerated() {
        let next = number + 1 < records.count ? records[number + 1] : nil
        self.convolution.weightGradient(
          l, record.spectra[i].pointer, record.filteredGradients[i].pointer,
          into: gradient + self.blocks[i].filter, accumulate: adds,
          next: next.map {
            (UnsafePointer($0.spectra[i].pointer), UnsafePointer($0.filteredGradients[i].pointer))
          })
        adds = true
      }
    }
  }

  private func blockAdjoint(
    _ i: Int, _ parameters: SFNOWeights, _ gradient: UnsafeMutablePointer<Float>,
    _ modulationGradient: UnsafeMutablePointer<Float>?, dy: UnsafeMutablePointer<Float>,
    dx: UnsafeMutablePointer<Float>, _ space: SFNOWorkspace
  ) {
    guard let hiddenField = space.hidden(i), let record = space.record else { return }
    let block = blocks[i]
    let (e, h) = (embed, hidden)
    let (depth, hiddenDepth) = (configuration.embed_dim, configuration.hidden)
    let (into, out, resampled) = transforms(i)
    let points = out.grid.pointCount
    let (flat, precision) = (parameters.flat, parameters.precision)
    let x = UnsafePointer(space.blockInput(i))
    let residual = resampled ? UnsafePointer(space.residual(i)) : x
    // Where the residual is the input itself, its gradient starts dx.
    let dResidual = resampled ? space.gradients[2].pointer : dx
    let scratch = space.tiles[0]
    let (u, slope, g, d) = (
      scratch.narrow.pointer, scratch.slope.pointer, scratch.wide.pointer, scratch.wideBefore.pointer
    )
    let tileCount = (points + tile - 1) / tile
    let sums = space.parts.pointer
    let mixed = UnsafePointer(space.mixed(i))
    let filtered = UnsafePointer(space.filteredField(i))

    // y = norm1(mixed) + S r
    eachTile(points, space) { tile, _ in
      let (start, n) = (tile.start, tile.count)
      addWeightGradient(
        block.skip, dy + start * e, e, residual + start * e, n, gradient, space, precision,
        ahead: tile.next(dy, e, and: residual))
      Product.run(
        rows: n, columns: e, depth: depth, MatrixView(dy + start * e, row: e), parameters.adjoint(block.skip),
        dResidual + start * e, cRow: e, ahead: tile.next(dResidual, e, and: mixed))
      ChannelPasses.sums(
        dy + start * e, mixed + start * e, points: n, channels: e, into: sums + tile.number * 2 * e)
    }
    InstanceNorm.adjointLines(
      space.lines(2 * i + 1), sums: sums, parts: tileCount, points: points, channels: depth,
      weightGradient: gradient + block.norm1Weight, biasGradient: gradient + block.norm1Bias,
      modulationGradient: modulationGradient.map { $0 + 2 * e },
      into: space.adjointLines)

    // mixed = M2 gelu(M1 u + b), u = gelu(norm0(filtered)); dy's memory takes d mixed, then d filtered.
    let lines0 = space.lines(2 * i)
    eachTile(points, space) { tile, _ in
      let (start, n) = (tile.start, tile.count)
      let dMixed = dy + start * e
      ChannelPasses.combine(
        dMixed, mixed + start * e, points: n, channels: e, lines: space.adjointLines, into: dMixed)
      Product.run(
        rows: n, columns: h, depth: depth, MatrixView(dMixed, row: e), parameters.adjoint(block.down), d,
        cRow: h, ahead: tile.here(hiddenField, h))
      ChannelPasses.biasGELUAdjoint(
        hiddenField + start * h, points: n, channels: h, bias: flat + block.upBias, into: g, d,
        addingTo: gradient + block.upBias)
      addWeightGradient(
        block.down, dMixed, e, g, n, gradient, space, precision, ahead: tile.here(filtered, e))
      ChannelPasses.affineGELUWithSlope(
        filtered + start * e, points: n, channels: e, scale: lines0, shift: lines0 + e, into: u, slope: slope)
      addWeightGradient(block.up, d, h, u, n, gradient, space, precision, ahead: tile.next(dy, e, and: mixed))
      Product.run(
        rows: n, columns: e, depth: hiddenDepth, MatrixView(d, row: h), parameters.adjoint(block.up),
        dMixed, cRow: e)
      ChannelPasses.multiply(
        dMixed, by: slope, filtered + start * e, points: n, channels: e, sums: sums + tile.number * 2 * e)
    }
    InstanceNorm.adjointLines(
      lines0, sums: sums, parts: tileCount, points: points, channels: depth,
      weightGradient: gradient + block.norm0Weight, biasGradient: gradient + block.norm0Bias,
      modulationGradient: modulationGradient,
      into: space.adjointLines)

    // filtered = SHT^-1(X W), X = SHT x
    let dFiltered = record.filteredGradients[i].pointer
    let dSpectrum = space.spectralGradient.pointer
    out.inverseAdjoint(
      combining: dy, filtered, lines: space.adjointLines, into: dFiltered, space.transform)
    convolution.apply(dFiltered, parameters.filterAdjoint(i), into: dSpectrum, space.team)
    if resampled {
      let spread = space.filtered.pointer
      out.inverseAdjoint(dResidual, into: spread, space.transform)
      for l in 0..<into.degrees {
        let start = into.spectrumOffset(l, 0)
        ChannelPasses.add(spread + start, min(l + 1, into.orders) * 2 * e, to: dSpectrum + start)
      }
    }
    into.forwardAdjoint(dSpectrum, into: dx, accumulate: !resampled, space.transform)
  }

  /// dW [outputs][inputs] += sum over points of dy [point][outputs] x [point][inputs].
  private func addWeightGradient(
    _ index: Int, _ dy: UnsafePointer<Float>, _ dyRow: Int, _ x: UnsafePointer<Float>, _ points: Int,
    _ gradient: UnsafeMutablePointer<Float>, _ space: SFNOWorkspace, _ precision: ProductPrecision,
    ahead: Prefetch? = nil
  ) {
    let matrix = matrices[index]
    let width = matrix.inputsPadded
    let target = matrix.gradientPad.map { space.gradientPads.pointer + $0 } ?? gradient + matrix.flat
    Product.run(
      rows: matrix.outputs, columns: width, depth: points, MatrixView(transposed: dy, row: dyRow), x,
      bRow: width, target, cRow: width, accumulate: true, precision: precision, ahead: ahead)
  }

  /// Adds what was gathered in padded rows to the flat gradient.
  private func flush(_ space: SFNOWorkspace, into gradient: UnsafeMutablePointer<Float>) {
    for matrix in matrices {
      guard let offset = matrix.gradientPad else { continue }
      for o in 0..<matrix.outputs {
        let (source, target) = (
          space.gradientPads.pointer + offset + o * matrix.inputsPadded,
          gradient + matrix.flat + o * matrix.inputs
        )
        for i in 0..<matrix.inputs { target[i] += source[i] }
      }
    }
  }
}
