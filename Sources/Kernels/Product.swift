import COpenBLAS
import CVector

/// A matrix as a product reads it: element (i, j) at `start[i row + j column]`.
public struct MatrixView {
  /// Element (0, 0).
  public var start: UnsafePointer<Float>
  /// Numbers from one row to the next.
  public var row: Int
  /// Numbers from one column to the next.
  public var column: Int

  /// Rows `row` numbers apart, columns contiguous.
  @inline(__always) public init(_ start: UnsafePointer<Float>, row: Int) {
    (self.start, self.row, column) = (start, row, 1)
  }

  /// The transpose of a matrix whose rows are `row` numbers apart.
  @inline(__always) public init(transposed start: UnsafePointer<Float>, row: Int) {
    (self.start, self.row, column) = (start, 1, row)
  }
}

/// C = A B or C += A B with contiguous rows in B and C, on the calling thread.
///
/// The latent fields have their channels side by side, so every product of the network is of this form: a
/// table, field or gradient A, number by number, times rows of channels. Products whose rows are a few
/// vectors wide keep C's tile in registers over the whole depth and read A where it lies, and B too, unless
/// it is larger than the first-level cache (`PackedPanel`). BLAS, made for matrices of any shape, always
/// copies both into its own order first. Even the full-size network's products (620 deep, 1240 wide) gain. What is no whole
/// vectors wide, or wider still, goes to BLAS. Which of the two is decided by sizes alone, and every number
/// of C is a sum in the order of the depth, so bits do not depend on the row's neighbours.
public enum Product {
  /// Whether wide products go to a matrix unit of the processor (`TileProduct`).
  public static var usesMatrixUnit: Bool {
    #if APUS_AMX
      TileProduct.isGranted
    #else
      false
    #endif
  }

  /// The widest rows that stay with the kernels here.
  static let widest = 2048

  /// C [rows][columns] = or += A [rows][depth] B [depth][columns].
  /// - Parameters:
  ///   - columns: a multiple of 16, or else BLAS serves.
  ///   - bRow, cRow: numbers from one row to the next.
  ///   - precision: where the processor has a unit for less (`ProductPrecision`); everywhere else single precision.
  public static func run(
    rows: Int, columns: Int, depth: Int, _ a: MatrixView, _ b: UnsafePointer<Float>, bRow: Int,
    _ c: UnsafeMutablePointer<Float>, cRow: Int, accumulate: Bool = false,
    precision: ProductPrecision = .highest, ahead: Prefetch? = nil
  ) {
    guard rows > 0, columns > 0 else { return }
    if columns % 16 != 0 || columns > widest {
      cblas_sgemm(
        CblasRowMajor, a.column == 1 ? CblasNoTrans : CblasTrans, CblasNoTrans, Int32(rows), Int32(columns),
        Int32(depth), 1, a.start, Int32(a.column == 1 ? a.row : a.column), b, Int32(bRow), accumulate ? 1 : 0,
        c, Int32(cRow))
      return
    }
    #if APUS_AMX
      if TileProduct.takes(columns: columns, depth: depth, a, precision) {
        TileProduct.run(
          rows: rows, columns: columns, depth: depth, a, b, bRow: bRow, c, cRow: cRow, accumulate: accumulate,
          precision: precision, ahead: ahead)
        return
      }
    #endif
    #if APUS_BF16
      if precision == .medium, PairProduct.takes(depth: depth), a.column == 1 || a.row == 1 {
        PairProduct.run(
          rows: rows, columns: columns, depth: depth, a, b, bRow: bRow, c, cRow: cRow, accumulate: accumulate,
          ahead: ahead)
        return
      }
    #endif
    var ahead = ahead
    ahead?.share((rows + 5) / 6 * ((columns + 63) / 64))
    var column = 0
    #if APUS_AVX512
      while column + 64 <= columns {
        panel(Panel64.self, rows, depth, a, b + column, bRow, c + column, cRow, accumulate, &ahead)
        column += 64
      }
      if column + 32 <= columns {
        panel(Panel32.self, rows, depth, a, b + column, bRow, c + column, cRow, accumulate, &ahead)
        column += 32
      }
    #endif
    while column < columns {
      panel(Panel16.self, rows, depth, a, b + column, bRow, c + column, cRow, accumulate, &ahead)
      column += 16
    }
  }

  /// The same with a B that may have been prepared for the processor's matrix unit.
  public static func run(
    rows: Int, columns: Int, depth: Int, _ a: MatrixView, _ b: PreparedMatrix,
    _ c: UnsafeMutablePointer<Float>, cRow: Int, accumulate: Bool = false, ahead: Prefetch? = nil
  ) {
    #if APUS_AMX
      if let parts = b.parts, a.column == 1 || a.row == 1 {
        TileProduct.run(
          rows: rows, columns: columns, depth: depth, a, b.start, bRow: b.row, parts: parts, c, cRow: cRow,
          accumulate: accumulate, precision: b.precision, ahead: ahead)
        return
      }
    #elseif APUS_BF16
      if let parts = b.parts, a.column == 1 || a.row == 1, rows > 0 {
        PairProduct.run(
          rows: rows, columns: columns, depth: depth, a, b.start, bRow: b.row, parts: parts, c, cRow: cRow,
          accumulate: accumulate, ahead: ahead)
        return
      }
    #endif
    run(
      rows: rows, columns: columns, depth: depth, a, b.start, bRow: b.row, c, cRow: cRow,
      accumulate: accumulate, precision: b.precision, ahead: ahead)
  }

  @inline(__always) private static func panel<P: Panel>(
    _ type: P.Type, _ rows: Int, _ depth: Int, _ a: MatrixView, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool, _ ahead: inout Prefetch?
  ) {
    let (b, bRow) = PackedPanel.of(b, row: bRow, width: P.width, depth: depth, uses: rows)
    sweep(type, rows, depth, a, b, bRow, c, cRow, accumulate, &ahead)
  }

  /// All rows of one panel, up to six at a time.
  @inline(__always) static func sweep<P: Panel>(
    _: P.Type, _ rows: Int, _ depth: Int, _ a: MatrixView, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool, _ ahead: inout Prefetch?
  ) {
    var row = 0
    while row < rows {
      let (a0, c0) = (a.start + row &* a.row, c + row &* cRow)
      let count = RowSteps.upToSix(rows &- row)
      switch count {
      case 6: tile(SixRows<P>.self, depth, a0, a, b, bRow, c0, cRow, accumulate)
      case 4: tile(FourRows<P>.self, depth, a0, a, b, bRow, c0, cRow, accumulate)
      case 3: tile(ThreeRows<P>.self, depth, a0, a, b, bRow, c0, cRow, accumulate)
      case 2: tile(TwoRows<P>.self, depth, a0, a, b, bRow, c0, cRow, accumulate)
      default: tile(OneRow<P>.self, depth, a0, a, b, bRow, c0, cRow, accumulate)
      }
      row &+= count
      ahead?.turn()
    }
  }

  @inline(__always) private static func tile<T: RowTile>(
    _: T.Type, _ depth: Int, _ start: UnsafePointer<Float>, _ a: MatrixView, _ b: UnsafePointer<Float>,
    _ bRow: Int, _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool
  ) {
    var sums = T.zero
    sums.add(depth, start, a.row, a.column, b, bRow, minus: false)
    sums.finish(c, cRow, accumulate)
  }
}
