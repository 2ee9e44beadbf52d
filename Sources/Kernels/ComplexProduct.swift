import COpenBLAS

/// C = A B or C += A B of complex matrices, real and imaginary parts in planes of their own, on the calling
/// thread: what one degree of the Driscoll-Healy convolution and its adjoints are.
public enum ComplexProduct {
  /// Real and imaginary plane of a matrix read number by number.
  public struct Planes {
    /// Element (0, 0) of each plane.
    public var re, im: UnsafePointer<Float>
    /// Numbers from one row, and one column, to the next.
    public var row, column: Int

    /// Planes of the same shape.
    @inline(__always) public init(
      re: UnsafePointer<Float>, im: UnsafePointer<Float>, row: Int, column: Int = 1
    ) { (self.re, self.im, self.row, self.column) = (re, im, row, column) }
  }

  /// C [rows][columns] = or += A [rows][depth] B [depth][columns], with A conjugated on request.
  /// - Parameters:
  ///   - b: its `column` must be 1.
  ///   - cRe, cIm: planes of C, rows `cRow` apart.
  public static func run(
    rows: Int, columns: Int, depth: Int, _ a: Planes, conjugate: Bool = false, _ b: Planes,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, cRow: Int,
    accumulate: Bool = false
  ) {
    guard rows > 0, columns > 0 else { return }
    if columns % 16 != 0 || columns > Product.widest {
      blas(rows, columns, depth, a, conjugate ? -1 : 1, b, cRe, cIm, cRow, accumulate ? 1 : 0)
      return
    }
    var column = 0
    #if APUS_AVX512
      while column + 32 <= columns {
        panel(Panel32.self, rows, depth, a, conjugate, b, column, cRe, cIm, cRow, accumulate)
        column += 32
      }
    #endif
    while column < columns {
      panel(Panel16.self, rows, depth, a, conjugate, b, column, cRe, cIm, cRow, accumulate)
      column += 16
    }
  }

  private static func blas(
    _ rows: Int, _ columns: Int, _ depth: Int, _ a: Planes, _ sign: Float, _ b: Planes,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ beta: Float
  ) {
    func gemm(
      _ alpha: Float, _ a: UnsafePointer<Float>, _ aPlanes: Planes, _ b: UnsafePointer<Float>, _ beta: Float,
      _ c: UnsafeMutablePointer<Float>, _ bRow: Int
    ) {
      let plain = aPlanes.column == 1
      cblas_sgemm(
        CblasRowMajor, plain ? CblasNoTrans : CblasTrans, CblasNoTrans, Int32(rows), Int32(columns),
        Int32(depth), alpha, a, Int32(plain ? aPlanes.row : aPlanes.column), b, Int32(bRow), beta, c,
        Int32(cRow))
    }
    gemm(1, a.re, a, b.re, beta, cRe, b.row)
    gemm(-sign, a.im, a, b.im, 1, cRe, b.row)
    gemm(1, a.re, a, b.im, beta, cIm, b.row)
    gemm(sign, a.im, a, b.re, 1, cIm, b.row)
  }

  @inline(__always) private static func panel<P: Panel>(
    _ type: P.Type, _ rows: Int, _ depth: Int, _ a: Planes, _ conjugate: Bool, _ b: Planes, _ column: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    let sign: Float = conjugate ? -1 : 1
    var row = 0
    while row &+ 4 <= rows {
      let at = row &* a.row
      let to = row &* cRow &+ column
      four(
        type, depth, a.re + at, a.im + at, a.row, a.column, sign, b.re + column, b.im + column, b.row,
        cRe + to, cIm + to, cRow, accumulate)
      row &+= 4
    }
    while row < rows {
      let at = row &* a.row
      let to = row &* cRow &+ column
      one(
        type, depth, a.re + at, a.im + at, a.column, sign, b.re + column, b.im + column, b.row, cRe + to,
        cIm + to, accumulate)
      row &+= 1
    }
  }

  @inline(__always) private static func four<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aRow: Int,
    _ aColumn: Int, _ sign: Float, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var (r0, r1, r2, r3) = (P.zero, P.zero, P.zero, P.zero)
    var (i0, i1, i2, i3) = (P.zero, P.zero, P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      @inline(__always) func row(_ x: Float, _ y: Float, _ r: inout P, _ i: inout P) {
        r.add(x, u)
        i.add(x, v)
        r.add(-y, v)
        i.add(y, u)
      }
      row(aRe[0], sign * aIm[0], &r0, &i0)
      row(aRe[aRow], sign * aIm[aRow], &r1, &i1)
      row(aRe[2 &* aRow], sign * aIm[2 &* aRow], &r2, &i2)
      row(aRe[3 &* aRow], sign * aIm[3 &* aRow], &r3, &i3)
      aRe += aColumn
      aIm += aColumn
      bRe += bRow
      bIm += bRow
    }
    finish(r0, i0, cRe, cIm, accumulate)
    finish(r1, i1, cRe + cRow, cIm + cRow, accumulate)
    finish(r2, i2, cRe + 2 &* cRow, cIm + 2 &* cRow, accumulate)
    finish(r3, i3, cRe + 3 &* cRow, cIm + 3 &* cRow, accumulate)
  }

  @inline(__always) private static func one<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aColumn: Int,
    _ sign: Float, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ accumulate: Bool
  ) {
    var (r, i) = (P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      let (x, y) = (aRe[0], sign * aIm[0])
      r.add(x, u)
      i.add(x, v)
      r.add(-y, v)
      i.add(y, u)
      aRe += aColumn
      aIm += aColumn
      bRe += bRow
      bIm += bRow
    }
    finish(r, i, cRe, cIm, accumulate)
  }

  @inline(__always) private static func finish<P: Panel>(
    _ r: P, _ i: P, _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>,
    _ accumulate: Bool
  ) {
    if accumulate {
      r.addTo(cRe)
      i.addTo(cIm)
    } else {
      r.store(cRe)
      i.store(cIm)
    }
  }
}
