import Foundation

/// The parts that all charts share: heading, legend, axes.
struct PlotFrame {
  /// One entry of the legend.
  struct LegendEntry {
    enum Symbol {
      case line(SeriesStyle)
      case area(Colour)
    }
    var name: String
    var symbol: Symbol
  }

  let canvas: Canvas
  let x: Axis.Fitted
  let y: Axis.Fitted
  /// The plotting area.
  let left: Double
  let top: Double
  let right: Double
  let bottom: Double
  private let legend: [LegendEntry]
  private let hasTopAxis: Bool
  private let legendRows: [[Int]]
  private let heading: Double
  private let titles: (title: String, subtitle: String)
  private static let legendSize = 11.0
  private static let symbolWidth = 30.0

  /// Lays the chart out on a fresh canvas; the legend stands above the plotting area, where no line can be.
  init(
    format: Picture.Format, width: Int, height: Int, title: String, subtitle: String, x: Axis.Fitted,
    y: Axis.Fitted,
    legend: [LegendEntry], hasTopAxis: Bool = false
  ) throws {
    let canvas = try Canvas(format, width: min(max(width, 240), 4000), height: min(max(height, 160), 4000))
    self.canvas = canvas
    self.x = x
    self.y = y
    self.legend = legend
    self.hasTopAxis = hasTopAxis
    titles = (title, subtitle)
    let widest = y.labels.map { canvas.textWidth($0, size: 10.5) }.max() ?? 0
    left = max(16 + widest + 8, 44)
    let lastLabel = x.labels.last.map { canvas.textWidth($0, size: 10.5) / 2 } ?? 0
    right = Double(canvas.width) - max(18, lastLabel + 8)
    var rows: [[Int]] = []
    var used = Double.infinity
    for (number, entry) in legend.enumerated() {
      let width = Self.symbolWidth + 6 + canvas.textWidth(entry.name, size: Self.legendSize) + 18
      if used + width > Double(canvas.width) - 32 + 18 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append(number)
      used += width
    }
    legendRows = rows
    heading = 12 + (title.isEmpty ? 0 : 20) + (subtitle.isEmpty ? 0 : 16)
    let wanted = heading + Double(rows.count) * 18 + (rows.isEmpty ? 0 : 4) + 30 + (hasTopAxis ? 18 : 0)
    bottom = Double(canvas.height) - 46
    // However many series there are, some of the chart is left.
    top = min(wanted, bottom - 40)
  }

  func place(_ valueX: Double, _ valueY: Double) -> (x: Double, y: Double)? {
    guard let fx = x.fraction(valueX), let fy = y.fraction(valueY) else { return nil }
    // Far outside the frame is as good as just outside, and cairo's fixed-point numbers stay in range.
    return (
      left + min(max(fx, -10), 10) * (right - left), bottom - min(max(fy, -10), 10) * (bottom - top)
    )
  }

  /// Heading, legend, grid lines, ticks and labels.
  func drawAxes() {
    var baseline = 24.0
    let available = Double(canvas.width) - 32
    if !titles.title.isEmpty {
      canvas.text(
        canvas.fitted(titles.title, width: available, size: 14, bold: true), x: 16, y: baseline, size: 14,
        bold: true)
      baseline += 17
    }
    if !titles.subtitle.isEmpty {
      canvas.text(
        canvas.fitted(titles.subtitle, width: available, size: 11), x: 16, y: baseline, size: 11,
        colour: .mutedInk)
    }
    drawLegend()
    for tick in y.ticks {
      guard let fraction = y.fraction(tick) else { continue }
      let at = bottom - fraction * (bottom - top)
      canvas.path([(left, at), (right, at)])
    }
    canvas.stroke(.grid, width: 1)
    if x.isLogarithmic {
      for tick in x.ticks {
        guard let fraction = x.fraction(tick) else { continue }
        let at = left + fraction * (right - left)
        canvas.path([(at, top), (at, bottom)])
      }
      canvas.stroke(.grid, width: 1)
    }
    canvas.text(y.title, x: 16, y: top - (hasTopAxis ? 28 : 13), size: 11, colour: .mutedInk)
  }

  /// The lines of the axes with their ticks, over the data.
  func drawFrame() {
    canvas.path([(left, bottom), (right, bottom)])
    canvas.stroke(.frame, width: 1.2)
    if y.isLogarithmic {
      canvas.path([(left, top), (left, bottom)])
      canvas.stroke(.frame, width: 1)
    }
    for tick in x.minorTicks {
      guard let fraction = x.fraction(tick) else { continue }
      let at = left + fraction * (right - left)
      canvas.path([(at, bottom), (at, bottom + 3)])
    }
    for tick in y.minorTicks where y.ticks.count > 1 {
      guard let fraction = y.fraction(tick) else { continue }
      let at = bottom - fraction * (bottom - top)
      canvas.path([(left - 3, at), (left, at)])
    }
    canvas.stroke(.frame, width: 0.7)
    var free = -Double.infinity
    for (tick, label) in zip(x.ticks, x.labels) {
      guard let fraction = x.fraction(tick) else { continue }
      let at = left + fraction * (right - left)
      canvas.path([(at, bottom), (at, bottom + 5)])
      canvas.stroke(.frame, width: 1)
      let half = canvas.textWidth(label, size: 10.5) / 2
      guard at - half >= free else { continue }
      free = at + half + 5
      canvas.text(label, x: at, y: bottom + 18, size: 10.5, anchor: .middle)
    }
    free = Double.infinity
    for (tick, label) in zip(y.ticks, y.labels) {
      guard let fraction = y.fraction(tick) else { continue }
      let at = bottom - fraction * (bottom - top)
      guard at <= free else { continue }
      free = at - 12
      canvas.text(label, x: left - 7, y: at + 3.8, size: 10.5, anchor: .end)
    }
    canvas.text(x.title, x: (left + right) / 2, y: bottom + 36, size: 11, colour: .mutedInk, anchor: .middle)
  }

  private func drawLegend() {
    var y = heading + 14
    for row in legendRows {
      var x = 16.0
      for number in row {
        let entry = legend[number]
        switch entry.symbol {
        case .line(let style):
          canvas.path([(x, y - 4), (x + Self.symbolWidth, y - 4)])
          canvas.stroke(style.colour, width: style.width, dashes: style.dashes)
          style.drawMarker(canvas, x: x + Self.symbolWidth / 2, y: y - 4)
        case .area(let colour):
          canvas.rectangle(x, y - 9, Self.symbolWidth, 10)
          canvas.fill(colour)
        }
        let name = canvas.fitted(
          entry.name, width: Double(canvas.width) - 38 - Self.symbolWidth, size: Self.legendSize)
        canvas.text(name, x: x + Self.symbolWidth + 6, y: y, size: Self.legendSize)
        x += Self.symbolWidth + 6 + canvas.textWidth(name, size: Self.legendSize) + 18
      }
      y += 18
    }
  }

  /// Draws a line through the points that have a place; the line breaks where one has none.
  func drawLine(x xs: [Double], y ys: [Double], style: SeriesStyle) {
    var isDrawing = false
    var places: [(x: Double, y: Double, isAlone: Bool)] = []
    let points = zip(xs, ys).map { place($0, $1) }
    for (number, point) in points.enumerated() {
      guard let point else {
        isDrawing = false
        continue
      }
      if isDrawing { canvas.lineTo(point.x, point.y) } else { canvas.moveTo(point.x, point.y) }
      let hasNext = number + 1 < points.count && points[number + 1] != nil
      places.append((point.x, point.y, !isDrawing && !hasNext))
      isDrawing = true
    }
    canvas.stroke(style.colour, width: style.width, dashes: style.dashes)
    // Lone points are always marked, others where markers do not crowd.
    let every = max(1, Int((Double(places.count) / 16).rounded(.up)))
    for (number, place) in places.enumerated() where place.isAlone || number % every == 0 {
      if style.marker == nil && place.isAlone {
        canvas.circle(place.x, place.y, radius: style.width)
        canvas.fill(style.colour)
      } else {
        style.drawMarker(canvas, x: place.x, y: place.y)
      }
    }
  }

  /// Fills between two lines wherever both have places.
  func drawBand(x xs: [Double], lower: [Double], upper: [Double], colour: Colour) {
    var low: [(x: Double, y: Double)] = []
    var high: [(x: Double, y: Double)] = []
    func fill() {
      if low.count > 1 {
        canvas.path(low + high.reversed(), closed: true)
        canvas.fill(colour)
      }
      low = []
      high = []
    }
    for (number, value) in xs.enumerated() {
      if number < lower.count, number < upper.count, let a = place(value, lower[number]),
        let b = place(value, upper[number])
      {
        low.append(a)
        high.append(b)
      } else {
        fill()
      }
    }
    fill()
  }
}
