import Basics
import Emulators
import Ensembles
import FieldIO
import Fields
import Foundation
import Logging
import Models

/// Forecasts of a variational forecaster from analyses: member 0 without noise, the others with their own, one file a
/// member and initial time in the format of ensemble runs.
///
/// A member's file follows from forecaster, analysis, random seed, initial time and number alone.
struct VariationalRun {
  let forecaster: VariationalForecaster
  let file: String
  let digest: String
  let analyses: Archive
  let seed: UInt64
  let members: Range<Int>
  let initialTimes: [Instant]
  let leadHours: [Int]
  let output: String
  let quantiseBits: Int?
  let threads: Int
  let logger: Logger

  /// Makes the members that are missing.
  /// - Throws: `ApusError`; `tryAgainLater` where it was asked to stop.
  func run() throws -> VariationalRunReport {
    let step = forecaster.base.stepHours
    for hours in leadHours where hours % step != 0 || hours < 0 {
      throw ApusError(
        .usage, "a lead time is no multiple of the forecaster's step", file: file, found: "\(hours) h",
        expected: "multiples of \(step) h")
    }
    let directory = RunDirectory(output)
    try EmulatedFile.requireNoRun(in: directory)
    try directory.createMembers(initialTimes: initialTimes)
    let spaces = Spaces(of: (0..<threads).map { _ in forecaster.makeWorkspace() })
    var missing: [(Instant, Int)] = []
    var states: [Instant: (state: State, digest: String)] = [:]
    for time in initialTimes {
      try StopFlag.check()
      let state = try analyses.state(at: time)
      let digest = state.values.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
      let absent = try members.filter { member in
        try emulated.existing(
          directory.memberFile(member, at: time), leadHours, marks: marks(time, member, digest),
          member: member) == nil
      }
      if !absent.isEmpty { states[time] = (state, digest) }
      missing += absent.map { (time, $0) }
    }
    let (absent, known) = (missing, states)
    let start = ContinuousClock.now
    try Parallel.forEach(absent.count, threads: threads) { index, thread in
      guard !StopFlag.isSet, let (analysis, digest) = known[absent[index].0] else { return }
      let (initial, member) = absent[index]
      let trajectory = try forecast(analysis, member: member, spaces.of[thread])
      try write(
        trajectory, initial, member: member, digest, to: directory.memberFile(member, at: initial))
    }
    if StopFlag.isSet {
      throw ApusError(.tryAgainLater, "stopped on request", advice: "Run the same command to go on.")
    }
    return VariationalRunReport(
      output: output, members: members.count, initialTimes: initialTimes.count, leadHours: leadHours,
      memberSteps: missing.count * (leadHours.max() ?? 0) / step,
      seconds: (ContinuousClock.now - start) / .seconds(1),
      gigaflopPerStep: forecaster.operationsPerStep / 1e9)
  }

  /// Workspaces are used by one thread each.
  private struct Spaces: @unchecked Sendable { let of: [VariationalForecaster.Workspace] }

  private func forecast(_ analysis: State, member: Int, _ space: VariationalForecaster.Workspace) throws
    -> [Float]
  {
    var state = analysis
    var values: [Float] = []
    var steps = 0
    let noise = LatentNoise(forecaster, seed: seed, initial: analysis.time, member: member)
    for hours in leadHours {
      while steps * forecaster.base.stepHours < hours {
        try StopFlag.check()
        noise.advance()
        state = forecaster.step(state, noise: member == 0 ? nil : noise, space)
        steps += 1
      }
      var written = forecaster.finished(state, leadHours: hours, space)
      Moisture.clip(&written)
      values += written.values
    }
    guard values.allSatisfy(\.isFinite) else {
      throw ApusError(
        .badData, "a forecast is not finite", file: file, found: "member \(member) from \(analysis.time)",
        expected: "numbers", advice: "Train the forecaster longer, or ask for shorter lead times.")
    }
    return values
  }

  private func write(_ values: [Float], _ initial: Instant, member: Int, _ digest: String, to path: String)
    throws
  {
    var values = values
    if let quantiseBits { BitRound.apply(&values, bits: quantiseBits) }
    try emulated.write(
      values, initial, leadHours, title: "member \(member) of a variational forecaster", member: member,
      extra: marks(initial, member, digest), to: path)
  }

  /// What tells the file of a member from those of other forecasts.
  /// - Parameter digest: SHA-256 of the analysis.
  private func marks(_ initial: Instant, _ member: Int, _ digest: String) -> [(String, NetCDFAttribute)] {
    let seeds = member == 0 ? "none: no noise" : "seed \(seed), initial time \(initial), member \(member)"
    let finish = forecaster.finish.map { finish in
      "truth's power, by gains measured at \(finish.leadHours.map(String.init).joined(separator: ", ")) h"
    }
    return [
      ("member_seed", .text(seeds)), ("analysis_sha256", .text(digest)),
      ("noise_memory", .text("\(forecaster.noiseMemory)")),
      ("spectral_finish", .text(finish ?? "none")),
    ]
  }

  private var emulated: EmulatedFile {
    let base = forecaster.base
    return EmulatedFile(
      model: (file, digest), channels: base.channels, units: base.units, grid: base.grid,
      source: "spherical Fourier neural operator with latent fields",
      reference: "Zhong et al. 2025, FuXi-ENS, doi:10.1126/sciadv.adu2854", quantiseBits: quantiseBits)
  }
}

/// What a variational forecast did.
struct VariationalRunReport: Encodable, CustomStringConvertible {
  var output: String
  var members, initialTimes: Int
  var leadHours: [Int]
  var memberSteps: Int
  var seconds, gigaflopPerStep: Double

  var description: String {
    let speed =
      memberSteps == 0
      ? "nothing was missing"
      : String(
        format: "%d steps in %.1f s, %.1f ms and %.2f GFLOP each", memberSteps, seconds,
        1000 * seconds / Double(memberSteps), gigaflopPerStep)
    return """
      \(output): members of \(initialTimes) initial times, \(members) each, to +\(leadHours.max() ?? 0) h
        \(speed)
      """
  }
}
