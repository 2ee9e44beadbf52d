extension SphericalTransform {
  /// Calls `body` for every row of `count` numbers, one a field, of a native coefficient array: degree, order
  /// and place; real parts before imaginary ones, orders in turn.
  @inlinable public func eachRow(_ count: Int, _ body: (_ l: Int, _ m: Int, _ row: Int) -> Void) {
    for m in 0..<orders {
      for l in m..<degrees {
        for side in 0..<2 { body(l, m, ((m * degrees + l) * 2 + side) * count) }
      }
    }
  }

  /// Adds the power of `count` fields of a native coefficient array to `sums` [field][degree]: squared coefficients, summed
  /// over orders -l...l.
  @inlinable public func addPower(
    of spectrum: UnsafePointer<Scalar>, count: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    eachRow(count) { l, m, row in
      let twice = m == 0 ? 1.0 : 2  // for -m too
      for field in 0..<count {
        let x = Double(spectrum[row + field])
        sums[field * degrees + l] += twice * x * x
      }
    }
  }
}
