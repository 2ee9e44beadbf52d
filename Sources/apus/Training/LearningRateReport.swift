import Basics
import Foundation
import Reports
import Training

/// The outcome of `apus train --find-learning-rate`.
struct LearningRateReport: Encodable, CustomStringConvertible {
  let name: String
  let suggestion: Double
  let lowest: Double
  let steepest: Double
  let diverged: Bool
  let chart: String
  let points: [LearningRateFinder.Point]

  init(_ outcome: LearningRateFinder.Outcome, name: String, chart: String) {
    self.name = name
    suggestion = outcome.suggestion
    lowest = outcome.lowest
    steepest = outcome.steepest
    diverged = outcome.diverged
    points = outcome.points
    self.chart = chart
  }

  /// Writes the chart, as PNG where its name ends so, else as SVG.
  /// - Throws: `ApusError` where the file cannot be written.
  func writeChart() throws {
    let rates = points.map(\.learningRate)
    let lowestLoss = points.map(\.smoothedLoss).min() ?? 1
    // A diverging loss may be any number; what leads to it should fill the chart.
    let top = 2 * max(points[0].smoothedLoss, 1.5 * lowestLoss)
    var picture = LineChart(
      title: "Learning rate range test of \(name)",
      series: [
        .init("smoothed", x: rates, y: points.map(\.smoothedLoss)),
        .init("loss of a batch", x: rates, y: points.map(\.loss)),
      ], x: Axis("Learning rate", scale: .logarithmic), y: Axis("Loss", scale: .logarithmic, high: top))
    picture.subtitle = String(
      format: "lowest at %.1e, falls fastest at %.1e, suggested %.1e", lowest, steepest, suggestion)
    try WholeFile.write(picture.picture(as: chart.hasSuffix(".png") ? .png : .svg).data, to: chart)
  }

  var description: String {
    // About twenty lines, whatever the number of updates.
    let every = max(1, points.count / 20)
    var lines = ["learning rate        loss    smoothed"]
    for (number, point) in points.enumerated() where number % every == 0 || number == points.count - 1 {
      lines.append(
        String(format: "%13.2e  %10.5f  %10.5f", point.learningRate, point.loss, point.smoothedLoss))
    }
    lines.append(
      diverged
        ? String(format: "the loss diverged at %.1e", points[points.count - 1].learningRate)
        : "the loss did not diverge")
    lines.append(String(format: "lowest at %.1e, falls fastest at %.1e", lowest, steepest))
    lines.append(String(format: "suggested: learning_rate: %.1e", suggestion))
    lines.append("chart: \(chart)")
    return lines.joined(separator: "\n")
  }
}
