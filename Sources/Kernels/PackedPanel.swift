import CVector

/// A product's panel of B, a few vectors wide, copied together where its rows lie far apart.
///
/// Rows a power of two apart fall into a few sets of the first-level cache and push each other out: a panel
/// 16 wide of rows of 256 numbers, 128 deep, is 8 KiB and yet comes from the second level at every use. The
/// copy costs what one use of the panel does. It changes no bit.
enum PackedPanel {
  /// Numbers that there is room for.
  private static var room: Int { Int(APUS_PANEL_ROOM) }
  /// Numbers of a B that stays in the first-level cache where it lies.
  private static var small: Int { 8192 }
  /// Uses of a panel that pay for its copy.
  private static var worthwhile: Int { 24 }

  /// The panel's start and the distance of its rows: a copy or, where that would not pay, the original.
  /// - Parameters:
  ///   - uses: rows of A that will be multiplied with it.
  @inline(__always) static func of(
    _ b: UnsafePointer<Float>, row: Int, width: Int, depth: Int, uses: Int
  ) -> (UnsafePointer<Float>, row: Int) {
    guard uses >= worthwhile, row > width, depth &* row >= small, depth &* width <= room else {
      return (b, row)
    }
    let copy = apus_panel_room()
    fill(copy, stride: width, b, row: row, width: width, depth: depth)
    return (UnsafePointer(copy), width)
  }

  /// The same of a complex matrix: rows of the copy hold the real parts and then the imaginary ones.
  @inline(__always) static func of(
    re: UnsafePointer<Float>, im: UnsafePointer<Float>, row: Int, width: Int, depth: Int, uses: Int
  ) -> (re: UnsafePointer<Float>, im: UnsafePointer<Float>, row: Int) {
    guard uses >= worthwhile, row > width, depth &* row >= small / 2, 2 &* depth &* width <= room else {
      return (re, im, row)
    }
    let copy = apus_panel_room()
    fill(copy, stride: 2 &* width, re, row: row, width: width, depth: depth)
    fill(copy + width, stride: 2 &* width, im, row: row, width: width, depth: depth)
    return (UnsafePointer(copy), UnsafePointer(copy + width), 2 &* width)
  }

  @inline(__always) private static func fill(
    _ target: UnsafeMutablePointer<Float>, stride: Int, _ source: UnsafePointer<Float>, row: Int, width: Int,
    depth: Int
  ) {
    var (target, source) = (target, source)
    for _ in 0..<depth {
      var column = 0
      while column < width {
        (target + column).vector = (source + column).vector
        column &+= 16
      }
      target += stride
      source += row
    }
  }
}
