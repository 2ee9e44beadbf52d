/// A few rows of C, a panel wide, that stay in registers while products are added to them.
protocol RowTile {
  associatedtype P: Panel
  static var zero: Self { get }
  /// c += sum over d of a[., d] b[d, .], or c -= it: a's rows `aRow` and its columns `aColumn` numbers apart.
  mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ bRow: Int, minus: Bool)
  /// Writes the rows, or adds them to what is there.
  func finish(_ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool)
}

extension Panel {
  /// self += x row, or self -= x row.
  @inline(__always) mutating func add(_ x: Float, _ row: Self, minus: Bool) {
    if minus { subtract(x, row) } else { add(x, row) }
  }

  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _ accumulate: Bool) {
    if accumulate { addTo(c) } else { store(c) }
  }
}

struct SixRows<P: Panel>: RowTile {
  var c0, c1, c2, c3, c4, c5: P
  @inline(__always) static var zero: Self {
    Self(c0: .zero, c1: .zero, c2: .zero, c3: .zero, c4: .zero, c5: .zero)
  }
  @inline(__always) mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ bRow: Int, minus: Bool
  ) {
    var (a, a3, b) = (a, a + 3 &* aRow, b)
    for _ in 0..<depth {
      let row = P(b)
      c0.add(a[0], row, minus: minus)
      c1.add(a[aRow], row, minus: minus)
      c2.add(a[2 &* aRow], row, minus: minus)
      c3.add(a3[0], row, minus: minus)
      c4.add(a3[aRow], row, minus: minus)
      c5.add(a3[2 &* aRow], row, minus: minus)
      a += aColumn
      a3 += aColumn
      b += bRow
    }
  }
  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool) {
    c0.finish(c, accumulate)
    c1.finish(c + cRow, accumulate)
    c2.finish(c + 2 &* cRow, accumulate)
    c3.finish(c + 3 &* cRow, accumulate)
    c4.finish(c + 4 &* cRow, accumulate)
    c5.finish(c + 5 &* cRow, accumulate)
  }
}

struct FourRows<P: Panel>: RowTile {
  var c0, c1, c2, c3: P
  @inline(__always) static var zero: Self { Self(c0: .zero, c1: .zero, c2: .zero, c3: .zero) }
  @inline(__always) mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ bRow: Int, minus: Bool
  ) {
    var (a, b) = (a, b)
    for _ in 0..<depth {
      let row = P(b)
      c0.add(a[0], row, minus: minus)
      c1.add(a[aRow], row, minus: minus)
      c2.add(a[2 &* aRow], row, minus: minus)
      c3.add(a[3 &* aRow], row, minus: minus)
      a += aColumn
      b += bRow
    }
  }
  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool) {
    c0.finish(c, accumulate)
    c1.finish(c + cRow, accumulate)
    c2.finish(c + 2 &* cRow, accumulate)
    c3.finish(c + 3 &* cRow, accumulate)
  }
}

struct ThreeRows<P: Panel>: RowTile {
  var c0, c1, c2: P
  @inline(__always) static var zero: Self { Self(c0: .zero, c1: .zero, c2: .zero) }
  @inline(__always) mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ bRow: Int, minus: Bool
  ) {
    var (a, b) = (a, b)
    for _ in 0..<depth {
      let row = P(b)
      c0.add(a[0], row, minus: minus)
      c1.add(a[aRow], row, minus: minus)
      c2.add(a[2 &* aRow], row, minus: minus)
      a += aColumn
      b += bRow
    }
  }
  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool) {
    c0.finish(c, accumulate)
    c1.finish(c + cRow, accumulate)
    c2.finish(c + 2 &* cRow, accumulate)
  }
}

struct TwoRows<P: Panel>: RowTile {
  var c0, c1: P
  @inline(__always) static var zero: Self { Self(c0: .zero, c1: .zero) }
  @inline(__always) mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ bRow: Int, minus: Bool
  ) {
    var (a, b) = (a, b)
    for _ in 0..<depth {
      let row = P(b)
      c0.add(a[0], row, minus: minus)
      c1.add(a[aRow], row, minus: minus)
      a += aColumn
      b += bRow
    }
  }
  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool) {
    c0.finish(c, accumulate)
    c1.finish(c + cRow, accumulate)
  }
}

struct OneRow<P: Panel>: RowTile {
  var c0: P
  @inline(__always) static var zero: Self { Self(c0: .zero) }
  @inline(__always) mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, _: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    minus: Bool
  ) {
    var (a, b) = (a, b)
    for _ in 0..<depth {
      c0.add(a[0], P(b), minus: minus)
      a += aColumn
      b += bRow
    }
  }
  @inline(__always) func finish(_ c: UnsafeMutablePointer<Float>, _: Int, _ accumulate: Bool) {
    c0.finish(c, accumulate)
  }
}
