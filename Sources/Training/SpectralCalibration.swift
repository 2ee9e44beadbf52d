import Basics
import Fields
import Foundation
import Models
import Sphere

/// Measures the `StepTuning` that keeps the power spectrum of a forecaster's forecasts at the truth's.
///
/// Forecasts from a few starts give R_cl, the power of channel c at degree l over the truth's, summed over starts,
/// mean of its logarithm over lead times. The factor of every step then moves by
///
///     log g_cl -= log R_cl / (2 k_cl)
///
/// where k is how often a step's factor is felt before the network has forgotten it: 8 at first, then from what the
/// last change did. The iteration with the smallest mean |log R| wins. The power that the gain relaxes to is the mean
/// over the data. Large scales, which the forecast predicts or which stand still, are not relaxed: they get factors
/// where that is wanted, and bounds.
public struct SpectralCalibration: Sendable {
  /// One iteration's outcome.
  public struct Iteration: Sendable, Codable {
    /// Mean of |log R| over channels and calibrated degrees.
    public let misfit: Double
    /// Smallest R of a lead time, channel and calibrated degree.
    public let lowest: Double
    /// The largest.
    public let highest: Double
  }

  /// Degrees from here on are relaxed to their mean power.
  public let firstDegree: Int
  /// Degrees from here on get factors.
  public let firstFactor: Int
  /// Lead times, in steps, ascending.
  public let leads: [Int]
  /// Relaxation of a step [degree].
  public let relaxation: [Double]
  /// What states are held within.
  public let limits: ValueLimits
  /// Part of the data's states beyond either bound of the power at degrees that are not relaxed; nil: no bounds.
  public let powerTail: Double?
  private let set: TrainingSet
  /// All states, those too near to the end for a forecast too.
  private let states: TrainingSet
  /// Samples that forecasts start from: fewer than were asked for where the data have fewer.
  public let starts: [Int]
  private let degrees: Int

  /// Bounds of log g: diffusion is to be tuned, not to be replaced.
  private static let bound = 0.1
  /// States that the mean power is taken from, evenly spread.
  private static let mostStates = 400

  /// Chooses `starts` initial times evenly over the data.
  /// - Parameters:
  ///   - set: data normalised as `forecaster` has it.
  ///   - leads: lead times in steps.
  ///   - firstDegree: degrees from here on are relaxed to their mean power.
  ///   - firstFactor: degrees from here on get factors; nil: those that are relaxed.
  ///   - relaxation: part of log power's departure that a step takes away, from the first degree on.
  ///   - finestRelaxation: that part at the highest degree, linear in between; nil: the same at all degrees.
  ///   - boundRelaxation: that part below the first degree, of the departure from the bounds; nil: the same.
  ///   - limitMargin: how far beyond the least and largest values limits lie, as a part of their distance.
  ///   - powerTail: part of the states beyond either bound of the power at degrees that are not relaxed; nil: no bounds.
  /// - Throws: `ApusError` of kind `badData` where the data are too short for the leads.
  public init(
    _ set: TrainingSet, of forecaster: some SpectrallyTuned, leads: [Int], starts: Int, firstDegree: Int,
    firstFactor: Int? = nil, relaxation: Double, finestRelaxation: Double? = nil,
    boundRelaxation: Double? = nil, limitMargin: Double, powerTail: Double? = nil
  ) throws {
    let cut = try set.cut(forForecastsOf: leads, stepHours: forecaster.stepHours)
    self.set = cut
    states = set.cut(steps: 0)
    limits = SpectralCalibration.limits(
      of: states, latitudes: forecaster.grid.latitudeCount, margin: limitMargin)
    self.leads = leads.sorted()
    self.firstDegree = firstDegree
    self.firstFactor = firstFactor ?? firstDegree
    let (highest, rise) = (forecaster.degrees - 1, (finestRelaxation ?? relaxation) - relaxation)
    self.relaxation = (0...max(highest, 0)).map { l in
      if l < firstDegree { return boundRelaxation ?? relaxation }
      return relaxation + rise * Double(max(l - firstDegree, 0)) / Double(max(highest - firstDegree, 1))
    }
    self.powerTail = powerTail
    let count = min(starts, cut.count)
    self.starts = (0..<count).map { $0 * cut.count / count }
    degrees = forecaster.degrees
  }

  /// The gain that fits best, and what every iteration came to; the first is that of the forecaster as it was.
  /// - Parameter report: told of every iteration.
  /// - Throws: `ApusError` of kind `badData` where forecasts are not finite even so.
  public func calibrate<Forecaster: SpectrallyTuned>(
    _ forecaster: Forecaster, iterations: Int, threads: Int = Parallel.defaultThreads,
    report: (Iteration) -> Void = { _ in }
  ) throws -> (gain: StepTuning, iterations: [Iteration]) {
    let channels = set.channels
    let powers = ForecastPowers(set, of: forecaster)
    let truth = ForecastPowers.total(try powers.ofStates(starts, leads, threads: threads))
    var gain = StepTuning(channels: channels, degrees: degrees)
    gain.relaxation = relaxation
    gain.limits = limits
    try setPower(of: &gain, ForecastPowers(states, of: forecaster), threads: threads)
    var memory = [[Double]](repeating: [Double](repeating: 8, count: degrees), count: channels)
    var before: (misfit: [[Double]], gain: StepTuning)?
    var best: (misfit: Double, gain: StepTuning)?
    var outcomes: [Iteration] = []
    for iteration in -1...max(iterations, 0) {
      // Once as it was, for the report.
      let current = iteration < 0 ? forecaster : try forecaster.with(tuning: gain)
      let forecast = ForecastPowers.total(
        try powers.ofForecasts(current, starts, leads, threads: threads))
      var misfit = [[Double]](repeating: [Double](repeating: 0, count: degrees), count: channels)
      var (total, count, lowest, highest) = (0.0, 0, Double.infinity, 0.0)
      for c in 0..<channels {
        // Degrees that the truth does not have are left alone.
        let floor = 1e-12 * (truth[0][c].max() ?? 0)
        for l in firstFactor..<degrees where leads.indices.allSatisfy({ truth[$0][c][l] > floor }) {
          for lead in leads.indices {
            let ratio = forecast[lead][c][l] / truth[lead][c][l]
            (lowest, highest) = (min(lowest, ratio), max(highest, ratio))
            misfit[c][l] += log(ratio) / Double(leads.count)
          }
          total += abs(misfit[c][l])
          count += 1
        }
      }
      let outcome = Iteration(misfit: total / Double(max(count, 1)), lowest: lowest, highest: highest)
      outcomes.append(outcome)
      report(outcome)
      if iteration < 0 { continue }
      if outcome.misfit.isFinite, outcome.misfit < best?.misfit ?? .infinity { best = (outcome.misfit, gain) }
      if iteration == iterations || !outcome.misfit.isFinite { break }
      var next = gain
      for c in 0..<channels {
        for l in firstFactor..<degrees {
          if let before {
            let moved = log(gain.factors[c][l] / before.gain.factors[c][l])
            // What a change of this one factor did, unless noise and the other channels hide it.
            if abs(moved) > 1e-4 {
              let felt = (misfit[c][l] - before.misfit[c][l]) / (2 * moved)
              memory[c][l] = 0.5 * memory[c][l] + 0.5 * min(max(felt, 4), 40)
            }
          }
          let moved = log(gain.factors[c][l]) - misfit[c][l] / (2 * memory[c][l])
          next.factors[c][l] = exp(min(max(moved, -Self.bound), Self.bound))
        }
      }
      before = (misfit, gain)
      gain = next
    }
    guard let best else {
      throw Self.notFinite(forecaster.file, steps: leads.last ?? 0)
    }
    return (best.gain, outcomes)
  }

  /// What is said of a forecaster whose forecasts do not last.
  static func notFinite(_ file: String, steps: Int) -> ApusError {
    ApusError(
      .badData, "the forecasts do not stay finite", file: file, found: "power that is not finite",
      expected: "finite forecasts over \(steps) steps",
      advice: "Train it further, through several steps (rollout_steps).")
  }

  /// The mean power that is relaxed to, and the bounds below.
  private func setPower(of gain: inout StepTuning, _ all: ForecastPowers, threads: Int) throws {
    let count = min(Self.mostStates, states.count)
    let samples = (0..<count).map { $0 * states.count / count }
    let powers = try all.ofStates(samples, [0], threads: threads)
    var bounds = powerTail.map { _ in PowerBounds(channels: set.channels, degrees: degrees) }
    for c in 0..<set.channels {
      for l in 0..<degrees {
        let seen = powers.map { $0[0][c][l] }
        if l >= firstDegree {
          gain.power[c][l] = seen.reduce(0, +) / Double(count)
        } else if let powerTail {
          bounds?.bound(channel: c, degree: l, by: seen, tail: powerTail)
        }
      }
    }
    gain.bounds = bounds
  }

  /// Limits from the least and largest values of all states, latitude by latitude.
  private static func limits(of set: TrainingSet, latitudes: Int, margin: Double) -> ValueLimits {
    let width = set.points / latitudes
    var seen = [(least: Float, largest: Float)](
      repeating: (.infinity, -.infinity), count: set.channels * latitudes)
    for start in 0..<set.count {
      let state = set.state(start, step: 0)
      for row in seen.indices {
        var (least, largest) = seen[row]
        for i in row * width..<(row + 1) * width {
          least = min(least, state[i])
          largest = max(largest, state[i])
        }
        seen[row] = (least, largest)
      }
    }
    return ValueLimits(seen, margin: Float(margin))
  }
}
