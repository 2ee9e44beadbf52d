import Sphere

extension SFNO {
  /// Floating-point operations of one `adjoint` without the input's gradient, by the products alone
  /// (a multiply and an add are two).
  ///
  /// A product with weights has two adjoints, towards its input and towards its weights; a transform has
  /// one. The tiles' activations are computed again without products.
  public var operationsPerAdjoint: Double {
    let c = configuration
    let (e, points) = (Double(c.embed_dim), Double(grid.pointCount))
    var transforms = 0.0
    for i in blocks.indices {
      let (into, out, resampled) = self.transforms(i)
      transforms += (into.operationsPerChannel + out.operationsPerChannel * (resampled ? 2 : 1)) * e
    }
    let inputGradients = 2 * points * Double(c.inp_chans) * (e + Double(c.out_chans))
    return 2 * (operationsPerStep - transforms) + transforms - inputGradients
  }
}
