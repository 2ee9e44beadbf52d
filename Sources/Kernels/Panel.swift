/// A few neighbouring vectors of a row: the columns that a product keeps in registers.
///
/// Six rows of a `Panel64` are 24 accumulators, which with AVX-512's 32 registers leaves room for the row of
/// B and a number of A; AVX2's 16 registers hold six rows of a `Panel16`.
protocol Panel {
  static var width: Int { get }
  static var zero: Self { get }
  init(_ source: UnsafePointer<Float>)
  /// self += x row
  mutating func add(_ x: Float, _ row: Self)
  /// self -= x row
  mutating func subtract(_ x: Float, _ row: Self)
  func store(_ target: UnsafeMutablePointer<Float>)
  func addTo(_ target: UnsafeMutablePointer<Float>)
}

struct Panel16: Panel {
  static var width: Int { 16 }
  var a: Vector
  @inline(__always) static var zero: Panel16 { Panel16(a: .zero) }
  @inline(__always) init(a: Vector) { self.a = a }
  @inline(__always) init(_ source: UnsafePointer<Float>) { a = source.vector }
  @inline(__always) mutating func add(_ x: Float, _ row: Panel16) {
    a = a.fma(Vector(repeating: x), row.a)
  }
  @inline(__always) mutating func subtract(_ x: Float, _ row: Panel16) {
    a = a.fnma(Vector(repeating: x), row.a)
  }
  @inline(__always) func store(_ target: UnsafeMutablePointer<Float>) { target.vector = a }
  @inline(__always) func addTo(_ target: UnsafeMutablePointer<Float>) { target.vector += a }
}

struct Panel32: Panel {
  static var width: Int { 32 }
  var a, b: Vector
  @inline(__always) static var zero: Panel32 { Panel32(a: .zero, b: .zero) }
  @inline(__always) init(a: Vector, b: Vector) { (self.a, self.b) = (a, b) }
  @inline(__always) init(_ source: UnsafePointer<Float>) { (a, b) = (source.vector, (source + 16).vector) }
  @inline(__always) mutating func add(_ x: Float, _ row: Panel32) {
    let x = Vector(repeating: x)
    a = a.fma(x, row.a)
    b = b.fma(x, row.b)
  }
  @inline(__always) mutating func subtract(_ x: Float, _ row: Panel32) {
    let x = Vector(repeating: x)
    a = a.fnma(x, row.a)
    b = b.fnma(x, row.b)
  }
  @inline(__always) func store(_ target: UnsafeMutablePointer<Float>) {
    target.vector = a
    (target + 16).vector = b
  }
  @inline(__always) func addTo(_ target: UnsafeMutablePointer<Float>) {
    target.vector += a
    (target + 16).vector += b
  }
}

struct Panel64: Panel {
  static var width: Int { 64 }
  var a, b, c, d: Vector
  @inline(__always) static var zero: Panel64 { Panel64(a: .zero, b: .zero, c: .zero, d: .zero) }
  @inline(__always) init(a: Vector, b: Vector, c: Vector, d: Vector) {
    (self.a, self.b, self.c, self.d) = (a, b, c, d)
  }
  @inline(__always) init(_ source: UnsafePointer<Float>) {
    (a, b, c, d) = (source.vector, (source + 16).vector, (source + 32).vector, (source + 48).vector)
  }
  @inline(__always) mutating func add(_ x: Float, _ row: Panel64) {
    let x = Vector(repeating: x)
    a = a.fma(x, row.a)
    b = b.fma(x, row.b)
    c = c.fma(x, row.c)
    d = d.fma(x, row.d)
  }
  @inline(__always) mutating func subtract(_ x: Float, _ row: Panel64) {
    let x = Vector(repeating: x)
    a = a.fnma(x, row.a)
    b = b.fnma(x, row.b)
    c = c.fnma(x, row.c)
    d = d.fnma(x, row.d)
  }
  @inline(__always) func store(_ target: UnsafeMutablePointer<Float>) {
    target.vector = a
    (target + 16).vector = b
    (target + 32).vector = c
    (target + 48).vector = d
  }
  @inline(__always) func addTo(_ target: UnsafeMutablePointer<Float>) {
    target.vector += a
    (target + 16).vector += b
    (target + 32).vector += c
    (target + 48).vector += d
  }
}
