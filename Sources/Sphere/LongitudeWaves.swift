import Foundation

/// What the longitude halves of both transforms share: factors of orders, and tables of waves on folded rows.
enum LongitudeWaves {
  /// What multiplies order m: `quadrature` is 2 pi / n, `series` is 1 for m = 0 and Nyquist, else 2.
  enum Scaling: Int, CaseIterable { case quadrature = 0, series = 1 }

  /// Whether products with tables serve, rather than FFTW: a fixed rule, not a timing, since results must not
  /// depend on the mood of the machine.
  static func prefersTable(_ length: Int, _ orders: Int) -> Bool { length * orders <= 20_000 }

  /// Whether order m has no imaginary part on `length` longitudes.
  static func isReal(_ m: Int, _ length: Int) -> Bool { m == 0 || 2 * m == length }

  /// The factor of order m.
  static func factor(_ scaling: Scaling, _ m: Int, _ length: Int) -> Double {
    switch scaling {
    case .quadrature: return 2 * .pi / Double(length)
    case .series: return isReal(m, length) ? 1 : 2
    }
  }

  /// The order in row `row` of a part's table.
  static func order(_ row: Int, _ part: FoldedRows.Part) -> Int { 2 * row + (part.isOdd ? 1 : 0) }

  /// Factor times wave of the part at a place: a cosine, or less a sine, which is 0 where m is real.
  static func entry(_ part: FoldedRows.Part, _ scaling: Scaling, row: Int, place j: Int, length: Int)
    -> Double
  {
    let m = order(row, part)
    if part.isSine && isReal(m, length) { return 0 }
    let angle = 2 * Double.pi * Double((j * m) % length) / Double(length)
    return factor(scaling, m, length) * (part.isSine ? -sin(angle) : cos(angle))
  }
}

extension FoldedRows.Part {
  /// Orders of the part's parity below `orders`.
  func orderCount(_ orders: Int) -> Int { isOdd ? orders / 2 : (orders + 1) / 2 }
}
