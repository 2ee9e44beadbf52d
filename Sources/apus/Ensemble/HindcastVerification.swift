import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Logging
import Models
import RunFiles
import Sphere
import Verification

/// Scores the members of a run directory against the truth, with persistence and climatology beside them.
struct HindcastVerification {
  let setup: EnsembleSetup
  let settings: VerificationSettings
  let threads: Int
  let logger: Logger

  /// Scores every initial time whose members are all there, at the lead times that have a truth.
  /// - Throws: `ApusError`: `inputMissing` where no initial time is complete or none has a truth.
  func run() throws -> HindcastResult {
    guard let result = try scored() else {
      throw ApusError(
        .inputMissing, "nothing to score: no initial time has all its members and a truth",
        file: setup.directory.path)
    }
    return result
  }

  /// As `run`; nil where there is nothing to score yet.
  func scored() throws -> HindcastResult? {
    let first = setup.checkpoints[0]
    let channels = settings.channels(of: first)
    let units = setup.units(of: channels)
    let truth = try setup.openTruth(channels)
    let climate = try setup.climateSamples(channels, threads: threads)
    let rule = settings.threshold.flatMap { ThresholdRule(argument: $0) }
    let leads = setup.forecaster.leadHours.enumerated().filter {
      $0.element > 0 && $0.element % settings.everyHours == 0
    }
    let spectrumLeads = Set(
      leads.map(\.element).filter { [24, 72, 120, 240].contains($0) || $0 == leads.last?.element })
    let members = setup.plan.members
    let weights = AreaWeights(first.grid)
    let transform = SphericalTransform<Double>(grid: first.grid, degrees: first.degrees)
    let there = Set(truth.times)
    var scores = HindcastScores()
    var spectra = SpectrumMeans()
    var used = 0

    for time in setup.plan.initialTimes {
      guard let ensemble = try setup.readMembers(at: time, threads: threads) else {
        logger.warning("not scored, members are missing", metadata: ["initial_time": "\(time)"])
        continue
      }
      // Lead times that end after the truth does are left out.
      let scored = leads.filter { there.contains(time.adding(hours: $0.element)) }
      guard !scored.isEmpty else { continue }
      used += 1
      // Without the truth of the start there is no persistence, and all else.
      let start = there.contains(time) ? try truth.load([time], threads: threads) : nil
      let truths = try truth.load(scored.map { time.adding(hours: $0.element) }, threads: threads)
      let points = first.grid.pointCount
      let work = channels.indices.flatMap { channel in scored.indices.map { (channel, $0) } }
      let cases = Slots<CaseScores>(work.count)
      let power = Slots<EnsembleSpectra>(work.count)
      try Parallel.forEach(work.count, threads: threads) { index, _ in
        let (channel, place) = work[index]
        let (lead, hours) = scored[place]
        let values = HindcastVerification.values(ensemble, channels[channel], lead: lead)
        let offset = (place * channels.count + channel) * points
        let truth = truths[offset..<offset + points].map(Double.init)
        let valid = time.adding(hours: hours)
        let background = try climate?.climate(channels[channel], channel: channel, at: valid)
        cases[index] = try CaseScores(
          values, truth: truth, weights: weights, control: 0,
          persistence: start.map { $0[channel * points..<(channel + 1) * points].map(Double.init) },
          climate: background?.sample, threshold: rule?.threshold(background?.quantiles, points: points),
          withEnergyScore: members.count <= 200,
          ties: Philox(
            seed: setup.run.seed, purpose: .tieBreak, UInt64(bitPattern: Int64(valid.seconds)),
            UInt64(channel), UInt64(hours)), threads: 1)
        if spectrumLeads.contains(hours) {
          power[index] = try EnsembleSpectra(
            values, truth: truth, transform: transform,
            convention: settings.spectrumConvention == .hens ? .hens : .standard, threads: 1)
        }
      }
      for (index, (channel, place)) in work.enumerated() {
        guard let item = cases[index] else { continue }
        let hours = scored[place].element
        try scores.add(item, initial: time, variable: channels[channel], leadHours: hours)
        if let spectrum = power[index] {
          spectra.add(spectrum, variable: channels[channel], leadHours: hours)
        }
      }
      logger.debug("scored", metadata: ["initial_time": "\(time)"])
    }
    guard used > 0 else { return nil }
    return HindcastResult(
      scores: scores, spectra: spectra, channels: channels, units: units, members: members.count,
      threshold: rule?.text)
  }

  /// One variable of all members at one lead time.
  static func values(_ members: [Trajectory], _ variable: String, lead: Int) -> EnsembleValues {
    let points = members[0].grid.pointCount
    return EnsembleValues(
      members: members.map { member in
        let channel = member.channels.firstIndex(of: variable) ?? 0
        let start = lead * member.valuesPerLead + channel * points
        return Array(member.values[start..<start + points])
      })
  }
}
