#if APUS_BF16
  import CVector

  /// A panel of C to which products of words are added, of two bfloat16 each: two neighbouring numbers of the depth.
  ///
  /// To a `RowTile` it is a panel as any other, over half the depth; what passes through it as Float are words.
  struct PairPanel<P: AddsPairs>: Panel {
    static var width: Int { P.width }
    var sums: P
    @inline(__always) static var zero: Self { Self(sums: .zero) }
    @inline(__always) init(sums: P) { self.sums = sums }
    @inline(__always) init(_ source: UnsafePointer<Float>) { sums = P(source) }
    @inline(__always) mutating func add(_ x: Float, _ row: Self) {
      sums.addPairs(Vector(repeating: x), row.sums)
    }
    @inline(__always) mutating func subtract(_ x: Float, _ row: Self) {
      add(Float(bitPattern: x.bitPattern ^ 0x8000_8000), row)
    }
    @inline(__always) func store(_ target: UnsafeMutablePointer<Float>) { sums.store(target) }
    @inline(__always) func addTo(_ target: UnsafeMutablePointer<Float>) { sums.addTo(target) }
  }

  /// A panel that adds up products of pairs.
  protocol AddsPairs: Panel {
    /// self += the products of the pairs of `x` and of those of `row`.
    mutating func addPairs(_ x: Vector, _ row: Self)
  }

  extension Panel16: AddsPairs {
    @inline(__always) mutating func addPairs(_ x: Vector, _ row: Panel16) {
      a = apus_add_pairs(a, row.a, x)
    }
  }

  extension Panel32: AddsPairs {
    @inline(__always) mutating func addPairs(_ x: Vector, _ row: Panel32) {
      a = apus_add_pairs(a, row.a, x)
      b = apus_add_pairs(b, row.b, x)
    }
  }

  extension Panel64: AddsPairs {
    @inline(__always) mutating func addPairs(_ x: Vector, _ row: Panel64) {
      a = apus_add_pairs(a, row.a, x)
      b = apus_add_pairs(b, row.b, x)
      c = apus_add_pairs(c, row.c, x)
      d = apus_add_pairs(d, row.d, x)
    }
  }
#endif
