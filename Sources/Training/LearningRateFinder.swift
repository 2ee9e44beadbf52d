import Basics
import Foundation

/// The learning rate range test (Smith 2017): the rate rises exponentially from one update to the next until
/// the loss diverges; good rates lie below the one where the loss is lowest.
public struct LearningRateFinder: Sendable {
  /// One update.
  public struct Point: Sendable, Codable, Hashable {
    /// Learning rate of the update.
    public let learningRate: Double
    /// Loss of its batch, before it.
    public let loss: Double
    /// Exponential mean of the losses so far, with the bias of its start taken away.
    public let smoothedLoss: Double

    /// A point from its numbers.
    public init(learningRate: Double, loss: Double, smoothedLoss: Double) {
      self.learningRate = learningRate
      self.loss = loss
      self.smoothedLoss = smoothedLoss
    }

    enum CodingKeys: String, CodingKey {
      case loss
      case learningRate = "learning_rate"
      case smoothedLoss = "smoothed_loss"
    }
  }

  /// Lowest rate.
  public var from = 1e-6
  /// Highest rate.
  public var to = 1.0
  /// Updates from the lowest to the highest.
  public var steps = 150
  /// Memory of the smoothed loss.
  public var smoothing = 0.9
  /// The loss diverges where its smoothed value is so many times its lowest one.
  public var divergence = 3.0

  /// The usual range test.
  public init() {}

  /// The points of a test and what they say.
  public struct Outcome: Sendable {
    /// One for every update.
    public let points: [Point]
    /// Whether the loss diverged before the highest rate.
    public let diverged: Bool
    /// The rate where the smoothed loss is lowest.
    public let lowest: Double
    /// The rate where it falls fastest over the logarithm of the rate.
    public let steepest: Double
    /// A peak rate to train with: a tenth of `lowest`, which lies close below divergence and comes late,
    /// because the smoothed loss lags behind. On t31 networks it gives 2e-3, which trained them best.
    public var suggestion: Double { lowest / 10 }

    /// What some points say.
    /// - Throws: `ApusError` of kind `badData` where there are fewer than three.
    public init(_ points: [Point], diverged: Bool) throws {
      guard points.count >= 3, let lowest = points.min(by: { $0.smoothedLoss < $1.smoothedLoss }) else {
        throw ApusError(
          .badData, "the loss diverged at once", found: "\(points.count) finite losses",
          expected: "at least 3", advice: "Check the data and the initial checkpoint.")
      }
      self.points = points
      self.diverged = diverged
      self.lowest = lowest.learningRate
      func slope(_ i: Int) -> Double {
        (points[i + 1].smoothedLoss - points[i - 1].smoothedLoss)
          / log(points[i + 1].learningRate / points[i - 1].learningRate)
      }
      let fastest = (1..<points.count - 1).min { slope($0) < slope($1) } ?? 1
      steepest = points[fastest].learningRate
    }
  }

  /// Runs the test on a trainer, whose weights are spoilt by it.
  /// - Parameter isStopped: asked before every update.
  /// - Throws: `ApusError`: `tryAgainLater` where it was stopped, and as `Outcome`.
  public func run(_ trainer: Trainer, isStopped: () -> Bool) throws -> Outcome {
    var points: [Point] = []
    var mean = 0.0
    var lowest = Double.infinity
    for step in 0..<steps {
      if isStopped() { throw ApusError(.tryAgainLater, "stopped on request", advice: "Run it again.") }
      let rate = from * pow(to / from, Double(step) / Double(max(steps - 1, 1)))
      let loss: Double
      do { loss = try trainer.advance(learningRate: rate).loss } catch let error as ApusError
        where error.kind == .badRunFile
      { return try Outcome(points, diverged: true) }
      mean = smoothing * mean + (1 - smoothing) * loss
      let smoothed = mean / (1 - pow(smoothing, Double(step + 1)))
      lowest = min(lowest, smoothed)
      points.append(Point(learningRate: rate, loss: loss, smoothedLoss: smoothed))
      if smoothed > divergence * lowest { return try Outcome(points, diverged: true) }
    }
    return try Outcome(points, diverged: false)
  }
}
