import Basics
import Fields
import Sphere
import Testing
import Training

@Suite struct LossTests {
  let grid: SphereGrid
  let normalisation = Normalisation(
    channels: ["z500", "msl"], mean: [0, 0], deviation: [2, 3], tendencyDeviation: [1, 1.5])

  init() throws { grid = try SphereGrid(.gaussian, latitudes: 8, longitudes: 16) }

  func random(_ count: Int, _ stream: UInt64) -> [Float] {
    Philox(seed: 5, purpose: .test, stream).normals(count).map { Float($0) }
  }

  /// W_c = w_c / sum(w) (sigma / sigma_tendency)^2 with w = 0.5 and 0.1, worked out by hand.
  @Test func constantErrorsHaveTheLossOfTheFormula() {
    let points = grid.pointCount
    let truth = [Float](repeating: 2, count: 2 * points)
    var forecast = truth
    for i in 0..<points { forecast[i] += 0.5 }
    let absolute = TendencyLoss(normalisation, grid: grid, isRelative: false, weights: [:])
    #expect(abs(absolute.evaluate(forecast, truth, gradient: nil) - 0.5 / 0.6 * 4 * 0.25) < 1e-6)
    let relative = TendencyLoss(normalisation, grid: grid, isRelative: true, weights: [:])
    #expect(abs(relative.evaluate(forecast, truth, gradient: nil) - 0.5 / 0.6 * 4 * 0.25 / 4) < 1e-6)
    let equal = TendencyLoss(normalisation, grid: grid, isRelative: false, weights: ["z500": 1, "msl": 1])
    #expect(abs(equal.evaluate(forecast, truth, gradient: nil) - 0.5 * 4 * 0.25) < 1e-6)
  }

  @Test(arguments: [true, false]) func gradientIsTheLimitOfDifferences(isRelative: Bool) {
    let loss = TendencyLoss(normalisation, grid: grid, isRelative: isRelative, weights: [:])
    let count = 2 * grid.pointCount
    let (forecast, truth, direction) = (random(count, 1), random(count, 2), random(count, 3))
    var gradient = [Float](repeating: 0, count: count)
    _ = loss.evaluate(forecast, truth, factor: 3, gradient: &gradient)
    let along = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    // The loss is quadratic: a central difference is exact but for rounding.
    let step: Float = 0.02
    let ahead = zip(forecast, direction).map { $0 + step * $1 }
    let behind = zip(forecast, direction).map { $0 - step * $1 }
    let difference =
      (loss.evaluate(ahead, truth, gradient: nil) - loss.evaluate(behind, truth, gradient: nil))
      / Double(2 * step)
    #expect(abs(along - 3 * difference) < 1e-4 * abs(along))
  }

  /// A set whose change in a step is one harmonic of a degree for each channel.
  func set(_ degrees: [Int], _ transform: SphericalTransform<Double>) -> TrainingSet {
    let points = grid.pointCount
    var states = [Float](repeating: 0, count: 2 * points * 3)
    for (channel, l) in degrees.enumerated() {
      var coefficients = [Double](repeating: 0, count: transform.coefficientCount(1))
      for degree in 1..<transform.degrees {
        coefficients[degree * transform.orders * 2] = degree == l ? 2.5 : 0.5
      }
      let change = transform.inverse(coefficients, count: 1)
      for time in 0..<3 {
        for p in 0..<points {
          // Physical units: z-scores times the deviations of the normalisation, 2 and 3.
          states[(time * 2 + channel) * points + p] = Float(change[p]) * Float(time) * (channel == 0 ? 2 : 3)
        }
      }
    }
    let start = Instant(year: 2001, month: 1, day: 1)
    return TrainingSet(
      stretches: [(states, (0..<3).map { start.adding(hours: 6 * $0) })], normalisation: normalisation,
      points: points, steps: 1)
  }

  /// An error as large as the change of a step at degree l costs the same whatever the change is there.
  @Test func spectralPartWeighsDegreesByTheirChange() {
    let transform = SphericalTransform<Double>(grid: grid, degrees: 8)
    let set = set([3, 5], transform)
    let spectral = SpectralError(set, grid: grid, degrees: 8, weight: 7, channelWeights: [3, 1])
    #expect(abs(spectral.tendencyPower[0][3] - 6.25 / (4 * .pi)) < 1e-5)
    #expect(abs(spectral.tendencyPower[0][4] - 0.25 / (4 * .pi)) < 1e-6)
    let points = grid.pointCount
    for (channel, l, change, share) in [(0, 3, 2.5, 0.75), (0, 4, 0.5, 0.75), (1, 5, 2.5, 0.25)] {
      var coefficients = [Double](repeating: 0, count: transform.coefficientCount(1))
      coefficients[l * transform.orders * 2] = change
      let error = transform.inverse(coefficients, count: 1)
      let truth = random(2 * points, 4)
      var forecast = truth
      for p in 0..<points { forecast[channel * points + p] += Float(error[p]) }
      let found = spectral.loss(forecast, truth)
      #expect(abs(found - 7 * share / 7) < 1e-4, "l = \(l)")
    }
  }

  /// Adjusted: right pattern with wrong amplitude costs the difference of amplitudes, wrong pattern least with
  /// the truth's amplitude, where the squared form would have none.
  @Test func adjustedFormPartsAmplitudeFromPattern() {
    let transform = SphericalTransform<Double>(grid: grid, degrees: 8)
    let set = set([3, 5], transform)
    func part(_ form: SpectralError.Form) -> SpectralError {
      SpectralError(set, grid: grid, degrees: 8, weight: 7, channelWeights: [1, 0], form: form)
    }
    let (squared, adjusted) = (part(.squared), part(.adjusted))
    /// A z-score field of order `m` at degree 3 in channel 0, its change's size (power 6.25 / 4 pi, share 1).
    func field(_ m: Int, _ amplitude: Double) -> [Float] {
      var coefficients = [Double](repeating: 0, count: transform.coefficientCount(1))
      coefficients[(3 * transform.orders + m) * 2] = amplitude * 2.5 / (m == 0 ? 1 : 2.0.squareRoot())
      return transform.inverse(coefficients, count: 1).map { Float($0) }
        + [Float](repeating: 0, count: grid.pointCount)
    }
    // Same pattern: (1 - a)^2 both.
    for a in [0.5, 1, 1.5] {
      #expect(abs(squared.loss(field(2, a), field(2, 1)) - (1 - a) * (1 - a)) < 1e-4)
      #expect(abs(adjusted.loss(field(2, a), field(2, 1)) - (1 - a) * (1 - a)) < 1e-4)
    }
    // Unrelated patterns: 1 + a^2 against (1 - a)^2 + 2 max(1, a^2).
    for a in [0.5, 0.9, 1, 1.1, 2] {
      #expect(abs(squared.loss(field(0, a), field(2, 1)) - (1 + a * a)) < 1e-4)
      #expect(abs(adjusted.loss(field(0, a), field(2, 1)) - ((1 - a) * (1 - a) + 2 * max(1, a * a))) < 1e-4)
    }
  }

  @Test(arguments: [SpectralError.Form.squared, .adjusted], [Float(0.2), 1.6])
  func spectralGradientIsTheLimitOfDifferences(form: SpectralError.Form, amplitude: Float) {
    let transform = SphericalTransform<Double>(grid: grid, degrees: 8)
    var loss = TendencyLoss(normalisation, grid: grid, isRelative: true, weights: [:])
    loss.spectral = SpectralError(
      set([3, 5], transform), grid: grid, degrees: 8, weight: 0.3, channelWeights: loss.chosenWeights,
      form: form)
    let space = loss.spectral?.makeWorkspace()
    let count = 2 * grid.pointCount
    let (truth, direction) = (random(count, 6), random(count, 7))
    // A forecast that has something of the truth, too weak or too strong at every degree.
    let forecast = zip(random(count, 5), truth).map { amplitude * ($0 + $1) }
    var gradient = [Float](repeating: 0, count: count)
    _ = loss.evaluate(forecast, truth, factor: 3, gradient: &gradient, space)
    let along = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let step: Float = 0.002
    let ahead = zip(forecast, direction).map { $0 + step * $1 }
    let behind = zip(forecast, direction).map { $0 - step * $1 }
    let difference =
      (loss.evaluate(ahead, truth, gradient: nil, space) - loss.evaluate(behind, truth, gradient: nil, space))
      / Double(2 * step)
    #expect(abs(along - 3 * difference) < 1e-3 * abs(along))
  }
}

@Suite struct AdamWTests {
  /// Against AdamW written out in double precision, one number at a time.
  @Test func followsThePublishedRule() throws {
    let count = 64
    let parameters = AlignedBuffer(Philox(seed: 1, purpose: .test).normals(count).map { Float($0) })
    var expected = parameters.array.map(Double.init)
    var first = [Double](repeating: 0, count: count)
    var second = first
    let optimiser = AdamW(parameters, betas: (0.9, 0.95), decay: 0.1, averageDecay: nil)
    for step in 1...5 {
      let gradient = AlignedBuffer(
        Philox(seed: 2, purpose: .test, UInt64(step)).normals(count).map { Float($0) })
      try optimiser.update(
        parameters, gradient: gradient, step: step, learningRate: 0.01, scale: 0.5, threads: 2)
      for i in 0..<count {
        let g = Double(gradient.pointer[i]) * 0.5
        first[i] = 0.9 * first[i] + 0.1 * g
        second[i] = 0.95 * second[i] + 0.05 * g * g
        let m = first[i] / (1 - pow(0.9, step))
        let v = second[i] / (1 - pow(0.95, step))
        expected[i] -= 0.01 * 0.1 * expected[i] + 0.01 * m / (v.squareRoot() + 1e-8)
      }
    }
    for i in 0..<count { #expect(abs(Double(parameters.pointer[i]) - expected[i]) < 1e-5) }
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { value, _ in value * base }
  }

  @Test func theScheduleWarmsUpAndComesDown() {
    let schedule = LearningRateSchedule(peak: 1, final: 0.1, warmupSteps: 10, steps: 110)
    #expect(schedule.rate(0) == 0.1)
    #expect(schedule.rate(9) == 1)
    #expect(abs(schedule.rate(60) - 0.55) < 1e-12)
    #expect(abs(schedule.rate(110) - 0.1) < 1e-12)
    for step in 10..<109 { #expect(schedule.rate(step) >= schedule.rate(step + 1)) }
  }
}
