import Basics
import Fields
import Foundation
import Sphere

/// Mean and standard deviation of every channel at every point as smooth functions of the time of the year and of
/// the day: what emulators standardise with (SEEDS' anomalies, spec/emulators.md 1.1, with harmonics in place of a
/// 15-day window, so that they are a small table that travels with the model).
///
///     mean(t)     = a0 + a1 cos Y + b1 sin Y + a2 cos 2Y + b2 sin 2Y + c1 cos D + d1 sin D
///     variance(t) = a0 + a1 cos Y + b1 sin Y, at least a tenth of its mean over the year
///
/// with Y = 2 pi times the part of the year that is over and D = 2 pi hour/24, fitted by least squares.
public struct SeasonalClimate: Sendable {
  /// Terms of the mean and of the variance.
  static let (meanTerms, varianceTerms) = (7, 3)
  /// Channels.
  public let channels: Int
  /// Points of a channel.
  public let points: Int
  /// Coefficients [term][channel][point], physical units and their squares.
  let means, variances: AlignedBuffer<Float>

  init(channels: Int, points: Int, means: AlignedBuffer<Float>, variances: AlignedBuffer<Float>) {
    (self.channels, self.points, self.means, self.variances) = (channels, points, means, variances)
  }

  static func basis(_ time: Instant) -> [Double] {
    let year = 2 * Double.pi * time.yearFraction
    let day = 2 * Double.pi * Double(time.seconds % 86_400) / 86_400
    return [1, cos(year), sin(year), cos(2 * year), sin(2 * year), cos(day), sin(day)]
  }

  /// Fits a climate to states.
  ///
  /// States of a season alone (of fewer than ten of a year's twelfths) make a climate without the terms of the year: fitted
  /// to a part of it these are anything in the rest, and a variance may be negative.
  /// - Parameters:
  ///   - times: moments of the states, which should cover a year and, where forecasts do, the hours of the day.
  ///   - load: states of some moments, [time][channel][point].
  /// - Throws: what `load` throws.
  public static func fit(
    channels: Int, points: Int, times: [Instant], load: ([Instant]) throws -> [Float]
  ) throws -> SeasonalClimate {
    let size = channels * points
    let means = AlignedBuffer<Float>(meanTerms * size)
    let variances = AlignedBuffer<Float>(varianceTerms * size)
    let spansYear = Set(times.map { Int(12 * $0.yearFraction) }).count >= 10
    func project(_ terms: Int, into target: AlignedBuffer<Float>, _ value: (Float, Float) -> Double) throws {
      var normal = [[Double]](repeating: [Double](repeating: 0, count: terms), count: terms)
      let sums = AlignedBuffer<Double>(terms * size)
      let mean = AlignedBuffer<Float>(size)
      let climate = SeasonalClimate(channels: channels, points: points, means: means, variances: variances)
      for chunk in stride(from: 0, to: times.count, by: 64) {
        let some = Array(times[chunk..<min(chunk + 64, times.count)])
        let states = try load(some)
        for (index, time) in some.enumerated() {
          let b = basis(time)
          for i in 0..<terms { for j in 0..<terms { normal[i][j] += b[i] * b[j] } }
          climate.mean(at: time, into: mean.pointer)
          states.withUnsafeBufferPointer { states in
            for place in 0..<size {
              let v = value(states[index * size + place], mean.pointer[place])
              for i in 0..<terms { sums.pointer[i * size + place] += b[i] * v }
            }
          }
        }
      }
      // A little ridge on all but the constant: what the times cannot tell apart (one hour a day, one season) stays small,
      // and harmonics of whole years lose 0.2 %.
      for i in 1..<terms {
        let isOfYear = (1...4).contains(i)
        normal[i][i] += (isOfYear && !spansYear ? 1e9 : 1e-3) * Double(times.count)
      }
      let inverse = inverted(normal)
      for place in 0..<size {
        for i in 0..<terms {
          var sum = 0.0
          for j in 0..<terms { sum += inverse[i][j] * sums.pointer[j * size + place] }
          target.pointer[i * size + place] = Float(sum)
        }
      }
    }
    try project(meanTerms, into: means) { x, _ in Double(x) }
    try project(varianceTerms, into: variances) { x, mean in
      let difference = Double(x) - Double(mean)
      return difference * difference
    }
    return SeasonalClimate(channels: channels, points: points, means: means, variances: variances)
  }

  /// The mean at a moment, [channel][point].
  public func mean(at time: Instant, into target: UnsafeMutablePointer<Float>) {
    evaluate(means, SeasonalClimate.basis(time), into: target)
  }

  /// The standard deviation at a moment, [channel][point].
  public func deviation(at time: Instant, into target: UnsafeMutablePointer<Float>) {
    evaluate(variances, Array(SeasonalClimate.basis(time)[..<SeasonalClimate.varianceTerms]), into: target)
    for place in 0..<channels * points {
      let floor = max(0.1 * variances.pointer[place], .leastNormalMagnitude)
      target[place] = max(target[place], floor).squareRoot()
    }
  }

  private func evaluate(
    _ coefficients: AlignedBuffer<Float>, _ basis: [Double], into target: UnsafeMutablePointer<Float>
  ) {
    let size = channels * points
    for place in 0..<size { target[place] = coefficients.pointer[place] }
    for (term, factor) in basis.enumerated().dropFirst() {
      let (row, factor) = (coefficients.pointer + term * size, Float(factor))
      for place in 0..<size { target[place] += factor * row[place] }
    }
  }

  /// Inverse of a small symmetric positive matrix (Gauss-Jordan).
  static func inverted(_ matrix: [[Double]]) -> [[Double]] {
    let n = matrix.count
    var a = matrix.enumerated().map { row, values in values + (0..<n).map { $0 == row ? 1.0 : 0 } }
    for column in 0..<n {
      let pivot = (column..<n).max { abs(a[$0][column]) < abs(a[$1][column]) } ?? column
      a.swapAt(column, pivot)
      let scale = 1 / a[column][column]
      for j in 0..<2 * n { a[column][j] *= scale }
      for row in 0..<n where row != column {
        let factor = a[row][column]
        for j in 0..<2 * n { a[row][j] -= factor * a[column][j] }
      }
    }
    return a.map { Array($0[n...]) }
  }
}

/// Mean and deviation of one moment: states to standardised anomalies and back.
public struct Standardisation: Sendable {
  let mean, deviation: AlignedBuffer<Float>

  /// Those of a climate at a moment.
  public init(_ climate: SeasonalClimate, at time: Instant) {
    mean = AlignedBuffer(climate.channels * climate.points)
    deviation = AlignedBuffer(climate.channels * climate.points)
    climate.mean(at: time, into: mean.pointer)
    climate.deviation(at: time, into: deviation.pointer)
  }

  /// z = (x - mean) / deviation, in place, for numbers [channel][point].
  public func standardise(_ x: UnsafeMutablePointer<Float>) {
    for i in 0..<mean.count { x[i] = (x[i] - mean.pointer[i]) / deviation.pointer[i] }
  }

  /// x = mean + deviation z, in place.
  public func restore(_ z: UnsafeMutablePointer<Float>) {
    for i in 0..<mean.count { z[i] = mean.pointer[i] + deviation.pointer[i] * z[i] }
  }
}
