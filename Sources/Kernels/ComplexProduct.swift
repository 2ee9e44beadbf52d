import COpenBLAS
import CVector

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
    accumulate: Bool = false, ahead: Prefetch? = nil
  ) {
    guard rows > 0, columns > 0 else { return }
    if columns % 16 != 0 || columns > Product.widest {
      blas(rows, columns, depth, a, conjugate ? -1 : 1, b, cRe, cIm, cRow, accumulate ? 1 : 0)
      return
    }
    if conjugate {
      panels(rows, columns, depth, a, true, b, cRe, cIm, cRow, accumulate, ahead)
    } else {
      panels(rows, columns, depth, a, false, b, cRe, cIm, cRow, accumulate, ahead)
    }
  }

  /// Words that the parts of a B [re, im][depth][columns] take, prepared as one real matrix of twice the depth; 0 where
  /// products read it as it lies.
  public static func partWords(depth: Int, columns: Int, _ precision: ProductPrecision) -> Int {
    #if APUS_AMX
      depth % 16 == 0 && 16 * 3 * depth <= Int(APUS_STACKED_ROOM)
        ? PreparedMatrix.partWords(depth: 2 * depth, columns: columns, precision) : 0
    #else
      0
    #endif
  }

  /// C = A B with a B [re, im][depth][columns] that is prepared where `partWords` says so.
  public static func run(
    rows: Int, columns: Int, depth: Int, _ a: Planes, _ b: PreparedMatrix, _ cRe: UnsafeMutablePointer<Float>,
    _ cIm: UnsafeMutablePointer<Float>, cRow: Int, ahead: Prefetch? = nil
  ) {
    #if APUS_AMX
      // Of fewer rows most of a tile would be empty.
      if let parts = b.parts, rows >= 4, a.column == 1 {
        stacked(rows, columns, depth, a, b, parts, cRe, cIm, cRow)
        return
      }
    #endif
    run(
      rows: rows, columns: columns, depth: depth, a,
      Planes(re: b.start, im: b.start + depth &* b.row, row: b.row), cRe, cIm, cRow: cRow, ahead: ahead)
  }

  #if APUS_AMX
    /// Re C = (Re A, -Im A) (Re B; Im B) and Im C = (Im A, Re A) (Re B; Im B), with rows (Im A, Re A, -Im A) at hand.
    private static func stacked(
      _ rows: Int, _ columns: Int, _ depth: Int, _ a: Planes, _ b: PreparedMatrix,
      _ parts: UnsafePointer<UInt32>, _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>,
      _ cRow: Int
    ) {
      let (room, pitch) = (apus_stacked_room(), 3 &* depth)
      let step = Int(APUS_STACKED_ROOM) / pitch / 16 &* 16
      for top in stride(from: 0, to: rows, by: step) {
        let height = min(step, rows &- top)
        for row in 0..<height {
          let (re, im) = (a.re + (top &+ row) &* a.row, a.im + (top &+ row) &* a.row)
          let target = room + row &* pitch
          for k in stride(from: 0, to: depth, by: 16) {
            (target + k).vector = (im + k).vector
            (target + depth + k).vector = (re + k).vector
            (target + 2 &* depth + k).vector = -(im + k).vector
          }
        }
        func product(_ left: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
          TileProduct.run(
            rows: height, columns: columns, depth: 2 &* depth, MatrixView(left, row: pitch), b.start,
            bRow: b.row, parts: parts, c + top &* cRow, cRow: cRow, accumulate: false, precision: b.precision,
            ahead: nil)
        }
        product(room + depth, cRe)
        product(room, cIm)
      }
    }
  #endif

  @inline(__always) private static func panels(
    _ rows: Int, _ columns: Int, _ depth: Int, _ a: Planes, _ conjugate: Bool, _ b: Planes,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool,
    _ ahead: Prefetch?
  ) {
    var ahead = ahead
    ahead?.share((rows + 3) / 4 * ((columns + 31) / 32))
    var column = 0
    #if APUS_AVX512
      while column + 32 <= columns {
        panel(Panel32.self, rows, depth, a, conjugate, b, column, cRe, cIm, cRow, accumulate, &ahead)
        column += 32
      }
    #endif
    while column < columns {
      panel(Panel16.self, rows, depth, a, conjugate, b, column, cRe, cIm, cRow, accumulate, &ahead)
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
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool,
    _ ahead: inout Prefetch?
  ) {
    let (bRe, bIm, bRow) = PackedPanel.of(
      re: b.re + column, im: b.im + column, row: b.row, width: P.width, depth: depth, uses: rows)
    var row = 0
    while row < rows {
      let (at, to) = (row &* a.row, row &* cRow &+ column)
      let (aRe, aIm, cRe, cIm) = (a.re + at, a.im + at, cRe + to, cIm + to)
      #if APUS_AVX512
        let count = RowSteps.upToFour(rows &- row)
        switch count {
        case 4:
          four(
            type, depth, aRe, aIm, a.row, a.column, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        case 3:
          three(
            type, depth, aRe, aIm, a.row, a.column, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        case 2:
          two(
            type, depth, aRe, aIm, a.row, a.column, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        default:
          one(
            type, depth, aRe, aIm, a.row, a.column, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        }
      #else
        let count = RowSteps.upToSix(rows &- row)
        switch count {
        case 6:
          planes(
            SixRows<P>.self, depth, aRe, aIm, a, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        case 4:
          planes(
            FourRows<P>.self, depth, aRe, aIm, a, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        case 3:
          planes(
            ThreeRows<P>.self, depth, aRe, aIm, a, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        case 2:
          planes(
            TwoRows<P>.self, depth, aRe, aIm, a, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        default:
          planes(
            OneRow<P>.self, depth, aRe, aIm, a, conjugate, bRe, bIm, bRow, cRe, cIm, cRow, accumulate)
        }
      #endif
      row &+= count
      ahead?.turn()
    }
  }

  /// One plane of C after the other, each as two real products: with sixteen registers, tiles of both planes would be
  /// too small to keep the multipliers busy.
  @inline(__always) private static func planes<T: RowTile>(
    _: T.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ a: Planes,
    _ conjugate: Bool, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var sums = T.zero
    sums.add(depth, aRe, a.row, a.column, bRe, bRow, minus: false)
    sums.add(depth, aIm, a.row, a.column, bIm, bRow, minus: !conjugate)
    sums.finish(cRe, cRow, accumulate)
    sums = T.zero
    sums.add(depth, aRe, a.row, a.column, bIm, bRow, minus: false)
    sums.add(depth, aIm, a.row, a.column, bRe, bRow, minus: conjugate)
    sums.finish(cIm, cRow, accumulate)
  }

  /// (r, i) += (x, y) (u, v), or with (x, -y): signs are those of the operations, because a number that has
  /// to be negated first cannot be read from memory into all places of a register.
  @inline(__always) private static func add<P: Panel>(
    _ x: Float, _ y: Float, _ conjugate: Bool, _ u: P, _ v: P, _ r: inout P, _ i: inout P
  ) {
    r.add(x, u)
    i.add(x, v)
    if conjugate {
      r.add(y, v)
      i.subtract(y, u)
    } else {
      r.subtract(y, v)
      i.add(y, u)
    }
  }

  @inline(__always) private static func four<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aRow: Int,
    _ aColumn: Int, _ conjugate: Bool, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var (r0, r1, r2, r3) = (P.zero, P.zero, P.zero, P.zero)
    var (i0, i1, i2, i3) = (P.zero, P.zero, P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      add(aRe[0], aIm[0], conjugate, u, v, &r0, &i0)
      add(aRe[aRow], aIm[aRow], conjugate, u, v, &r1, &i1)
      add(aRe[2 &* aRow], aIm[2 &* aRow], conjugate, u, v, &r2, &i2)
      add(aRe[3 &* aRow], aIm[3 &* aRow], conjugate, u, v, &r3, &i3)
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

  @inline(__always) private static func three<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aRow: Int,
    _ aColumn: Int, _ conjugate: Bool, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var (r0, r1, r2) = (P.zero, P.zero, P.zero)
    var (i0, i1, i2) = (P.zero, P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      add(aRe[0], aIm[0], conjugate, u, v, &r0, &i0)
      add(aRe[aRow], aIm[aRow], conjugate, u, v, &r1, &i1)
      add(aRe[2 &* aRow], aIm[2 &* aRow], conjugate, u, v, &r2, &i2)
      aRe += aColumn
      aIm += aColumn
      bRe += bRow
      bIm += bRow
    }
    finish(r0, i0, cRe, cIm, accumulate)
    finish(r1, i1, cRe + cRow, cIm + cRow, accumulate)
    finish(r2, i2, cRe + 2 &* cRow, cIm + 2 &* cRow, accumulate)
  }

  @inline(__always) private static func two<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aRow: Int,
    _ aColumn: Int, _ conjugate: Bool, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var (r0, r1) = (P.zero, P.zero)
    var (i0, i1) = (P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      add(aRe[0], aIm[0], conjugate, u, v, &r0, &i0)
      add(aRe[aRow], aIm[aRow], conjugate, u, v, &r1, &i1)
      aRe += aColumn
      aIm += aColumn
      bRe += bRow
      bIm += bRow
    }
    finish(r0, i0, cRe, cIm, accumulate)
    finish(r1, i1, cRe + cRow, cIm + cRow, accumulate)
  }

  @inline(__always) private static func one<P: Panel>(
    _: P.Type, _ depth: Int, _ aRe: UnsafePointer<Float>, _ aIm: UnsafePointer<Float>, _ aRow: Int,
    _ aColumn: Int, _ conjugate: Bool, _ bRe: UnsafePointer<Float>, _ bIm: UnsafePointer<Float>, _ bRow: Int,
    _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var (r0, i0) = (P.zero, P.zero)
    var (aRe, aIm, bRe, bIm) = (aRe, aIm, bRe, bIm)
    for _ in 0..<depth {
      let (u, v) = (P(bRe), P(bIm))
      add(aRe[0], aIm[0], conjugate, u, v, &r0, &i0)
      aRe += aColumn
      aIm += aColumn
      bRe += bRow
      bIm += bRow
    }
    finish(r0, i0, cRe, cIm, accumulate)
  }

  @inline(__always) private static func finish<P: Panel>(
    _ r: P, _ i: P, _ cRe: UnsafeMutablePointer<Float>, _ cIm: UnsafeMutablePointer<Float>,
    _ accumulate: Bool
  ) {
    r.finish(cRe, accumulate)
    i.finish(cIm, accumulate)
  }
}
