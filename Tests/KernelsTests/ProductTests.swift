import Basics
import Foundation
import Kernels
import Testing

/// Products against sums in double precision, over every tail of rows, columns and depth.
@Suite struct ProductTests {
  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 31, purpose: .test, stream).normals(count).map { Float($0) }
  }

  @Test(arguments: [16, 32, 48, 64, 112, 128, 8, 20, 528])
  func realProductsOfEveryShape(columns: Int) {
    for rows in [1, 2, 3, 4, 5, 6, 7, 11, 12, 17] {
      for depth in [0, 1, 5, 64] {
        let (aRow, bRow, cRow) = (depth + 3, columns + 16, columns + 5)
        let a = random(max(rows * aRow, depth * (rows + 1)) + 1, 1)
        let b = random(max(depth, 1) * bRow, 2)
        for transposed in [false, true] {
          for accumulate in [false, true] {
            var c = random(rows * cRow, 3)
            let before = c
            a.withUnsafeBufferPointer { pointer in
              guard let start = pointer.baseAddress else { return }
              let view =
                transposed ? MatrixView(transposed: start, row: rows + 1) : MatrixView(start, row: aRow)
              Product.run(
                rows: rows, columns: columns, depth: depth, view, b, bRow: bRow, &c, cRow: cRow,
                accumulate: accumulate)
            }
            var worst = 0.0
            for i in 0..<rows {
              for j in 0..<cRow {
                var sum = j >= columns || accumulate ? Double(before[i * cRow + j]) : 0
                if j < columns {
                  for k in 0..<depth {
                    sum += Double(a[transposed ? k * (rows + 1) + i : i * aRow + k]) * Double(b[k * bRow + j])
                  }
                }
                worst = max(worst, abs(sum - Double(c[i * cRow + j])))
              }
            }
            #expect(worst < 1e-5 * (1 + Double(depth).squareRoot()), "\(rows) x \(columns) x \(depth)")
          }
        }
      }
    }
  }

  /// A row's bits do not depend on how many rows are computed with it, nor a column's on the width, whether B's
  /// panels are copied (as in the second shape, where that pays, for the whole, but never for a row alone) or not.
  @Test(arguments: [(13, 112, 40), (37, 208, 81), (37, 272, 81)])
  func bitsDoNotDependOnTheCompany(shape: (rows: Int, columns: Int, depth: Int)) {
    let (rows, columns, depth) = shape
    let (a, b) = (random(rows * depth, 4), random(depth * columns, 5))
    var whole = [Float](repeating: 0, count: rows * columns)
    var alone = whole
    a.withUnsafeBufferPointer { pointer in
      guard let start = pointer.baseAddress else { return }
      Product.run(
        rows: rows, columns: columns, depth: depth, MatrixView(start, row: depth), b, bRow: columns, &whole,
        cRow: columns)
      for i in 0..<rows {
        alone.withUnsafeMutableBufferPointer { target in
          guard let base = target.baseAddress else { return }
          Product.run(
            rows: 1, columns: columns, depth: depth, MatrixView(start + i * depth, row: depth), b,
            bRow: columns, base + i * columns, cRow: columns)
        }
      }
    }
    #expect(whole == alone)
  }

  /// A matrix prepared once gives the numbers of the same matrix as it lies, as exactly as sums in single
  /// precision, row by row as all together; on a processor with a matrix unit by that unit, in the first three shapes.
  @Test(arguments: [(96, 96, 96), (45, 128, 145), (70, 112, 1300), (33, 64, 64), (9, 16, 20)])
  func preparedProducts(shape: (rows: Int, columns: Int, depth: Int)) {
    let (rows, columns, depth) = shape
    let (aRow, bRow, cRow) = (depth + 3, columns + 16, columns + 5)
    let (a, b) = (random(rows * aRow, 12), random(depth * bRow, 13))
    let parts = AlignedBuffer<UInt32>(PreparedMatrix.partWords(depth: depth, columns: columns))
    var (whole, alone) = (random(rows * cRow, 14), random(rows * cRow, 14))
    let before = whole
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        PreparedMatrix.prepare(depth: depth, columns: columns, b, row: bRow, into: parts.pointer)
        let matrix = PreparedMatrix(b, row: bRow, depth: depth, columns: columns, parts: parts.pointer)
        Product.run(
          rows: rows, columns: columns, depth: depth, MatrixView(a, row: aRow), matrix, &whole, cRow: cRow,
          accumulate: true)
        alone.withUnsafeMutableBufferPointer { alone in
          guard let alone = alone.baseAddress else { return }
          for i in 0..<rows {
            Product.run(
              rows: 1, columns: columns, depth: depth, MatrixView(a + i * aRow, row: aRow), matrix,
              alone + i * cRow, cRow: cRow, accumulate: true)
          }
        }
      }
    }
    #expect(whole == alone)
    var (squares, singles): (Double, Double) = (0, 0)
    for i in 0..<rows {
      for j in 0..<cRow {
        var (sum, single) = (Double(before[i * cRow + j]), before[i * cRow + j])
        for k in 0..<depth where j < columns {
          let (x, y) = (a[i * aRow + k], b[k * bRow + j])
          sum += Double(x) * Double(y)
          single.addProduct(x, y)
        }
        squares += (sum - Double(whole[i * cRow + j])) * (sum - Double(whole[i * cRow + j]))
        singles += (sum - Double(single)) * (sum - Double(single))
      }
    }
    // Single precision itself differs by as much where the order of the sum does.
    #expect(squares.squareRoot() < 1.5 * singles.squareRoot())
  }

  /// A product of random matrices, added to others, in four ways; rows of B and C are longer than the product is wide.
  private struct Ways {
    let a, b, before: [Float]
    /// With B as it lies, prepared, in single precision, and prepared with every row alone.
    var lying, prepared, exact, alone: [Float]
    let bRow, cRow: Int
    /// Whether the precision makes a difference here: not where shapes are too narrow, or no unit is there.
    let differs: Bool

    /// The sum of number (i, j) of C in double precision, with the factors as `rounded` makes them, and the size of its terms.
    func sum(
      _ i: Int, _ j: Int, _ shape: (rows: Int, columns: Int, depth: Int), transposed: Bool,
      _ rounded: (Float) -> Double = { Double($0) }
    ) -> (sum: Double, size: Double) {
      var (sum, size) = (Double(before[i * cRow + j]), 1.0)
      for k in 0..<shape.depth where j < shape.columns {
        let x = a[transposed ? k * shape.rows + i : i * shape.depth + k]
        let term: Double = rounded(x) * rounded(b[k * bRow + j])
        sum += term
        size += abs(term)
      }
      return (sum, size)
    }
  }

  private func ways(
    _ shape: (rows: Int, columns: Int, depth: Int), transposed: Bool, _ precision: ProductPrecision
  ) -> Ways {
    let (rows, columns, depth) = shape
    let (bRow, cRow) = (columns + 16, columns + 5)
    let words = PreparedMatrix.partWords(depth: depth, columns: columns, precision)
    let before = random(rows * cRow, 17)
    var ways = Ways(
      a: random(rows * depth, 15), b: random(depth * bRow, 16), before: before, lying: before,
      prepared: before, exact: before, alone: before, bRow: bRow, cRow: cRow,
      differs: words > 0)
    let parts = AlignedBuffer<UInt32>(words)
    ways.a.withUnsafeBufferPointer { a in
      ways.b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        PreparedMatrix.prepare(
          depth: depth, columns: columns, b, row: bRow, precision: precision, into: parts.pointer)
        let matrix = PreparedMatrix(
          b, row: bRow, depth: depth, columns: columns, parts: parts.pointer, precision: precision)
        let view = transposed ? MatrixView(transposed: a, row: rows) : MatrixView(a, row: depth)
        func lying(_ precision: ProductPrecision, _ c: inout [Float]) {
          Product.run(
            rows: rows, columns: columns, depth: depth, view, b, bRow: bRow, &c, cRow: cRow, accumulate: true,
            precision: precision)
        }
        lying(precision, &ways.lying)
        lying(.highest, &ways.exact)
        Product.run(
          rows: rows, columns: columns, depth: depth, view, matrix, &ways.prepared, cRow: cRow,
          accumulate: true)
        ways.alone.withUnsafeMutableBufferPointer { alone in
          guard let alone = alone.baseAddress else { return }
          for i in 0..<rows {
            var one = view
            one.start += i * view.row
            Product.run(
              rows: 1, columns: columns, depth: depth, one, matrix, alone + i * cRow, cRow: cRow,
              accumulate: true)
          }
        }
      }
    }
    return ways
  }

  /// Sixteen bits a number: no product is wrong by more than the sum of 3 x 2^-16 of its terms' sizes (and rounding), errors of
  /// either sign average out, rows are computed each by itself, prepared or not. Without a matrix unit, and where shapes
  /// are too narrow for it, nothing differs from single precision.
  @Test(
    arguments: [(96, 128, 128), (45, 64, 64), (70, 112, 1300), (64, 64, 128), (9, 16, 20)], [false, true])
  func highProducts(shape: (rows: Int, columns: Int, depth: Int), transposed: Bool) {
    let ways = ways(shape, transposed: transposed, .high)
    #expect(ways.prepared == ways.alone)
    guard ways.differs else {
      #expect(ways.lying == ways.exact && ways.prepared == ways.exact)
      return
    }
    #expect(ways.lying == ways.prepared)
    var (mean, squares, sizes, worst): (Double, Double, Double, Double) = (0, 0, 0, 0)
    for i in 0..<shape.rows {
      for j in 0..<shape.columns {
        let (sum, size) = ways.sum(i, j, shape, transposed: transposed)
        let error = Double(ways.prepared[i * ways.cRow + j]) - sum
        (mean, squares, sizes) = (mean + error, squares + error * error, sizes + sum * sum)
        worst = max(worst, abs(error) / size)
      }
    }
    let count = Double(shape.rows * shape.columns)
    #expect(worst < 3 / 65536.0)
    let relative = (squares / sizes).squareRoot()
    #expect(relative > 1e-6 && relative < 2e-5)
    // No bias: the mean error is that of so many independent ones.
    #expect(abs(mean / count) < 5 * (squares / count / count).squareRoot())
  }

  /// Eight bits a number: sums of products of the rounded numbers, as exact as single precision makes them; of every
  /// shape of rows, columns and depth, prepared or not, row by row as all together. Numbers behind the last row, column
  /// and depth are neither read nor written. Less deep and narrower ones are left to single precision.
  @Test(
    arguments: [(96, 128, 128), (45, 64, 64), (70, 112, 1301), (245, 80, 33), (9, 16, 20), (1, 48, 257)],
    [false, true])
  func mediumProducts(shape: (rows: Int, columns: Int, depth: Int), transposed: Bool) {
    let ways = ways(shape, transposed: transposed, .medium)
    #expect(ways.prepared == ways.alone)
    guard ways.differs else {
      #expect(ways.lying == ways.exact && ways.prepared == ways.exact)
      return
    }
    #expect(ways.lying == ways.prepared)
    func rounded(_ x: Float) -> Double {
      let bits = x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)
      return Double(Float(bitPattern: bits & 0xFFFF_0000))
    }
    var worst = 0.0
    for i in 0..<shape.rows {
      for j in 0..<ways.cRow {
        let (sum, size) = ways.sum(i, j, shape, transposed: transposed, rounded)
        worst = max(worst, abs(Double(ways.prepared[i * ways.cRow + j]) - sum) / size)
      }
    }
    #expect(worst < 5e-7)
  }

  /// What is no number, or none of this size, is not hidden by the way that a product is computed.
  @Test(
    arguments: [
      Float.nan, Float(bitPattern: 0x7FFF_FFFF), .infinity, -.infinity, .greatestFiniteMagnitude, 0,
      .leastNormalMagnitude,
    ], [ProductPrecision.highest, .high, .medium])
  func extremeNumbers(value: Float, precision: ProductPrecision) {
    let (rows, columns, depth) = (20, 96, 96)
    var a = [Float](repeating: 1, count: rows * depth)
    a[3 * depth + 5] = value
    let b = [Float](repeating: 2, count: depth * columns)
    let parts = AlignedBuffer<UInt32>(PreparedMatrix.partWords(depth: depth, columns: columns, precision))
    var c = [Float](repeating: 0, count: rows * columns)
    b.withUnsafeBufferPointer { b in
      guard let b = b.baseAddress else { return }
      PreparedMatrix.prepare(
        depth: depth, columns: columns, b, row: columns, precision: precision, into: parts.pointer)
      let matrix = PreparedMatrix(
        b, row: columns, depth: depth, columns: columns, parts: parts.pointer, precision: precision)
      a.withUnsafeBufferPointer { a in
        guard let a = a.baseAddress else { return }
        Product.run(
          rows: rows, columns: columns, depth: depth, MatrixView(a, row: depth), matrix, &c, cRow: columns)
      }
    }
    for i in 0..<rows {
      for j in 0..<columns {
        let expected: Float = i == 3 ? 2 * (Float(depth - 1) + value) : 2 * Float(depth)
        let found = c[i * columns + j]
        #expect(expected.isFinite ? found == expected : !found.isFinite)
      }
    }
  }

  /// Complex products with sixteen bits a number, where there is a unit for it: as wrong as real ones at most, every row
  /// with the bits that it has with others. What is too narrow for the unit is in single precision.
  @Test(arguments: [(48, 64), (5, 64), (37, 128), (3, 96), (170, 64), (8, 16), (20, 656)])
  func preparedComplexProducts(shape: (rows: Int, width: Int)) {
    let (rows, width) = shape
    let (a, b) = (random(rows * 2 * width, 20), random(2 * width * width, 21))
    let part = min(rows, max(4, rows - 7))
    let words = ComplexProduct.partWords(depth: width, columns: width, .high)
    let parts = AlignedBuffer<UInt32>(words)
    let zeros = [Float](repeating: 0, count: rows * 2 * width)
    var (exact, found, some) = (zeros, zeros, zeros)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        if words > 0 {
          PreparedMatrix.prepare(
            depth: 2 * width, columns: width, b, row: width, precision: .high, into: parts.pointer)
        }
        let prepared =
          words > 0
          ? PreparedMatrix(
            b, row: width, depth: 2 * width, columns: width, parts: parts.pointer, precision: .high)
          : PreparedMatrix(lying: b, row: width)
        let planes = ComplexProduct.Planes(re: a, im: a + width, row: 2 * width)
        func run(_ rows: Int, _ matrix: PreparedMatrix, _ c: inout [Float]) {
          c.withUnsafeMutableBufferPointer { c in
            guard let c = c.baseAddress else { return }
            ComplexProduct.run(
              rows: rows, columns: width, depth: width, planes, matrix, c, c + width, cRow: 2 * width)
          }
        }
        run(rows, PreparedMatrix(lying: b, row: width), &exact)
        run(rows, prepared, &found)
        run(part, prepared, &some)
      }
    }
    guard words > 0, rows >= 4 else {
      #expect(found == exact)
      return
    }
    #expect(found[..<(part * 2 * width)] == some[..<(part * 2 * width)])
    var worst = 0.0
    for i in 0..<rows {
      for j in 0..<width {
        var (re, im, size) = (0.0, 0.0, 0.0)
        for k in 0..<width {
          let (x, y) = (Double(a[i * 2 * width + k]), Double(a[i * 2 * width + width + k]))
          let (u, v) = (Double(b[k * width + j]), Double(b[(width + k) * width + j]))
          re += x * u - y * v
          im += x * v + y * u
          size += max(abs(x * u) + abs(y * v), abs(x * v) + abs(y * u))
        }
        let place = i * 2 * width + j
        worst = max(
          worst, abs(Double(found[place]) - re) / size, abs(Double(found[place + width]) - im) / size)
      }
    }
    #expect(worst > 1e-8 && worst < 3 / 65536.0)
  }

  @Test(
    arguments: [(7, 16, 9), (4, 64, 33), (64, 48, 5), (5, 3, 4), (27, 144, 70), (3, 128, 80)], [false, true])
  func complexProducts(shape: (rows: Int, columns: Int, depth: Int), conjugate: Bool) {
    let (rows, columns, depth) = shape
    let (ar, ai) = (random(rows * depth, 6), random(rows * depth, 7))
    let (br, bi) = (random(depth * columns, 8), random(depth * columns, 9))
    for transposed in [false, true] {
      for accumulate in [false, true] {
        var (cr, ci) = (random(rows * columns, 10), random(rows * columns, 11))
        let before = (cr, ci)
        ar.withUnsafeBufferPointer { re in
          ai.withUnsafeBufferPointer { im in
            br.withUnsafeBufferPointer { bRe in
              bi.withUnsafeBufferPointer { bIm in
                guard let re = re.baseAddress, let im = im.baseAddress, let bRe = bRe.baseAddress,
                  let bIm = bIm.baseAddress
                else { return }
                ComplexProduct.run(
                  rows: rows, columns: columns, depth: depth,
                  transposed
                    ? .init(re: re, im: im, row: 1, column: rows) : .init(re: re, im: im, row: depth),
                  conjugate: conjugate, .init(re: bRe, im: bIm, row: columns), &cr, &ci, cRow: columns,
                  accumulate: accumulate)
              }
            }
          }
        }
        var worst = 0.0
        for i in 0..<rows {
          for j in 0..<columns {
            var (x, y) =
              accumulate ? (Double(before.0[i * columns + j]), Double(before.1[i * columns + j])) : (0, 0)
            for k in 0..<depth {
              let at = transposed ? k * rows + i : i * depth + k
              let (p, q) = (Double(ar[at]), (conjugate ? -1 : 1) * Double(ai[at]))
              let (u, v) = (Double(br[k * columns + j]), Double(bi[k * columns + j]))
              x += p * u - q * v
              y += p * v + q * u
            }
            worst = max(worst, abs(x - Double(cr[i * columns + j])), abs(y - Double(ci[i * columns + j])))
          }
        }
        #expect(worst < 1e-5 * (1 + Double(depth).squareRoot()))
      }
    }
  }
}
