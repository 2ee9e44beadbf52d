import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing
import Training

/// Waves that keep their amplitude, forecast by a network that keeps 0.98 of it.
@Suite struct SpectralCalibrationTests {
  let small: SmallTraining
  let damping: Checkpoint

  init() throws {
    small = try SmallTraining()
    damping = try small.skip(0.98)
  }

  func calibration(firstDegree: Int, relaxation: Double = 0) throws -> SpectralCalibration {
    try SpectralCalibration(
      small.set, of: damping, leads: [4, 12], starts: 3, firstDegree: firstDegree,
      relaxation: relaxation, limitMargin: 0.25)
  }

  @Test func findsWhatTheNetworkLoses() throws {
    let calibration = try calibration(firstDegree: 2)
    let (gain, iterations) = try calibration.calibrate(damping, iterations: 12)
    // sin(colatitude) times waves of order 1 (l = 1 alone), 2 and 4, even about the equator: l - m is even.
    for (channel, degrees) in [(0, [2, 4, 6]), (1, [2, 4, 6])] {
      for l in degrees { #expect(abs(gain.factors[channel][l] - 1 / 0.98) < 2e-3, "l = \(l)") }
    }
    #expect(gain.factors[0][1] == 1)
    #expect(gain.factors[0][3] == 1)
    #expect(gain.factors[1][3] == 1)
    // Power after 12 steps is 0.98^24 of the truth's before.
    #expect(abs(iterations[0].lowest - pow(0.98, 24)) < 1e-3)
    #expect(try #require(iterations.map(\.misfit).min()) < 0.02)
  }

  /// Relaxation takes r of log P's departure away after every step: d' = (1 - r) (d + 2 log 0.98).
  @Test func relaxationHoldsThePower() throws {
    var gain = StepTuning(channels: 2, degrees: damping.degrees)
    gain.relaxation[2] = 0.25
    let state = State(
      channels: damping.channels, grid: damping.grid, time: small.set.time(0, step: 0),
      values: physical(small.set.state(0, step: 0)))
    let transform = SphericalTransform<Float>(grid: damping.grid, degrees: damping.degrees)
    func power(_ state: State) -> Double {
      var values = state.values
      values.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress {
          small.normalisation.normalise(base, into: base, points: damping.grid.pointCount)
        }
      }
      let spectrum = transform.forward(values, count: 2)
      // Degree 2 of msl, whose only order is 2.
      let place = (2 * transform.orders + 2) * 2
      return 2 * (pow(Double(spectrum[place]), 2) + pow(Double(spectrum[place + 1]), 2))
    }
    let start = power(state)
    gain.power[0][2] = start
    let relaxed = try damping.with(tuning: gain, provenance: "{}")
    var (forecast, departure) = (state, 0.0)
    let workspace = CheckpointWorkspace(relaxed)
    for _ in 0..<20 {
      forecast = relaxed.step(forecast, workspace)
      departure = 0.75 * (departure + 2 * log(0.98))
      #expect(abs(log(power(forecast) / start) - departure) < 1e-3)
    }
    let (_, iterations) = try calibration(firstDegree: 2, relaxation: 0.25)
      .calibrate(damping, iterations: 8)
    #expect(abs(iterations[0].lowest - pow(0.98, 24)) < 1e-3)
    #expect(iterations[1].misfit < iterations[0].misfit)
    #expect(try #require(iterations.last).misfit < iterations[1].misfit)
  }

  /// A network that makes everything half as large again runs away; limits that lie a quarter of the data's range beyond the
  /// data hold it there, and change no bit of a state that stays inside.
  @Test func limitsHoldWhatRunsAway() throws {
    let points = damping.grid.pointCount
    let calibration = try calibration(firstDegree: 2)
    let limits = calibration.limits
    let all = small.set.cut(steps: 0)
    #expect(limits.least.count == 2 * 8 && all.count == small.set.count + 1)
    for row in limits.least.indices {
      let values = (0..<all.count).flatMap { start in
        Array(UnsafeBufferPointer(start: all.state(start, step: 0) + row * 16, count: 16))
      }
      let (least, largest) = (try #require(values.min()), try #require(values.max()))
      #expect(abs(limits.least[row] - (least - 0.25 * (largest - least))) < 1e-5)
      #expect(abs(limits.largest[row] - (largest + 0.25 * (largest - least))) < 1e-5)
    }
    let growing = try small.skip(1.5)
    func largest(_ checkpoint: Checkpoint) -> Float {
      var state = State(
        channels: damping.channels, grid: damping.grid, time: small.set.time(0, step: 0),
        values: physical(small.set.state(0, step: 0)))
      let workspace = CheckpointWorkspace(checkpoint)
      for _ in 0..<20 { state = checkpoint.step(state, workspace) }
      let z = AlignedBuffer<Float>(2 * points)
      state.values.withUnsafeBufferPointer {
        if let base = $0.baseAddress {
          small.normalisation.normalise(base, into: z.pointer, points: points)
        }
      }
      return z.array.map(abs).max() ?? .nan
    }
    var held = StepTuning(channels: 2, degrees: damping.degrees)
    #expect(largest(try growing.with(tuning: held)) > 100)
    let free = try damping.with(tuning: held)
    held.limits = limits
    let bound = try #require((limits.least + limits.largest).map(abs).max())
    let found = largest(try growing.with(tuning: held))
    #expect(found <= bound * 1.001 && found > 0.9 * bound)
    #expect(largest(free) == largest(try damping.with(tuning: held)))

    var values: [Float] = [-9, 0.5, .nan, 9]
    values.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress {
        ValueLimits([(0, 1)], margin: 1).apply(to: base, count: 4)
      }
    }
    #expect(values[0] == -1 && values[1] == 0.5 && values[2].isNaN && values[3] == 2)
    // Row by row: two channels of two latitudes of two longitudes.
    values = [-9, 9, -9, 9, -9, 9, -9, 9]
    values.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress {
        ValueLimits([(0, 1), (0, 2), (-3, 0), (-4, 4)], margin: 0).apply(to: base, count: 8)
      }
    }
    #expect(values == [0, 1, 0, 2, -3, 0, -4, 4])
    // Files of before have no limits.
    let old = Data(#"{"factors": [[1, 1]], "power": [[0, 0]], "relaxation": 0.1}"#.utf8)
    let read = try JSONDecoder().decode(StepTuning.self, from: old)
    #expect(read.limits == nil && read.relaxation == [0.1, 0.1])
    held.limits = ValueLimits([(0, 1)], margin: 0)
    #expect(throws: ApusError.self) { try damping.with(tuning: held) }
  }

  /// Small scales are relaxed more: one rate up to the first degree, another at the highest, a line in between. A file
  /// keeps them, one number where all degrees have the same.
  @Test func relaxationRisesWithTheDegree() throws {
    let last = damping.degrees - 1
    let calibration = try SpectralCalibration(
      small.set, of: damping, leads: [4], starts: 1, firstDegree: 2, relaxation: 0.1, finestRelaxation: 0.4,
      boundRelaxation: 0.7,
      limitMargin: 0.25)
    let (gain, _) = try calibration.calibrate(damping, iterations: 1)
    let expected: [Double] = (0...last).map { (l: Int) -> Double in
      if l < 2 { return 0.7 }
      let part: Double = Double(l - 2) / Double(last - 2)
      return 0.1 + 0.3 * part
    }
    #expect(zip(gain.relaxation, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(try JSONDecoder().decode(StepTuning.self, from: JSONEncoder().encode(gain)) == gain)
    let text = String(decoding: try JSONEncoder().encode(self.calibrated(0.25)), as: UTF8.self)
    #expect(text.contains("\"relaxation\":0.25"))

    var short = gain
    short.relaxation.removeLast()
    #expect(throws: ApusError.self) { try damping.with(tuning: short) }
    short.relaxation.append(1.5)
    #expect(throws: ApusError.self) { try damping.with(tuning: short) }
  }

  /// The data's last states are too near to their end for a forecast, but what is seen there counts.
  @Test func powerAndLimitsAreOfAllStates() throws {
    let (channels, points) = (2, damping.grid.pointCount)
    let states = (0..<40).flatMap { time -> [Float] in
      let state = time < 39 ? small.set.state(time, step: 0) : small.set.state(38, step: 1)
      return (0..<channels * points).map { time < 30 ? state[$0] : 3 * state[$0] }
    }
    let normalisation = Normalisation(
      channels: damping.channels, mean: [0, 0], deviation: [1, 1], tendencyDeviation: [1, 1])
    let set = TrainingSet(
      stretches: [(states, (0..<40).map { Instant(seconds: $0 * 21_600) })], normalisation: normalisation,
      points: points, steps: 1)
    let calibration = try SpectralCalibration(
      set, of: damping, leads: [12], starts: 3, firstDegree: 6, relaxation: 0.1, limitMargin: 0, powerTail: 0)
    let (gain, _) = try calibration.calibrate(damping, iterations: 1)
    let bounds = try #require(gain.bounds)
    #expect(abs(bounds.largest[0][2] / bounds.least[0][2] - 9) < 1e-3)
    let mean = (30.0 + 10 * 9) / 40
    // The waves of one channel have the same shape at degree 6 all the time.
    #expect(gain.power[0][6] > 0)
    let steady = try SpectralCalibration(
      small.set, of: damping, leads: [12], starts: 3, firstDegree: 6, relaxation: 0.1, limitMargin: 0)
    let (alone, _) = try steady.calibrate(damping, iterations: 1)
    #expect(abs(gain.power[0][6] / alone.power[0][6] - mean) < 1e-3)
    #expect(calibration.limits.largest.max() == states.max())
  }

  /// An area mean that has left the climate is brought back to its edge, of either sign; one inside stays.
  @Test(arguments: [2.0, -2, 0.5, -0.5]) func areaMeansAreBounded(mean: Double) throws {
    let transform = SphericalTransform<Float>(grid: damping.grid, degrees: damping.degrees)
    func power(_ mean: Double) -> Double {
      let field = [Float](repeating: Float(mean), count: 2 * damping.grid.pointCount)
      return pow(Double(transform.forward(field, count: 2)[0]), 2)
    }
    var tuning = StepTuning(channels: 2, degrees: damping.degrees)
    tuning.relaxation[0] = 1
    var bounds = PowerBounds(channels: 2, degrees: damping.degrees)
    bounds.bound(channel: 0, degree: 0, by: [0.9, 1, 0.95].map(power), tail: 0)
    #expect(bounds.least[0][0] == 0 && bounds.largest[0][0] == power(1))
    tuning.bounds = bounds
    let field = [Float](repeating: Float(mean), count: 2 * damping.grid.pointCount)
    let found = AlignedBuffer(field)
    let (spectrum, space) = (
      AlignedBuffer<Float>(transform.coefficientCount(2)), transform.makeWorkspace(2)
    )
    let scratch = AlignedBuffer<Double>(2 * damping.degrees)
    transform.forward(found.pointer, count: 2, into: spectrum.pointer, space)
    tuning.apply(to: spectrum.pointer, transform, scratch.pointer)
    transform.inverse(spectrum.pointer, count: 2, into: found.pointer, space)
    let expected = abs(mean) > 1 ? (mean < 0 ? -1.0 : 1) : mean
    #expect(abs(Double(found.pointer[0]) - expected) < 1e-5)
    // The other channel has no bounds.
    #expect(abs(Double(found.pointer[damping.grid.pointCount]) - mean) < 1e-5)
  }

  private func calibrated(_ relaxation: Double) -> StepTuning {
    var tuning = StepTuning(channels: 2, degrees: damping.degrees)
    tuning.relaxation = tuning.relaxation.map { _ in relaxation }
    return tuning
  }

  /// Powers beyond the bounds are drawn back to them, powers inside are left alone, and the forecast of a network that
  /// loses power settles where a step takes as much as the bound gives back: d = (1 - r) (d + 2 log 0.98).
  @Test func boundsHoldLargeScales() throws {
    var bounds = PowerBounds(channels: 2, degrees: damping.degrees)
    bounds.bound(channel: 0, degree: 2, by: (1...100).map(Double.init).reversed(), tail: 0.05)
    #expect(bounds.least[0][2] == 6 && bounds.largest[0][2] == 95)
    bounds.bound(channel: 0, degree: 3, by: [2, 1, 4], tail: 0)
    #expect(bounds.least[0][3] == 1 && bounds.largest[0][3] == 4)
    bounds.bound(channel: 0, degree: 4, by: [], tail: 0.1)
    #expect(bounds.least[0][4] == 0 && bounds.largest[0][4] == 0)

    let calibration = try SpectralCalibration(
      small.set, of: damping, leads: [4, 12], starts: 3, firstDegree: 6, firstFactor: 5, relaxation: 0.25,
      limitMargin: 0.25, powerTail: 0)
    let (gain, _) = try calibration.calibrate(damping, iterations: 1)
    let found = try #require(gain.bounds)
    // Waves of constant amplitude: the least power is the largest, and there is none at the degrees between.
    #expect(found.largest[0][2] > 0 && abs(found.least[0][2] / found.largest[0][2] - 1) < 1e-4)
    #expect(found.largest[0][6] == 0 && gain.power[0][6] > 0 && gain.power[0][4] == 0)
    #expect(gain.factors[0][4] == 1)

    var held = StepTuning(channels: 2, degrees: damping.degrees)
    held.relaxation = held.relaxation.map { _ in 0.25 }
    held.bounds = found
    let forecaster = try damping.with(tuning: held)
    let transform = SphericalTransform<Float>(grid: damping.grid, degrees: damping.degrees)
    var state = State(
      channels: damping.channels, grid: damping.grid, time: small.set.time(0, step: 0),
      values: physical(small.set.state(0, step: 0)))
    let workspace = CheckpointWorkspace(forecaster)
    for _ in 0..<60 { state = forecaster.step(state, workspace) }
    state.values.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress {
        small.normalisation.normalise(base, into: base, points: damping.grid.pointCount)
      }
    }
    let spectrum = transform.forward(state.values, count: 2)
    let place = (2 * transform.orders + 2) * 2
    let power = 2 * (pow(Double(spectrum[place]), 2) + pow(Double(spectrum[place + 1]), 2))
    let settled = 0.75 * 2 * log(0.98) / 0.25
    #expect(abs(log(power / found.least[0][2]) - settled) < 1e-2)

    held.bounds = PowerBounds(channels: 2, degrees: 3)
    #expect(throws: ApusError.self) { try damping.with(tuning: held) }
  }

  /// A state in physical units from z-scores.
  func physical(_ state: UnsafePointer<Float>) -> [Float] {
    let count = 2 * damping.grid.pointCount
    return [Float](unsafeUninitializedCapacity: count) { target, filled in
      if let base = target.baseAddress {
        small.normalisation.restore(state, into: base, points: damping.grid.pointCount)
      }
      filled = count
    }
  }

  @Test func threadsDoNotChangeABit() throws {
    let calibration = try calibration(firstDegree: 3)
    let gains = try [1, 3].map {
      try calibration.calibrate(damping, iterations: 2, threads: $0).gain
    }
    #expect(gains[0] == gains[1])
  }

  /// A step is the same step with every degree multiplied; files keep the factors; other weights lose them.
  @Test func aStepMultipliesDegrees() throws {
    var gain = StepTuning(channels: 2, degrees: damping.degrees)
    gain.factors[0][2] = 0.5
    gain.factors[1][4] = 1.5
    let checkpoint = try damping.with(tuning: gain, provenance: "{}")
    let state = State(
      channels: damping.channels, grid: damping.grid, time: small.set.time(0, step: 0),
      values: physical(small.set.state(0, step: 0)))
    let plain = damping.step(state, CheckpointWorkspace(damping))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gain-\(UUID()).safetensors")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try checkpoint.write(path)
    let read = try Checkpoint.read(path)
    #expect(read.tuning == gain)
    let found = read.step(state, CheckpointWorkspace(read))
    let transform = SphericalTransform<Float>(grid: damping.grid, degrees: damping.degrees)
    let (a, b) = (transform.forward(plain.values, count: 2), transform.forward(found.values, count: 2))
    let size = damping.degrees * transform.orders * 2
    for channel in 0..<2 {
      for l in 0..<damping.degrees {
        for i in 0..<transform.orders * 2 {
          let place = channel * size + l * transform.orders * 2 + i
          #expect(abs(b[place] - a[place] * Float(gain.factors[channel][l])) < 1e-5)
        }
      }
    }
    #expect(try checkpoint.with(damping.parameters, provenance: "{}").tuning == nil)
  }

  @Test func aGainThatDoesNotFitIsRefused() throws {
    for gain in [StepTuning(channels: 1, degrees: 8), StepTuning(channels: 2, degrees: 3)] {
      let error = #expect(throws: ApusError.self) { try damping.with(tuning: gain, provenance: "{}") }
      #expect(error?.kind == .badData)
      #expect(error?.variable == "spectral_gain")
    }
    let error = #expect(throws: ApusError.self) {
      try SpectralCalibration(
        small.set, of: damping, leads: [500], starts: 3, firstDegree: 2, relaxation: 0, limitMargin: 0.25)
    }
    #expect(error?.kind == .badData)
  }
}
