import Basics
import Foundation

/// Power per degree l of the spherical harmonics, on logarithmic axes: members thin, ensemble mean and
/// truth bold. Degree 0, the global mean, has no place on a logarithmic axis and is left out.
public struct SpectrumFigure: Sendable {
  /// Heading.
  public var title: String
  /// Second line of the heading.
  public var subtitle = ""
  /// Power of degrees 0, 1, ... of each member.
  public var members: [[Double]]
  /// Power of degrees 0, 1, ... of the ensemble mean; empty for none.
  public var mean: [Double]
  /// Power of degrees 0, 1, ... of the truth; empty for none.
  public var truth: [Double]
  /// Unit of the power: "hPa²".
  public var units: String
  /// Nominal width [CSS pixel], 240...4000.
  public var width = 540
  /// Nominal height [CSS pixel], 160...4000.
  public var height = 380

  /// Members drawn one by one at most; more are shown by every so-manieth and by the range of all.
  static let mostLines = 40

  /// Spectra of an ensemble.
  public init(title: String, members: [[Double]], mean: [Double] = [], truth: [Double] = [], units: String) {
    self.title = title
    self.members = members
    self.mean = mean
    self.truth = truth
    self.units = units
  }

  /// Draws the spectra.
  /// - Throws: `ApusError` of kind `internalFault` where cairo fails.
  public func picture(as format: Picture.Format = .svg) throws -> Picture {
    func degrees(_ spectrum: [Double]) -> [Double] { (0..<spectrum.count).map(Double.init) }
    let all = members + [mean, truth].filter { !$0.isEmpty }
    let values = all.flatMap { $0.dropFirst() }.filter { $0 > 0 && $0.isFinite }
    // Rounding noise far below the spectrum would squeeze the rest.
    let floor = (values.max() ?? 1) * 1e-14
    let last = Double(max((all.map(\.count).max() ?? 0) - 1, 10))
    let x = Axis.degree.fitted(to: [1, last], target: 8, isTight: true)
    let y = Axis("Power per degree", units: units, scale: .logarithmic)
      .fitted(to: values.filter { $0 >= floor }, target: 8, isTight: false)
    let memberStyle = SeriesStyle(colour: Colour(0x6f9dc4, opacity: 0.7), width: 0.9)
    let meanStyle = SeriesStyle(colour: SeriesStyle.palette[0], width: 2.2)
    let truthStyle = SeriesStyle(colour: SeriesStyle.palette[1], dashes: [7, 3.5], width: 2.2)
    var legend: [PlotFrame.LegendEntry] = []
    if !members.isEmpty {
      let name = members.count == 1 ? "member" : "\(members.count) members"
      legend.append(.init(name: name, symbol: .line(memberStyle)))
    }
    if !mean.isEmpty { legend.append(.init(name: "ensemble mean", symbol: .line(meanStyle))) }
    if !truth.isEmpty { legend.append(.init(name: "truth", symbol: .line(truthStyle))) }
    let frame = try PlotFrame(
      format: format, width: width, height: height, title: title, subtitle: subtitle, x: x, y: y,
      legend: legend,
      hasTopAxis: true)
    let canvas = frame.canvas
    frame.drawAxes()
    canvas.clipped(frame.left, frame.top - 2, frame.right - frame.left + 2, frame.bottom - frame.top + 4) {
      if members.count > Self.mostLines {
        let count = members.map(\.count).min() ?? 0
        let range = (0..<count).map { l in members.map { $0[l] } }
        frame.drawBand(
          x: (0..<count).map(Double.init), lower: range.map { $0.min() ?? .nan },
          upper: range.map { $0.max() ?? .nan }, colour: Colour(0x6f9dc4, opacity: 0.25))
      }
      let every = max(1, (members.count + Self.mostLines - 1) / Self.mostLines)
      for number in stride(from: 0, to: members.count, by: every) {
        frame.drawLine(x: degrees(members[number]), y: members[number], style: memberStyle)
      }
      frame.drawLine(x: degrees(mean), y: mean, style: meanStyle)
      frame.drawLine(x: degrees(truth), y: truth, style: truthStyle)
    }
    frame.drawFrame()
    drawWavelengths(frame)
    if values.isEmpty {
      canvas.text(
        "no positive power", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2, size: 13,
        colour: .mutedInk, anchor: .middle)
    }
    return Picture(
      format: format, data: try canvas.finish(), width: canvas.width, height: canvas.height,
      alternativeText:
        "Power spectrum by degree l from 1 to \(Int(last)): \(title). \(members.count) member\(members.count == 1 ? "" : "s")"
        + (mean.isEmpty ? "" : ", ensemble mean") + (truth.isEmpty ? "." : " and truth."))
  }

  /// A second axis on top: the wavelength 2 pi a / l, with the earth's radius a = 6371.2 km.
  private func drawWavelengths(_ frame: PlotFrame) {
    let canvas = frame.canvas
    let circumference = 2 * Double.pi * 6371.2
    var free = -Double.infinity
    for kilometres in [40_000.0, 20_000, 10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10] {
      guard let fraction = frame.x.fraction(circumference / kilometres), fraction > -0.001, fraction < 1.001
      else {
        continue
      }
      let at = frame.left + fraction * (frame.right - frame.left)
      canvas.path([(at, frame.top), (at, frame.top - 4)])
      canvas.stroke(.frame, width: 0.8)
      let digits = String(Int(kilometres))
      // A thin space before the thousands of long numbers.
      let grouped = digits.count > 4 ? "\(digits.dropLast(3))\u{2009}\(digits.suffix(3))" : digits
      let text = grouped + (free < 0 ? " km" : "")
      let half = canvas.textWidth(text, size: 9.5) / 2
      guard at - half > free else { continue }
      free = at + half + 8
      canvas.text(text, x: at, y: frame.top - 8, size: 9.5, colour: .mutedInk, anchor: .middle)
    }
    canvas.path([(frame.left, frame.top), (frame.right, frame.top)])
    canvas.stroke(.frame, width: 0.8)
  }
}
