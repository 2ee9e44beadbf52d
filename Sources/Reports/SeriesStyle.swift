/// How one line of a chart looks: colour, dashes and marker all differ, so that lines stay apart without
/// colour.
struct SeriesStyle {
  enum Marker: CaseIterable {
    case circle, square, triangle, diamond, cross, ring
  }

  var colour: Colour
  var dashes: [Double] = []
  var width = 2.0
  var marker: Marker?

  /// Okabe and Ito's colour-blind safe set (Okabe & Ito 2008), darkened where it is pale on white.
  static let palette = [
    Colour(0x0b62a4), Colour(0xd1541c), Colour(0x128a62), Colour(0x8b4a97), Colour(0xc28a00),
    Colour(0x3d9bc9),
    Colour(0x4a4f55), Colour(0xa8324a),
  ]
  private static let dashing: [[Double]] = [
    [], [7, 3.5], [2, 2.5], [9, 3, 2, 3], [13, 4], [5, 2, 2, 2, 2, 2],
  ]

  /// The style of series `number`.
  static func automatic(_ number: Int) -> SeriesStyle {
    let markers = Marker.allCases
    return SeriesStyle(
      colour: palette[number % palette.count], dashes: dashing[number % dashing.count],
      marker: markers[number % markers.count])
  }

  func drawMarker(_ canvas: Canvas, x: Double, y: Double) {
    guard let marker else { return }
    let r = 3.2
    switch marker {
    case .circle: canvas.circle(x, y, radius: r)
    case .square: canvas.rectangle(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r)
    case .triangle:
      canvas.path(
        [(x, y - 1.25 * r), (x + 1.15 * r, y + 0.85 * r), (x - 1.15 * r, y + 0.85 * r)], closed: true)
    case .diamond:
      canvas.path([(x, y - 1.3 * r), (x + 1.3 * r, y), (x, y + 1.3 * r), (x - 1.3 * r, y)], closed: true)
    case .cross:
      canvas.path([(x - r, y - r), (x + r, y + r)])
      canvas.path([(x - r, y + r), (x + r, y - r)])
      canvas.stroke(colour, width: 1.8)
      return
    case .ring:
      canvas.circle(x, y, radius: r)
      canvas.fill(.white, keepingPath: true)
      canvas.stroke(colour, width: 1.6)
      return
    }
    canvas.fill(colour)
  }
}
