import Basics
import Foundation

/// A rank histogram (Talagrand diagram): how often the truth took each rank among the members, relative
/// to a flat histogram, with the band within which 95 % of the ranks of a calibrated ensemble lie
/// (binomial; Hamill 2001, doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2).
public struct RankHistogramFigure: Sendable {
  /// Heading.
  public var title: String
  /// Second line of the heading.
  public var subtitle = ""
  /// Occurrences of each rank 0...members (area weights may make them fractional).
  public var counts: [Double]
  /// Number of independent samples behind the counts, for the band; nil for their sum. Neighbouring grid
  /// points are not independent: give a smaller number where it is known.
  public var independentSamples: Double?
  /// Nominal width [CSS pixel], 240...4000.
  public var width = 540
  /// Nominal height [CSS pixel], 160...4000.
  public var height = 310

  /// A histogram of `counts` per rank.
  public init(title: String, counts: [Double], independentSamples: Double? = nil) {
    self.title = title
    self.counts = counts
    self.independentSamples = independentSamples
  }

  /// A bar: the ranks it stands for, its height relative to flat, the 95 % band of that height.
  package struct Bar: Sendable, Hashable {
    package let ranks: Range<Int>
    package let height: Double
    package let low: Double
    package let high: Double
  }

  /// The bars; more than 101 ranks are grouped.
  package var bars: [Bar] {
    let total = counts.reduce(0, +)
    let samples = independentSamples ?? total
    let groups = min(counts.count, 101)
    return (0..<groups).map { group in
      let ranks = group * counts.count / groups..<(group + 1) * counts.count / groups
      let share = Double(ranks.count) / Double(counts.count)
      let height = total > 0 ? counts[ranks].reduce(0, +) / (total * share) : 0
      let band = BinomialInterval.central(trials: samples, probability: share)
      let scale = samples > 0 ? 1 / (samples * share) : 0
      return Bar(ranks: ranks, height: height, low: band.low * scale, high: band.high * scale)
    }
  }

  /// Draws the histogram.
  /// - Throws: `ApusError` of kind `badData` where a count is negative or not finite, `internalFault`
  ///   where cairo fails.
  public func picture(as format: Picture.Format = .svg) throws -> Picture {
    for (rank, count) in counts.enumerated() where !(count >= 0 && count.isFinite) {
      throw ApusError(
        .badData, "a rank histogram has an impossible count", variable: "rank \(rank)", found: "\(count)",
        expected: "0 or more")
    }
    if let independentSamples, !(independentSamples >= 0 && independentSamples.isFinite) {
      throw ApusError(
        .badData, "a rank histogram has an impossible number of samples", found: "\(independentSamples)",
        expected: "0 or more")
    }
    let bars = bars
    var ranks = Axis("Rank of the truth among \(max(counts.count - 1, 0)) members")
    ranks.hasWholeNumbers = true
    let x = ranks.fitted(to: [-0.5, Double(max(counts.count, 1)) - 0.5], target: 10, isTight: true)
    let y = Axis("Frequency relative to a flat histogram", startsAtZero: true)
      .fitted(to: bars.flatMap { [$0.height, $0.high] } + [1.2], target: 5, isTight: false)
    let bandColour = Colour(0x1f2933, opacity: 0.16)
    let frame = try PlotFrame(
      format: format, width: width, height: height, title: title, subtitle: subtitle, x: x, y: y,
      legend: [
        .init(name: "forecast", symbol: .area(Colour(0x6f9dc4))),
        .init(name: "flat", symbol: .line(SeriesStyle(colour: .ink, dashes: [5, 3], width: 1.2))),
        .init(name: "95 % of calibrated ensembles", symbol: .area(bandColour)),
      ])
    let canvas = frame.canvas
    frame.drawAxes()
    let gap = bars.count > 60 ? 0.0 : 0.08
    for bar in bars {
      let (from, to) = (Double(bar.ranks.lowerBound) - 0.5, Double(bar.ranks.upperBound) - 0.5)
      let inset = gap * (to - from)
      guard let a = frame.place(from + inset, 0), let b = frame.place(to - inset, bar.height) else {
        continue
      }
      canvas.rectangle(a.x, b.y, b.x - a.x, a.y - b.y)
    }
    canvas.fill(Colour(0x6f9dc4))
    for bar in bars {
      let (from, to) = (Double(bar.ranks.lowerBound) - 0.5, Double(bar.ranks.upperBound) - 0.5)
      guard let a = frame.place(from, bar.low), let b = frame.place(to, bar.high) else { continue }
      canvas.rectangle(a.x, b.y, b.x - a.x, a.y - b.y)
    }
    canvas.fill(bandColour)
    if let a = frame.place(-0.5, 1), let b = frame.place(Double(counts.count) - 0.5, 1) {
      canvas.path([a, b])
      canvas.stroke(.ink, width: 1.2, dashes: [5, 3])
    }
    frame.drawFrame()
    if counts.reduce(0, +) == 0 {
      canvas.text(
        "no samples", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2, size: 13,
        colour: .mutedInk, anchor: .middle)
    }
    return Picture(
      format: format, data: try canvas.finish(), width: canvas.width, height: canvas.height,
      alternativeText: alternativeText(bars))
  }

  private func alternativeText(_ bars: [Bar]) -> String {
    guard let first = bars.first, let last = bars.last else { return "Rank histogram: \(title). No ranks." }
    let outside = bars.count { $0.height < $0.low || $0.height > $0.high }
    return
      "Rank histogram: \(title). Relative to flat, the lowest rank has \(Ticks.short(first.height)), the "
      + "highest \(Ticks.short(last.height)); \(outside) of \(bars.count) bars lie outside the 95 % band."
  }
}
