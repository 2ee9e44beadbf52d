import Basics
import Foundation

/// Lines against lead time or another coordinate: scores, spectra, time series.
public struct LineChart: Sendable {
  /// One named line.
  public struct Series: Sendable, Hashable {
    /// Name in the legend.
    public var name: String
    /// Positions, in the unit of the horizontal axis.
    public var x: [Double]
    /// Values; the line breaks at values that are not finite.
    public var y: [Double]
    /// Lower edge of a shaded band (confidence interval), as long as `y`; empty for none.
    public var lower: [Double]
    /// Upper edge of the band.
    public var upper: [Double]

    /// A line through (x, y), with a band where `lower` and `upper` are given.
    public init(_ name: String, x: [Double], y: [Double], lower: [Double] = [], upper: [Double] = []) {
      self.name = name
      self.x = x
      self.y = y
      self.lower = lower
      self.upper = upper
    }
  }

  /// A level worth a thin line across: spread/skill = 1.
  public struct Reference: Sendable, Hashable {
    /// Position on the vertical axis.
    public var value: Double
    /// Written on the line.
    public var label: String

    /// A thin line across the chart.
    public init(_ value: Double, label: String) {
      self.value = value
      self.label = label
    }
  }

  /// Heading.
  public var title: String
  /// Second line of the heading.
  public var subtitle = ""
  /// The lines.
  public var series: [Series]
  /// The horizontal axis.
  public var xAxis: Axis
  /// The vertical axis.
  public var yAxis: Axis
  /// Thin lines across.
  public var references: [Reference] = []
  /// What the shaded bands are ("95 % confidence interval"), for the legend.
  public var bandName = ""
  /// Nominal width [CSS pixel], 240...4000.
  public var width = 540
  /// Nominal height [CSS pixel], 160...4000.
  public var height = 350

  /// A chart of `series`.
  public init(title: String, series: [Series], x: Axis = .leadTime, y: Axis) {
    self.title = title
    self.series = series
    xAxis = x
    yAxis = y
  }

  /// Draws the chart.
  /// - Throws: `ApusError` of kind `badData` where a series' lengths differ, `internalFault` where cairo
  ///   fails.
  public func picture(as format: Picture.Format = .svg) throws -> Picture {
    let canvas = try draw(format)
    return Picture(
      format: format, data: try canvas.finish(), width: canvas.width, height: canvas.height,
      alternativeText: alternativeText)
  }

  private func draw(_ format: Picture.Format) throws -> Canvas {
    for one in series {
      guard one.x.count == one.y.count else {
        throw ApusError(
          .badData, "a series of a chart has unequal lengths", variable: one.name,
          found: "\(one.x.count) positions, \(one.y.count) values", expected: "as many")
      }
      guard one.lower.count == one.upper.count, one.lower.isEmpty || one.lower.count == one.y.count else {
        throw ApusError(
          .badData, "the band of a series of a chart has unequal lengths", variable: one.name,
          found: "\(one.lower.count) lower and \(one.upper.count) upper values", expected: "\(one.y.count)")
      }
    }
    let x = xAxis.fitted(to: series.flatMap(\.x), target: 8, isTight: true)
    let values = series.flatMap { $0.y + $0.lower + $0.upper } + references.map(\.value)
    let y = yAxis.fitted(to: values, target: 5, isTight: false)
    var legend = series.enumerated().map {
      PlotFrame.LegendEntry(name: $0.element.name, symbol: .line(.automatic($0.offset)))
    }
    let hasBands = series.contains { !$0.lower.isEmpty }
    if hasBands && !bandName.isEmpty { legend.append(.init(name: bandName, symbol: .area(Colour(0xd4dae0)))) }
    let frame = try PlotFrame(
      format: format, width: width, height: height, title: title, subtitle: subtitle, x: x, y: y,
      legend: legend)
    let canvas = frame.canvas
    frame.drawAxes()
    canvas.clipped(
      frame.left - 5, frame.top - 5, frame.right - frame.left + 10, frame.bottom - frame.top + 10
    ) {
      for (number, one) in series.enumerated() where !one.lower.isEmpty {
        frame.drawBand(
          x: one.x, lower: one.lower, upper: one.upper,
          colour: SeriesStyle.automatic(number).colour.withOpacity(0.14))
      }
      for reference in references {
        guard let at = frame.y.fraction(reference.value) else { continue }
        let y = frame.bottom - at * (frame.bottom - frame.top)
        canvas.path([(frame.left, y), (frame.right, y)])
        canvas.stroke(.mutedInk, width: 1, dashes: [3, 3])
      }
      for (number, one) in series.enumerated() {
        frame.drawLine(x: one.x, y: one.y, style: .automatic(number))
      }
    }
    for reference in references { drawLabel(of: reference, frame) }
    frame.drawFrame()
    drawNote(frame, values)
    return canvas
  }

  /// Writes a reference's label over its line, at whichever place keeps the greatest distance from lines.
  private func drawLabel(of reference: Reference, _ frame: PlotFrame) {
    guard let at = frame.y.fraction(reference.value), (0...1).contains(at), !reference.label.isEmpty else {
      return
    }
    let canvas = frame.canvas
    let width = canvas.textWidth(reference.label, size: 9.5)
    let baseline = frame.bottom - at * (frame.bottom - frame.top) - 4
    let points = series.flatMap { one in zip(one.x, one.y).compactMap { frame.place($0, $1) } }
    func distance(_ left: Double) -> Double {
      let near = points.filter { $0.x > left - 12 && $0.x < left + width + 12 }
      return min(near.map { abs($0.y - (baseline - 4)) }.min() ?? 40, 40)
    }
    let room = max(frame.right - frame.left - width - 8, 0)
    let places = stride(from: 1.0, through: 0, by: -0.1).map { frame.left + 4 + room * $0 }
    var best = places[0]
    for place in places where distance(place) > distance(best) + 0.5 { best = place }
    canvas.text(reference.label, x: best, y: baseline, size: 9.5, colour: .mutedInk, halo: .white)
  }

  private func drawNote(_ frame: PlotFrame, _ values: [Double]) {
    guard !values.contains(where: \.isFinite) else { return }
    frame.canvas.text(
      "no finite values", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2, size: 13,
      colour: .mutedInk, anchor: .middle)
  }

  private var alternativeText: String {
    var text = "Line chart: \(title). \(yAxis.label) against \(xAxis.label.lowercased())."
    for one in series {
      let finite = zip(one.x, one.y).filter { $0.1.isFinite }
      guard let first = finite.first, let last = finite.last else { continue }
      text += " \(one.name): \(Ticks.short(first.1)) at \(Ticks.short(first.0))"
      text += finite.count > 1 ? ", \(Ticks.short(last.1)) at \(Ticks.short(last.0))." : "."
    }
    return text
  }
}
