import Basics
import Fields
import Foundation
import Models
import Operators
import Sphere
import Testing
import Training

/// Waves that keep their amplitude, forecast by a network that keeps 0.98 of it: the finish gives back what a lead time
/// has lost.
@Suite struct FinishMeasurementTests {
  func measure(
    _ leadHours: [Int], keeping factor: Float = 0.98, starts: Int = 5, threads: Int = 2
  ) throws -> FinishMeasurement.Outcome {
    let small = try SmallTraining()
    return try FinishMeasurement.measure(
      small.skip(factor), on: small.set, leadHours: leadHours, starts: starts, threads: threads)
  }

  @Test func givesBackWhatALeadTimeLost() throws {
    let outcome = try measure([24, 72])
    #expect(outcome.finish.leadHours == [24, 72] && outcome.starts == 5)
    // 40 states are 28 starts of twelve steps.
    #expect(try measure([24, 72], starts: 500).starts == 28)
    // sin(colatitude) times waves of order 1 (l = 1 alone), 2 and 4, even about the equator: l - m is even.
    for (channel, degrees) in [(0, [1, 2, 4, 6]), (1, [2, 4, 6])] {
      for l in degrees {
        #expect(abs(outcome.finish.gains[0][channel][l] * pow(0.98, 4) - 1) < 1e-4, "l = \(l)")
        #expect(abs(outcome.finish.gains[1][channel][l] * pow(0.98, 12) - 1) < 1e-4, "l = \(l)")
      }
    }
    // What the truth does not have, and the mean, stay.
    for (channel, l) in [(0, 0), (1, 0), (0, 3), (1, 3)] {
      #expect(outcome.finish.gains[0][channel][l] == 1)
    }
    #expect(abs(outcome.lowest - pow(0.98, 24)) < 1e-3 && abs(outcome.highest - pow(0.98, 8)) < 1e-3)
  }

  @Test func threadsDoNotChangeABit() throws {
    let finishes = try [1, 3].map { try measure([24, 72], threads: $0).finish }
    #expect(finishes[0] == finishes[1])
  }

  /// Gains are bounded, so that a forecast without power is not blown up to noise.
  @Test func gainsAreBounded() throws {
    let outcome = try measure([6, 120], keeping: 0.8)
    #expect(abs(outcome.finish.gains[0][0][2] - 1 / 0.8) < 1e-4)
    #expect(outcome.finish.gains[1][0][2] == 2)
  }

  @Test func dataMustBeLongEnough() throws {
    let error = #expect(throws: ApusError.self) {
      try measure([3000])
    }
    #expect(error?.kind == .badData)
  }

  /// log g is linear between lead times, from 0 at none, and the last's after the last.
  @Test func gainsBetweenLeadTimes() throws {
    let finish = LeadTimeFinish(leadHours: [24, 72], gains: [[[1, 0.5]], [[1, 2]]])
    #expect(finish.gains(at: 24) == [[1, 0.5]])
    for (hours, expected) in [
      (0, 1.0), (6, pow(0.5, 0.25)), (12, 0.5.squareRoot()), (48, 1.0), (60, 2.0.squareRoot()), (72, 2.0),
      (240, 2.0),
    ] {
      #expect(abs(finish.gains(at: hours)[0][1] - expected) < 1e-12, "\(hours) h")
      #expect(finish.gains(at: hours)[0][0] == 1)
    }
    #expect(try JSONDecoder().decode(LeadTimeFinish.self, from: JSONEncoder().encode(finish)) == finish)
  }

  @Test func multipliesDegrees() throws {
    let transform = try SphericalTransform<Float>(
      grid: SphereGrid(.gaussian, latitudes: 8, longitudes: 16), degrees: 3)
    let finish = LeadTimeFinish(leadHours: [6], gains: [[[1, 2, 0.5], [1, 1, 3]]])
    let spectrum = AlignedBuffer<Float>(transform.coefficientCount(2))
    spectrum.pointer.update(repeating: 1, count: spectrum.count)
    finish.apply(to: spectrum.pointer, at: 6, transform)
    transform.eachRow(2) { l, _, row in
      #expect(spectrum.pointer[row] == [1, 2, 0.5][l] && spectrum.pointer[row + 1] == [1, 1, 3][l])
    }
  }

  @Test(arguments: [
    LeadTimeFinish(leadHours: [], gains: []),
    LeadTimeFinish(leadHours: [24, 24], gains: [[[1, 1]], [[1, 1]]]),
    LeadTimeFinish(leadHours: [0], gains: [[[1, 1]]]),
    LeadTimeFinish(leadHours: [24, 48], gains: [[[1, 1]]]),
    LeadTimeFinish(leadHours: [24], gains: [[[1, 1], [1, 1]]]),
    LeadTimeFinish(leadHours: [24], gains: [[[1]]]),
    LeadTimeFinish(leadHours: [24], gains: [[[1, 0]]]),
    LeadTimeFinish(leadHours: [24], gains: [[[1, .nan]]]),
  ])
  func whatDoesNotFitIsRefused(_ finish: LeadTimeFinish) throws {
    let error = #expect(throws: ApusError.self) {
      try finish.requireFitting(channels: 1, degrees: 2, file: "f.safetensors")
    }
    #expect(error?.kind == .badData && error?.variable == "variational_finish")
    try LeadTimeFinish(leadHours: [24], gains: [[[1, 2]]]).requireFitting(
      channels: 1, degrees: 2, file: "f.safetensors")
  }
}
