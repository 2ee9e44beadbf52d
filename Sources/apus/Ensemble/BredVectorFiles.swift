import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import RunFiles

/// What `apus breed` wrote.
struct BredVectorReport: Encodable, CustomStringConvertible {
  let directory: String
  let perturbations: Int

  var description: String { "\(directory): \(perturbations) perturbations" }
}

/// The perturbations of a run, one file an initial time, checkpoint and pair, in the run directory.
struct BredVectorFiles {
  let setup: EnsembleSetup
  let threads: Int

  func write() throws -> BredVectorReport {
    let kind = setup.forecaster.settings.kind
    guard kind == .bredVectors || kind == .noise else {
      throw ApusError(
        .badRunFile, "has no perturbations to write", variable: "perturbation.method", found: kind.rawValue,
        expected: "bred_vector or correlated_noise")
    }
    let directory = setup.directory.path + "/perturbations"
    do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch
    {
      throw ApusError(.cannotCreateOutput, "cannot create the directory", file: directory)
    }
    let first = setup.checkpoints[0]
    let work = setup.plan.items.filter { $0.member.sign == 1 }
    let controls = ControlCache()
    try Parallel.forEach(work.count, threads: threads) { index, _ in
      try StopFlag.check()
      let (time, member) = (work[index].initialTime, work[index].member)
      let values = try setup.forecaster.perturbation(
        at: time, checkpoint: member.checkpoint, pair: member.perturbation ?? 0,
        workspaces: { setup.forecaster.models[$0].makeWorkspace() }, controls: controls)
      try ForecastFile(
        initialTime: time, leadHours: [0], channels: first.channels, units: first.units, grid: first.grid,
        values: values,
        attributes: [
          ("title", .text("\(setup.run.name): perturbation (\(member.text))")),
          ("institution", .text("made with Apus")), ("source", .text("Apus \(apusVersion)")),
          ("history", .text("apus breed \(setup.run.name)")),
          ("references", .text("Toth and Kalnay 1993; Mahesh et al. 2024, arXiv:2408.03100")),
          ("comment", .text("Differences from the analysis, physical units")),
        ]
      ).write("\(directory)/\(time.stamp)_checkpoint\(member.checkpoint)_pair\(member.perturbation ?? 0).nc")
    }
    return BredVectorReport(directory: directory, perturbations: work.count)
  }
}
