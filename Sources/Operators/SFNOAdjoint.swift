import Basics
import Sphere

extension SFNO {
  /// The adjoint of one recorded `forward`: gradients of a loss for every weight and, where wanted, the input.
  ///
  /// - Parameters:
  ///   - outputGradient: dL/d output [out_chans][point].
  ///   - gradient: flat, as `layout`; this sample's share is added. Complex weights get dL/dRe, dL/dIm.
  ///   - inputGradient: dL/d input [inp_chans][point], overwritten; nil where not wanted.
  ///   - space: the workspace, made with `recording`, that the forward call used.
  public func adjoint(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, _ space: SFNOWorkspace
  ) {
    guard let encoderHidden = space.encoderHidden?.pointer, let decoderHidden = space.decoderHidden?.pointer
    else { return }
    let c = configuration
    let e = c.embed_dim
    let points = grid.pointCount
    var (current, other) = (space.gradients[0].pointer, space.gradients[1].pointer)
    pairAdjoint(
      parameters, gradient, x: space.blockInput(blocks.count), inputs: e, outputs: c.out_chans, points,
      first: weights.decode1, bias: weights.decode1Bias, second: weights.decode2, hidden: decoderHidden,
      dy: outputGradient, dx: current, space)
    gemm(
      false, true, c.out_chans, c.inp_chans, points, 1, outputGradient, points, input, points, 1,
      gradient + weights.bigSkip, c.inp_chans)
    for i in blocks.indices.reversed() {
      blockAdjoint(i, parameters, gradient, dy: current, dx: other, space)
      swap(&current, &other)
    }
    pairAdjoint(
      parameters, gradient, x: input, inputs: c.inp_chans, outputs: e, points, first: weights.encode1,
      bias: weights.encode1Bias, second: weights.encode2, hidden: encoderHidden, dy: current,
      dx: inputGradient, space)
    if let inputGradient {
      gemm(
        true, false, c.inp_chans, points, c.out_chans, 1, parameters + weights.bigSkip, c.inp_chans,
        outputGradient, points, 1, inputGradient, points)
    }
  }

  /// Adjoint of y = W2 gelu(W1 x + b), tile by tile.
  private func pairAdjoint(
    _ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>,
    inputs: Int, outputs: Int, _ points: Int, first: Int, bias: Int, second: Int,
    hidden: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>?,
    _ space: SFNOWorkspace
  ) {
    let middle = configuration.embed_dim
    let (g, d) = (space.wide.pointer, space.wideBefore.pointer)
    var start = 0
    while start < points {
      let n = min(tile, points - start)
      gemm(true, false, middle, n, outputs, 1, parameters + second, middle, dy + start, points, 0, d, n)
      for k in 0..<middle {
        PointwiseKernels.affineGeluAdjoint(
          hidden + k * points + start, 1, parameters[bias + k], n, into: g + k * n, d + k * n)
        gradient[bias + k] += PointwiseKernels.sum(d + k * n, n)
      }
      gemm(false, true, outputs, middle, n, 1, dy + start, points, g, n, 1, gradient + second, middle)
      gemm(false, true, middle, inputs, n, 1, d, n, x + start, points, 1, gradient + first, inputs)
      if let dx {
        gemm(true, false, inputs, n, middle, 1, parameters + first, inputs, d, n, 0, dx + start, points)
      }
      start += n
    }
  }

  private func blockAdjoint(
    _ i: Int, _ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
    dy: UnsafeMutablePointer<Float>, dx: UnsafeMutablePointer<Float>, _ space: SFNOWorkspace
  ) {
    guard let hidden = space.hidden(i) else { return }
    let block = blocks[i]
    let e = configuration.embed_dim
    let h = configuration.hidden
    let (into, out, resampled) = transforms(i)
    let points = out.grid.pointCount
    let x = space.blockInput(i)
    let residual = resampled ? space.residual(i) : x
    let (dResidual, dMixed) = (space.gradients[2].pointer, space.gradients[3].pointer)

    // y = norm1(mixed) + S r
    gemm(false, true, e, e, points, 1, dy, points, residual, points, 1, gradient + block.skip, e)
    gemm(true, false, e, points, e, 1, parameters + block.skip, e, dy, points, 0, dResidual, points)
    let mixed = space.mixed(i)
    let lines1 = space.lines(2 * i + 1)
    for k in 0..<e {
      let (row, drow) = (mixed + k * points, dy + k * points)
      let (sum, product) = blockSums(drow, row, points)
      let line = InstanceNorm.adjointLine(
        lines1, channel: k, channels: e, points: points, sum: sum, product: product,
        weightGradient: gradient + block.norm1Weight, biasGradient: gradient + block.norm1Bias)
      PointwiseKernels.combine(drow, line.a, row, line.b, line.c, points, into: dMixed + k * points)
    }

    // mixed = M2 gelu(M1 u + b), u = gelu(norm0(filtered)); dy's memory takes d filtered.
    let filtered = space.filteredField(i)
    let lines0 = space.lines(2 * i)
    let (u, g, d) = (space.narrow.pointer, space.wide.pointer, space.wideBefore.pointer)
    var start = 0
    while start < points {
      let n = min(tile, points - start)
      gemm(true, false, h, n, e, 1, parameters + block.down, h, dMixed + start, points, 0, d, n)
      for k in 0..<h {
        PointwiseKernels.affineGeluAdjoint(
          hidden + k * points + start, 1, parameters[block.upBias + k], n, into: g + k * n, d + k * n)
        gradient[block.upBias + k] += PointwiseKernels.sum(d + k * n, n)
      }
      gemm(false, true, e, h, n, 1, dMixed + start, points, g, n, 1, gradient + block.down, h)
      for k in 0..<e {
        PointwiseKernels.affineGelu(
          filtered + k * points + start, lines0[k], lines0[e + k], n, into: u + k * n)
      }
      gemm(false, true, h, e, n, 1, d, n, u, n, 1, gradient + block.up, e)
      gemm(true, false, e, n, h, 1, parameters + block.up, e, d, n, 0, dy + start, points)
      start += n
    }
    for k in 0..<e {
      let (row, drow) = (filtered + k * points, dy + k * points)
      var (sum, product) = (0.0, 0.0)
      var start = 0
      while start < points {
        let n = min(4096, points - start)
        let part = PointwiseKernels.geluSlope(row + start, lines0[k], lines0[e + k], n, drow + start)
        sum += Double(part.sum)
        product += Double(part.product)
        start += n
      }
      let line = InstanceNorm.adjointLine(
        lines0, channel: k, channels: e, points: points, sum: sum, product: product,
        weightGradient: gradient + block.norm0Weight, biasGradient: gradient + block.norm0Bias)
      PointwiseKernels.combine(drow, line.a, row, line.b, line.c, points, into: drow)
    }

    // filtered = SHT^-1(X W), X = SHT x
    let dFiltered = space.filtered.pointer
    let dSpectrum = space.spectralGradient.pointer
    out.inverseAdjoint(dy, count: e, into: dFiltered, space.transformWorkspace)
    convolution.adjoint(
      space.spectrum(i), parameters + block.filter, dFiltered, into: dSpectrum,
      weights: gradient + block.filter)
    if resampled {
      out.inverseAdjoint(dResidual, count: e, into: dFiltered, space.transformWorkspace)
      for m in 0..<into.orders {
        let start = (m * into.degrees + m) * 2 * e
        PointwiseKernels.add(dFiltered + start, (into.degrees - m) * 2 * e, to: dSpectrum + start)
      }
    }
    into.forwardAdjoint(dSpectrum, count: e, into: dx, space.transformWorkspace)
    if !resampled { PointwiseKernels.add(dResidual, e * points, to: dx) }
  }

  private func blockSums(_ d: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ count: Int) -> (
    Double, Double
  ) {
    var (sum, product) = (0.0, 0.0)
    var start = 0
    while start < count {
      let n = min(4096, count - start)
      let part = PointwiseKernels.sums(d + start, x + start, n)
      sum += Double(part.0)
      product += Double(part.1)
      start += n
    }
    return (sum, product)
  }
}
