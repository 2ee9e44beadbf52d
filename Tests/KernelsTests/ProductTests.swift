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
  @Test(arguments: [(13, 112, 40), (37, 208, 81)])
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
