import Basics
import Emulators
import Ensembles
import RunFiles
import Sphere

/// What a run file asks of an emulator, against emulator and run: before the hours of work that members take.
struct EmulationCheck {
  let settings: EmulationSection
  /// The run file, for messages.
  let file: String

  /// Makes sure that the run's members can be seeds.
  /// - Throws: `ApusError`: as reading the emulator; `badRunFile` for channels, grid, lead times or seeds that the
  ///   run does not make.
  func require(_ forecaster: EnsembleForecaster, members: Int) throws {
    let (emulator, _) = try EmulatorFile.readWithFinish(settings.emulator.path)
    let domain = emulator.domain
    if let channel = domain.channels.first(where: { !forecaster.channels.contains($0) }) {
      throw refuse(
        "emulator", "draws a channel that the run does not forecast", channel,
        "one of \(forecaster.channels.joined(separator: ", "))")
    }
    guard domain.grid == forecaster.grid else {
      throw refuse("emulator", "draws on another grid", "\(domain.grid)", "\(forecaster.grid)")
    }
    let made = leadHours(of: domain, forecaster)
    let common = made.isEmpty ? "none in common" : made.map { "\($0) h" }.joined(separator: ", ")
    if let hours = settings.leadHours?.first(where: { !made.contains($0) }) {
      throw refuse("lead_hours", "is not both forecast and drawn", "\(hours) h", common)
    }
    guard !made.isEmpty else {
      throw refuse(
        "emulator", "draws no lead time that the run writes",
        domain.leadHours.map { "\($0) h" }.joined(separator: ", "),
        forecaster.leadHours.map { "\($0) h" }.joined(separator: ", "))
    }
    if let seed = settings.seedMembers?.first(where: { $0 >= members }) {
      throw refuse("seed_members", "is no member of the run", "\(seed)", "0 to \(members - 1)")
    }
    let count = settings.seedMembers?.count ?? settings.randomSeeds ?? 0
    // Random seeds leave the control out.
    guard emulator.seedCounts.contains(count), settings.randomSeeds ?? 0 < members else {
      throw refuse(
        settings.seedMembers == nil ? "random_seeds" : "seed_members",
        "number of seeds does not fit emulator and run", "\(count) of \(members) members",
        emulator.seedCounts.map(String.init).joined(separator: " or "))
    }
  }

  /// Files that are drawn of an initial time, and the values in each.
  /// - Throws: `ApusError`, as reading the emulator.
  func files(_ forecaster: EnsembleForecaster) throws -> (count: Int, values: Int) {
    let (emulator, _) = try EmulatorFile.readWithFinish(settings.emulator.path)
    let domain = emulator.domain
    let leadHours = leadHours(of: domain, forecaster).filter { settings.leadHours?.contains($0) ?? true }
    let products = settings.products ? RunDirectory.Product.allCases.count : 0
    return (settings.members + products, leadHours.count * domain.fieldSize)
  }

  /// Lead times that are both forecast and drawn [h].
  private func leadHours(of domain: EmulatorDomain, _ forecaster: EnsembleForecaster) -> [Int] {
    domain.leadHours.filter { forecaster.leadHours.contains($0) }
  }

  private func refuse(_ key: String, _ problem: String, _ found: String, _ expected: String) -> ApusError {
    ApusError(
      .badRunFile, problem, file: file, variable: "emulation.\(key)", found: found, expected: expected)
  }
}
