import Basics
import Foundation

/// The longitude half of the transform: rows of reals to and from orders m, laid out
/// [order m][re, im][row] so that the Legendre stage reads latitudes contiguously.
final class FourierStage<Scalar: TransformScalar>: @unchecked Sendable {
  typealias Scaling = LongitudeWaves.Scaling

  let length: Int
  let orders: Int
  private let rowsPerField: Int
  /// [scaling][longitude][order][re, im] as [length x 2 orders]; empty where FFTW serves.
  private let tables: [AlignedBuffer<Scalar>]
  /// [scaling][part][place][order of the part's parity]; empty where rows are not folded.
  private let foldedTables: [[AlignedBuffer<Scalar>]]
  /// Rows folded at a time: their parts stay in the second-level cache.
  private let tileRows: Int
  private var forwardPlan: OpaquePointer?
  private var inversePlan: OpaquePointer?

  /// Numbers of scratch that every plan asks for, whichever way it goes: a workspace made by one transform
  /// also serves one on a coarser grid (a network's inner grid).
  private static var scratchFloor: Int { 40_960 }

  init(length: Int, orders: Int, rowsPerField: Int) {
    self.length = length
    self.orders = orders
    self.rowsPerField = rowsPerField
    let folds = LongitudeWaves.prefersTable(length, orders) && length % 4 == 0 && orders > 1
    tileRows = folds ? max(16, Self.scratchFloor / (4 * FoldedRows.places(length)) / 16 * 16) : 0
    foldedTables =
      folds
      ? [Scaling.quadrature, .series].map { scaling in
        FoldedRows.Part.allCases.map { Self.foldedTable($0, scaling, length, orders) }
      } : []
    guard LongitudeWaves.prefersTable(length, orders), !folds else {
      tables = []
      guard !folds else { return }
      forwardPlan = Scalar.planForward(length: length, rows: rowsPerField)
      inversePlan = Scalar.planInverse(length: length, rows: rowsPerField)
      return
    }
    tables = [Scaling.quadrature, .series].map { scaling in
      let table = AlignedBuffer<Scalar>(length * 2 * orders)
      for j in 0..<length {
        for m in 0..<orders {
          let angle = 2 * Double.pi * Double((j * m) % length) / Double(length)
          let factor = LongitudeWaves.factor(scaling, m, length)
          let dropped = LongitudeWaves.isReal(m, length)
          table.pointer[(j * orders + m) * 2] = Scalar(factor * cos(angle))
          table.pointer[(j * orders + m) * 2 + 1] = dropped ? 0 : Scalar(-factor * sin(angle))
        }
      }
      return table
    }
  }

  private static func foldedTable(
    _ part: FoldedRows.Part, _ scaling: Scaling, _ length: Int, _ orders: Int
  ) -> AlignedBuffer<Scalar> {
    let (places, columns) = (FoldedRows.places(length), part.orderCount(orders))
    let table = AlignedBuffer<Scalar>(places * columns)
    for j in 0..<places {
      for column in 0..<columns {
        table.pointer[j * columns + column] = Scalar(
          LongitudeWaves.entry(part, scaling, row: column, place: j, length: length))
      }
    }
    return table
  }

  deinit {
    if let forwardPlan { Scalar.destroy(forwardPlan) }
    if let inversePlan { Scalar.destroy(inversePlan) }
  }

  /// Numbers of scratch: a tile's folded rows, or for FFTW one field of rows, real and half-complex.
  var scratchCount: Int {
    if !foldedTables.isEmpty { return max(Self.scratchFloor, 4 * FoldedRows.places(length) * tileRows) }
    let rows = tables.isEmpty ? rowsPerField * (padded(length) + 2 * padded(length / 2 + 1)) : 0
    return max(Self.scratchFloor, rows)
  }

  /// Floating-point operations of one row: of the products, or 5/2 n log2 n as is usual for FFTW.
  var operationsPerRow: Double {
    if !foldedTables.isEmpty {
      return FoldedRows.Part.allCases.reduce(0) {
        $0 + Double(2 * FoldedRows.places(length) * $1.orderCount(orders))
      }
    }
    return tables.isEmpty ? 2.5 * Double(length) * log2(Double(length)) : Double(4 * length * orders)
  }

  private func padded(_ n: Int) -> Int { (n + 15) / 16 * 16 }

  /// Where a part's first order lies in the modes, in units of their rows.
  private func place(_ part: FoldedRows.Part) -> Int { (part.isOdd ? 2 : 0) + (part.isSine ? 1 : 0) }

  /// modes[m][re, im][row] = factor_m sum_j f_j exp(-i m lambda_j).
  func analyse(
    _ input: UnsafePointer<Scalar>, fields: Int, into workspace: TransformWorkspace<Scalar>,
    scaling: Scaling
  ) {
    let rows = fields * rowsPerField
    let modes = workspace.modes.pointer
    if !foldedTables.isEmpty {
      let (parts, width) = (workspace.row.pointer, FoldedRows.places(length))
      precondition(workspace.row.count >= 4 * width * tileRows, "a workspace of a coarser grid's transform")
      for start in stride(from: 0, to: rows, by: tileRows) {
        let n = min(tileRows, rows - start)
        Scalar.fold(input + start * length, count: n, length: length, into: parts)
        for part in FoldedRows.Part.allCases {
          let columns = part.orderCount(orders)
          Scalar.gemm(
            transposeA: true, transposeB: true, columns, n, width, alpha: 1,
            foldedTables[scaling.rawValue][part.rawValue].pointer, columns,
            parts + part.rawValue * n * width, width, beta: 0, modes + place(part) * rows + start, 4 * rows)
        }
      }
      return
    }
    guard let plan = forwardPlan else {
      let table = tables[scaling.rawValue]
      Scalar.gemm(
        transposeA: true, transposeB: true, 2 * orders, rows, length, alpha: 1, table.pointer, 2 * orders,
        input, length, beta: 0, modes, rows)
      return
    }
    let columns = length / 2 + 1
    let real = workspace.row.pointer
    let complex = real + rowsPerField * padded(length)
    for field in 0..<fields {
      // FFTW wants its planned alignment, and may destroy its input.
      real.update(from: input + field * rowsPerField * length, count: rowsPerField * length)
      Scalar.executeForward(plan, real, complex)
      for m in 0..<orders {
        let factor = Scalar(LongitudeWaves.factor(scaling, m, length))
        let keepsImaginary: Scalar = LongitudeWaves.isReal(m, length) ? 0 : factor
        let re = modes + 2 * m * rows + field * rowsPerField
        let im = re + rows
        var source = complex + 2 * m
        for row in 0..<rowsPerField {
          re[row] = factor * source[0]
          im[row] = keepsImaginary * source[1]
          source += 2 * columns
        }
      }
    }
  }

  /// f_j = sum_m factor_m Re(modes_m exp(i m lambda_j)): the transpose of `analyse`.
  func synthesise(
    _ workspace: TransformWorkspace<Scalar>, fields: Int, into output: UnsafeMutablePointer<Scalar>,
    scaling: Scaling
  ) {
    let rows = fields * rowsPerField
    let modes = workspace.modes.pointer
    if !foldedTables.isEmpty {
      let (parts, width) = (workspace.row.pointer, FoldedRows.places(length))
      precondition(workspace.row.count >= 4 * width * tileRows, "a workspace of a coarser grid's transform")
      for start in stride(from: 0, to: rows, by: tileRows) {
        let n = min(tileRows, rows - start)
        for part in FoldedRows.Part.allCases {
          let columns = part.orderCount(orders)
          Scalar.gemm(
            transposeA: true, transposeB: true, n, width, columns, alpha: 1,
            modes + place(part) * rows + start, 4 * rows,
            foldedTables[scaling.rawValue][part.rawValue].pointer, columns, beta: 0,
            parts + part.rawValue * n * width, width)
        }
        Scalar.unfold(parts, count: n, length: length, into: output + start * length)
      }
      return
    }
    guard let plan = inversePlan else {
      let table = tables[scaling.rawValue]
      Scalar.gemm(
        transposeA: true, transposeB: true, rows, length, 2 * orders, alpha: 1, modes, rows, table.pointer,
        2 * orders, beta: 0, output, length)
      return
    }
    let columns = length / 2 + 1
    let real = workspace.row.pointer
    let complex = real + rowsPerField * padded(length)
    for field in 0..<fields {
      (complex).update(repeating: 0, count: 2 * columns * rowsPerField)
      for m in 0..<orders {
        // FFTW's complex-to-real doubles every order but 0 and Nyquist by itself.
        let alone = LongitudeWaves.isReal(m, length)
        let factor = Scalar(LongitudeWaves.factor(scaling, m, length) / (alone ? 1 : 2))
        let keepsImaginary: Scalar = alone ? 0 : factor
        let re = modes + 2 * m * rows + field * rowsPerField
        let im = re + rows
        var target = complex + 2 * m
        for row in 0..<rowsPerField {
          target[0] = factor * re[row]
          target[1] = keepsImaginary * im[row]
          target += 2 * columns
        }
      }
      Scalar.executeInverse(plan, complex, real)
      (output + field * rowsPerField * length).update(from: real, count: rowsPerField * length)
    }
  }
}
