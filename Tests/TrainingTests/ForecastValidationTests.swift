import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing
import Training

@Suite struct ForecastValidationTests {
  let small: SmallTraining
  init() throws { small = try SmallTraining() }

  func validation(_ leads: [Int]?, starts: Int = 5) throws -> ForecastValidation? {
    try ForecastValidation(
      small.set, normalisation: small.normalisation, grid: small.network.grid, stepHours: 6,
      channels: ["t2m", "msl"], leadHours: leads, starts: starts)
  }

  /// The waves move by k columns in k steps: (f(x - k) - f(x))^2 has the mean
  /// <sin^2> (1 - cos(2 pi n k/16) + (1 - cos(4 pi n k/16)) / 4) for wave number n.
  @Test func persistenceHasTheErrorOfMovedWaves() throws {
    // The big skip alone, as the identity: a network that forecasts no change.
    let still = try small.checkpoint(small.network.layout.initialise(seed: 1, decoderScale: 0))
    let scores = try #require(try validation([6, 24, 96])).scores(still)
    #expect(scores.map(\.leadHours) == [6, 6, 24, 24, 96, 96])
    #expect(scores.map(\.channel) == ["t2m", "msl", "t2m", "msl", "t2m", "msl"])
    let colatitudes = small.network.grid.colatitudes
    let size =
      colatitudes.reduce(0) { $0 + sin($1) * sin($1) * sin($1) } / colatitudes.reduce(0) { $0 + sin($1) }
    for score in scores {
      let wave = score.channel == "msl" ? 1.0 : 2.0
      let angle = 2 * Double.pi * wave * Double(score.leadHours / 6) / 16
      let expected = (size * (1 - cos(angle) + (1 - cos(2 * angle)) / 4)).squareRoot()
      #expect(abs(score.persistence - expected) < 1e-5)
      #expect(abs(score.rmse - expected) < 1e-5)
    }
    #expect(ValidationScore.summary(Array(scores.prefix(4))) > 0.999)
  }

  @Test func threadsDoNotChangeABit() throws {
    let some = try small.checkpoint(small.start)
    let validation = try #require(try validation([12, 24], starts: 7))
    #expect(try validation.scores(some, threads: 1) == validation.scores(some, threads: 3))
  }

  @Test func leadsFollowFromTheData() throws {
    #expect(try validation(nil)?.leadHours == [24, 72, 120])
    #expect(try validation([]) == nil)
    let short = try ForecastValidation(
      small.set, normalisation: small.normalisation, grid: small.network.grid, stepHours: 9, starts: 3)
    #expect(short?.leadHours == [72])
    #expect(short?.channels == ["msl"])
    let error = #expect(throws: ApusError.self) { try validation([24, 240]) }
    #expect(error?.kind == .badData)
    #expect(error?.found == "240 h")
  }

  @Test func aForecastThatBlowsUpScoresInfinity() throws {
    let weights = small.start
    for segment in small.network.layout.segments where segment.name.hasSuffix("residual_transform.weight") {
      for i in 0..<segment.count { weights.pointer[segment.offset + i] = .nan }
    }
    let scores = try #require(try validation([24])).scores(small.checkpoint(weights))
    #expect(scores.allSatisfy { $0.rmse == .infinity })
    #expect(ValidationScore.summary(scores) == .infinity)
  }
}

@Suite struct LearningRateFinderTests {
  /// Losses that fall and rise as a parabola of log(rate): lowest at its vertex, steepest at its start.
  @Test func readsTheVertexOfAParabola() throws {
    let points = (0..<61).map { i in
      let x = Double(i - 40) / 10
      return LearningRateFinder.Point(learningRate: exp(x), loss: 1, smoothedLoss: 2 + x * x)
    }
    let outcome = try LearningRateFinder.Outcome(points, diverged: false)
    #expect(outcome.lowest == 1)
    #expect(outcome.steepest == points[1].learningRate)
    #expect(outcome.suggestion < outcome.lowest)
    #expect(throws: ApusError.self) {
      try LearningRateFinder.Outcome(Array(points.prefix(2)), diverged: true)
    }
  }

  @Test func ratesRiseUntilTheLossDiverges() throws {
    let small = try SmallTraining()
    var finder = LearningRateFinder()
    finder.from = 1e-5
    finder.to = 100
    finder.steps = 60
    let outcome = try finder.run(
      try small.trainer(steps: 1, threads: 2) { $0.gradientClip = nil }, isStopped: { false })
    #expect(outcome.diverged)
    #expect(outcome.points.count < 60)
    let ratios = zip(outcome.points.dropFirst(), outcome.points).map { $0.learningRate / $1.learningRate }
    #expect(ratios.allSatisfy { abs($0 - pow(1e7, 1.0 / 59)) < 1e-9 })
    // The first smoothed loss is the first loss: no bias towards zero.
    #expect(abs(outcome.points[0].smoothedLoss / outcome.points[0].loss - 1) < 1e-12)
    #expect((1e-4...1).contains(outcome.lowest), "\(outcome.lowest)")
    let error = #expect(throws: ApusError.self) {
      try finder.run(try small.trainer(steps: 1, threads: 2), isStopped: { true })
    }
    #expect(error?.kind == .tryAgainLater)
  }
}
