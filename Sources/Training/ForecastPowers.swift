import Basics
import Fields
import Foundation
import Models
import Sphere

/// Power by channel and degree of data and of forecasts from them, z-scores' squared coefficients summed over orders -l...l.
struct ForecastPowers: Sendable {
  private let set: TrainingSet
  private let grid: SphereGrid
  private let normalisation: Normalisation
  private let transform: SphericalTransform<Float>

  /// - Parameter set: data normalised as `forecaster` has it, starts whose forecasts are measured.
  init(_ set: TrainingSet, of forecaster: some SpectrallyTuned) {
    (self.set, grid, normalisation) = (set, forecaster.grid, forecaster.normalisation)
    transform = SphericalTransform(grid: forecaster.grid, degrees: forecaster.degrees)
  }

  /// Of the data, [start][lead][channel][degree]; leads in steps.
  func ofStates(_ starts: [Int], _ leads: [Int], threads: Int) throws -> [[[[Double]]]] {
    try powers(starts, leads, threads: threads) { start in { set.state(start, step: $0) } }
  }

  /// Of forecasts, [start][lead][channel][degree]; leads in steps, ascending.
  func ofForecasts(_ forecaster: some SpectrallyTuned, _ starts: [Int], _ leads: [Int], threads: Int) throws
    -> [[[[Double]]]]
  {
    let size = set.channels * set.points
    return try powers(starts, leads, threads: threads) { start in
      let advance = forecaster.stepper(from: set.time(start, step: 0))
      let values = AlignedBuffer<Float>(size)
      normalisation.restore(set.state(start, step: 0), into: values.pointer, points: set.points)
      var forecast = State(
        channels: normalisation.channels, grid: grid, time: set.time(start, step: 0), values: values.array)
      var step = 0
      return { lead in
        while step < lead {
          forecast = advance(forecast)
          step += 1
        }
        forecast.values.withUnsafeBufferPointer { source in
          if let base = source.baseAddress {
            normalisation.normalise(base, into: values.pointer, points: set.points)
          }
        }
        return UnsafePointer(values.pointer)
      }
    }
  }

  /// Sum over starts in their order, [lead][channel][degree].
  static func total(_ parts: [[[[Double]]]]) -> [[[Double]]] {
    guard var sum = parts.first else { return [] }
    for part in parts.dropFirst() {
      for lead in sum.indices {
        for c in sum[lead].indices {
          for l in sum[lead][c].indices { sum[lead][c][l] += part[lead][c][l] }
        }
      }
    }
    return sum
  }

  /// - Parameter states: for a start, what gives its states [channel][point] lead by lead.
  private func powers(
    _ starts: [Int], _ leads: [Int], threads: Int,
    _ states: @escaping @Sendable (_ start: Int) -> (_ lead: Int) -> UnsafePointer<Float>
  ) throws -> [[[[Double]]]] {
    let (channels, degrees) = (set.channels, transform.degrees)
    let slots = Slots<[[[Double]]]>(starts.count)
    try Parallel.forEach(starts.count, threads: threads) { number, _ in
      let state = states(starts[number])
      let workspace = transform.makeWorkspace(channels)
      let spectrum = AlignedBuffer<Float>(transform.coefficientCount(channels))
      slots[number] = try leads.map { lead in
        try StopFlag.check(StopFlag.nothingWritten)
        transform.forward(state(lead), count: channels, into: spectrum.pointer, workspace)
        let power = AlignedBuffer<Double>(channels * degrees)
        transform.addPower(of: spectrum.pointer, count: channels, to: power.pointer)
        return (0..<channels).map { c in (c * degrees..<(c + 1) * degrees).map { power.pointer[$0] } }
      }
    }
    return slots.values
  }
}
