import CVector

/// Rows to columns.
public enum Transposition {
  /// target [columns][rows] = factor source [rows][columns], rows of each `stride` and `targetStride` apart.
  public static func run(
    rows: Int, columns: Int, _ source: UnsafePointer<Float>, stride: Int, factor: Float = 1,
    into target: UnsafeMutablePointer<Float>, stride targetStride: Int
  ) {
    let (wholeRows, wholeColumns) = (rows / 16 * 16, columns / 16 * 16)
    for row in Swift.stride(from: 0, to: wholeRows, by: 16) {
      for column in Swift.stride(from: 0, to: wholeColumns, by: 16) {
        apus_transpose(
          source + row &* stride + column, stride, factor, target + column &* targetStride + row,
          targetStride)
      }
    }
    for row in 0..<rows {
      for column in (row < wholeRows ? wholeColumns : 0)..<columns {
        target[column &* targetStride &+ row] = factor * source[row &* stride &+ column]
      }
    }
  }
}
