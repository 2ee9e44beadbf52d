import Testing
import Verification

@Suite struct CheckpointScoreTests {
  /// Two rows of weights 0.5 and 1.5 (mean 1), two columns.
  let weights = AreaWeights(rowWeights: [1, 3], columns: 2)

  /// Errors a = (1, 1 | 2, 0), b = (1, -1 | 0, 2): <a^2> = (1 + 1 + 3 x 4)/8 = 14/8, <b^2> the same,
  /// <a b> = (1 - 1)/8 = 0. Second case: a = b = 1 everywhere.
  @Test func twoForecastsByHand() {
    var products = ErrorProducts([[1, 1, 2, 0], [1, -1, 0, 2]], weights: weights)
    #expect(products.rootMeanSquare(0) == (14.0 / 8).squareRoot())
    #expect(products.rootMeanSquare(1) == (14.0 / 8).squareRoot())
    #expect(products.correlation(0, 1) == 0)
    // Errors of one size that have nothing to do with each other: 1 / sqrt(2).
    #expect(abs(products.gain - 0.5.squareRoot()) < 1e-15)
    // The mean errs by (1, 0 | 1, 1).
    #expect(abs(products.rootMeanSquareOfMean - (7.0 / 8).squareRoot()) < 1e-15)

    products.add(ErrorProducts([[1, 1, 1, 1], [1, 1, 1, 1]], weights: weights))
    #expect(products.cases == 2)
    #expect(products.rootMeanSquare(0) == (22.0 / 16).squareRoot())
    #expect(products.correlation(0, 1) == 8.0 / 22)
    #expect(products.correlation(1, 0) == 8.0 / 22)
    #expect(abs(products.rootMeanSquareOfMean - (15.0 / 16).squareRoot()) < 1e-15)
    #expect(abs(products.gain - (15.0 / 22).squareRoot()) < 1e-15)
  }

  @Test func theSameForecastTwiceGainsNothing() {
    let error = [0.3, -1.7, 2.2, 0.4]
    let products = ErrorProducts([error, error, error], weights: weights)
    for a in 0..<3 { for b in 0..<3 { #expect(products.correlation(a, b) == 1) } }
    #expect(abs(products.gain - 1) < 1e-15)
    #expect(ErrorProducts([error, error.map { -$0 }], weights: weights).correlation(0, 1) == -1)
  }

  /// The mean of squares must be that of the other scores.
  @Test func theErrorIsThatOfCaseScores() {
    let (forecast, truth) = ([3.0, 1, 4, 1], [5.0, 9, 2, 6])
    let products = ErrorProducts([zip(forecast, truth).map { $0 - $1 }], weights: weights)
    let one = CaseScores.ErrorOfOne(forecast, truth: truth, weights: weights)
    #expect(products.rootMeanSquare(0) == one.meanSquareError.squareRoot())
    #expect(products.gain == 1)
  }

  @Test func aForecastThatIsNotFiniteScoresInfinityAlone() {
    var products = ErrorProducts([[1, 1, 2, 0], [1, 1, 2, 0], [1, 1, 1, 1]], weights: weights)
    products.add(ErrorProducts([nil, [1, 1, 2, 0], [1, 1, 1, 1]], weights: weights))
    #expect(products.rootMeanSquare(0) == .infinity)
    #expect(products.rootMeanSquareOfMean == .infinity)
    #expect(products.rootMeanSquare(1) == (14.0 / 8).squareRoot())
    #expect(products.correlation(0, 1).isNaN)
    #expect(abs(products.correlation(1, 2) - 1 / (14.0 / 8).squareRoot()) < 1e-15)
    #expect(products.gain.isNaN)
  }

  @Test func powerRatiosAreOfSumsAndLeaveTheMeanOut() {
    var ratio = PowerRatio(degrees: 4)
    #expect(ratio.lowest == nil)
    ratio.add([100, 1, 6, 0], truth: [1, 2, 2, 0])
    ratio.add([100, 2, 6, 0], truth: [1, 1, 2, 0])
    #expect(ratio.ratios.prefix(2) == [1, 3])
    #expect(ratio.ratios[2].isNaN)
    #expect(ratio.lowest?.degree == 1)
    #expect(ratio.highest?.degree == 2)
    #expect(ratio.highest?.ratio == 3)
    ratio.add(nil, truth: [1, 1, 1, 1])
    #expect(ratio.ratios == [.infinity, .infinity, .infinity])
  }

  /// Truth 0, 2, 0, 2 ... has deviation 1 and mean 1; the forecast is one above it from the fifth time on.
  @Test func driftInDeviationsOfTheTruth() {
    let truth = (0..<12).map { Double($0 % 2) * 2 }
    let forecast = truth.enumerated().map { $0 < 4 ? $1 : $1 + 3 }
    let drift = ClimateDrift(forecast, truth: truth, window: 4)
    #expect(drift.mean == 3)
    #expect(drift.truthMean == 1)
    #expect(drift.deviation == 1)
    #expect(drift.departure == 2)
    #expect(drift.largest?.departure == 3)
    #expect((4...8).contains(drift.largest?.first ?? 0))
    // A run that ended early is held against the truth of its own times.
    let early = ClimateDrift(Array(truth.prefix(3)), truth: truth, window: 4)
    #expect(early.departure == 0)
    #expect(early.deviation == 1)
    #expect(early.largest == nil)
    let down = ClimateDrift([0, 2, 0, 2, -5, 2, 4, 2], truth: truth, window: 1)
    #expect(down.largest?.first == 4)
    #expect(down.largest?.departure == -5)
  }
}
