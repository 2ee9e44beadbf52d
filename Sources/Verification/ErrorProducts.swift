/// How the errors of several forecasts of the same cases go together: area means of e_a e_b, summed over cases.
///
/// Everything about errors of second order follows: of each forecast, of the mean of all (whose error is the
/// mean of their errors), and how alike two forecasts err.
public struct ErrorProducts: Sendable, Hashable {
  /// Number of forecasts of a case.
  public let forecasts: Int
  /// Number of cases.
  public private(set) var cases: Int
  /// Sums over cases of the area mean of e_a e_b, [a][b], in the variable's unit squared.
  private var sums: [[Double]]

  /// No case yet.
  public init(forecasts: Int) {
    self.forecasts = forecasts
    cases = 0
    sums = [[Double]](repeating: [Double](repeating: 0, count: forecasts), count: forecasts)
  }

  /// One case.
  /// - Parameters:
  ///   - errors: forecast minus truth of each forecast, [point]; nil for a forecast that is not finite,
  ///     whose error is infinite and goes together with no other.
  ///   - weights: of the area mean.
  public init(_ errors: [[Double]?], weights: AreaWeights) {
    self.init(forecasts: errors.count)
    cases = 1
    for (a, first) in errors.enumerated() {
      for (b, second) in errors.enumerated().prefix(a + 1) {
        if let first, let second {
          sums[a][b] = weights.mean { first[$0] * second[$0] }
        } else {
          sums[a][b] = a == b ? .infinity : .nan
        }
        sums[b][a] = sums[a][b]
      }
    }
  }

  /// Adds cases of the same forecasts.
  public mutating func add(_ other: ErrorProducts) {
    precondition(other.forecasts == forecasts)
    cases += other.cases
    for a in 0..<forecasts {
      for b in 0..<forecasts { sums[a][b] += other.sums[a][b] }
    }
  }

  /// Root mean square error of a forecast over area and cases; infinity where one was not finite.
  public func rootMeanSquare(_ forecast: Int) -> Double {
    (sums[forecast][forecast] / Double(cases)).squareRoot()
  }

  /// Root mean square error of the mean of all forecasts; infinity where one was not finite.
  public var rootMeanSquareOfMean: Double {
    let total = sums.reduce(0) { $1.reduce($0, +) }
    let square = total / Double(forecasts * forecasts * cases)
    return square.isFinite ? max(0, square).squareRoot() : .infinity
  }

  /// Uncentred correlation of the errors of two forecasts: sum e_a e_b / sqrt(sum e_a^2 sum e_b^2); NaN where
  /// a forecast was not finite, or one had no error.
  public func correlation(_ a: Int, _ b: Int) -> Double {
    sums[a][b] / (sums[a][a] * sums[b][b]).squareRoot()
  }

  /// RMSE of the mean of all over the mean RMSE of one: 1 where all err alike, 1/sqrt(n) where errors of the
  /// same size have nothing to do with each other; NaN where a forecast was not finite.
  public var gain: Double {
    let single = (0..<forecasts).reduce(0) { $0 + rootMeanSquare($1) } / Double(forecasts)
    return rootMeanSquareOfMean / single
  }
}
