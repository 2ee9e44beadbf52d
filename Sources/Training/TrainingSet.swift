import Basics
import Fields
import Models
import Sphere

/// Normalised states in memory and the samples that can be cut from them.
///
/// A sample is a state and the `steps` states that follow it; it never reaches across two stretches.
public final class TrainingSet: Sendable {
  /// States that follow each other at equal steps.
  struct Stretch: Sendable {
    let states: AlignedBuffer<Float>
    let times: [Instant]
  }

  /// Channels of a state.
  public let channels: Int
  /// Points of a channel.
  public let points: Int
  private let stretches: [Stretch]
  private let samples: [(stretch: Int, time: Int)]

  /// A set of stretches.
  /// - Parameters:
  ///   - stretches: states [time][channel][point] in physical units, and their times.
  ///   - normalisation: applied here.
  ///   - steps: network steps of a sample.
  public convenience init(
    stretches: [(states: [Float], times: [Instant])], normalisation: Normalisation, points: Int, steps: Int
  ) {
    self.init(
      takingOver: stretches.map { (AlignedBuffer($0.states), $0.times) }, normalisation: normalisation,
      points: points, steps: steps)
  }

  /// The same from states that are normalised where they lie, so that they are in memory once.
  public init(
    takingOver stretches: [(states: AlignedBuffer<Float>, times: [Instant])], normalisation: Normalisation,
    points: Int, steps: Int
  ) {
    channels = normalisation.channels.count
    self.points = points
    let size = channels * points
    for (states, times) in stretches {
      for time in times.indices {
        let state = states.pointer + time * size
        normalisation.normalise(state, into: state, points: points)
      }
    }
    self.stretches = stretches.map { Stretch(states: $0.states, times: $0.times) }
    samples = TrainingSet.cut(self.stretches, steps)
  }

  private init(_ other: TrainingSet, steps: Int) {
    (channels, points, stretches) = (other.channels, other.points, other.stretches)
    samples = TrainingSet.cut(stretches, steps)
  }

  /// The same states, shared, cut into samples of `steps` steps.
  public func cut(steps: Int) -> TrainingSet { TrainingSet(self, steps: steps) }

  /// The same states, shared, cut into starts that have the states of all lead times after them.
  /// - Parameter leads: lead times in steps.
  /// - Throws: `ApusError` of kind `badData` where no start has, or no lead time is above 0.
  func cut(forForecastsOf leads: [Int], stepHours: Int) throws -> TrainingSet {
    let last = leads.max() ?? 0
    let cut = cut(steps: last)
    guard cut.count > 0, last > 0 else {
      throw ApusError(
        .badData, "the data are too short for the longest lead time", variable: "lead-hours",
        found: "\(last * stepHours) h", expected: "an unbroken stretch of more than \(last) steps",
        advice: "Give more data or shorter lead times.")
    }
    return cut
  }

  private static func cut(_ stretches: [Stretch], _ steps: Int) -> [(stretch: Int, time: Int)] {
    stretches.enumerated().flatMap { number, stretch in
      (0..<max(stretch.times.count - steps, 0)).map { (number, $0) }
    }
  }

  /// Number of samples.
  public var count: Int { samples.count }

  /// State `step` of a sample, [channel][point]; step 0 is the input.
  public func state(_ sample: Int, step: Int) -> UnsafePointer<Float> {
    let place = samples[sample]
    return UnsafePointer(stretches[place.stretch].states.pointer + (place.time + step) * channels * points)
  }

  /// Valid time of a sample's state.
  public func time(_ sample: Int, step: Int) -> Instant {
    let place = samples[sample]
    return stretches[place.stretch].times[place.time + step]
  }
}
