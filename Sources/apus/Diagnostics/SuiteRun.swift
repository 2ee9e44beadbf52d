import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Logging
import RunFiles
import Sphere
import Verification

/// Scores every variable and lead time of a definition, one unit after the other, keeping what is done.
struct SuiteRun {
  let definition: DiagnosticsFile
  let forecast: [String]
  let truth: [String]
  let climate: [String]
  let baseline: [String]
  /// For intervals of everything.
  let draws: BootstrapDraws
  let output: String
  let threads: Int
  let logger: Logger
  let showsProgress: Bool

  /// All units of an ensemble.
  struct Outcome {
    let units: [UnitDigest]
    let grids: [String: LatitudeLongitude]
    /// By variable.
    let showcases: [String: Showcase]
  }

  /// Scores the ensemble and, where there is one, the baseline.
  /// - Throws: `ApusError`: `tryAgainLater` (75) after a signal, `cannotCreateOutput` (73) where the directory holds
  ///   another verification, `inputMissing` and `badData` as reading goes.
  func run() throws -> (forecast: Outcome, baseline: Outcome?) {
    // What a file lacks is found out before the first score, and before the directory is taken.
    let (sources, others) = try (sources(forecast), baseline.isEmpty ? nil : sources(baseline))
    do {
      try FileManager.default.createDirectory(atPath: output + "/partials", withIntermediateDirectories: true)
    } catch {
      throw ApusError(
        .cannotCreateOutput, "cannot create the directory", file: output,
        advice: "Choose a place that exists and is writable.")
    }
    WholeFile.removeAbandoned(in: output + "/partials", prefix: "")
    let main = try score(sources, forecast, "forecast")
    return (main, try others.map { try score($0, baseline, "baseline") })
  }

  /// Every variable of an ensemble, with its truth.
  private func sources(_ files: [String]) throws -> [SuiteSource] {
    try definition.variables.map { variable in
      let single = try SuiteSource(variable, forecast: files, truth: truth, threads: threads)
      RepeatedMembers.warn(single.repeatedMember, count: single.members.count, variable: variable, logger)
      let source =
        definition.laggedHours.isEmpty
        ? single : try LaggedSource(single, lags: definition.laggedHours).source
      _ = try chosen(source)
      return source
    }
  }

  /// The times that the definition asks for.
  /// - Throws: `ApusError` (`inputMissing`) where there is none.
  private func chosen(_ source: SuiteSource) throws -> [EnsembleArchive.Case] {
    let chosen = source.cases.filter(isChosen)
    guard !chosen.isEmpty else {
      throw ApusError(
        .inputMissing, "no time of the forecast has both the lead time and a truth", file: source.file,
        variable: source.variable,
        found: "\(source.cases.count) times with a truth, \(source.withoutTruth.count) without",
        expected: definition.leadTimes.isEmpty
          ? "at least one" : "lead times \(definition.leadTimes.map { "\($0)" }.joined(separator: ", ")) h",
        advice: "Look at the files with: apus inspect.")
    }
    return chosen
  }

  private func score(_ sources: [SuiteSource], _ files: [String], _ role: String) throws -> Outcome {
    let fingerprint = try self.fingerprint(files)
    var units: [UnitDigest] = []
    var grids: [String: LatitudeLongitude] = [:]
    var showcases: [String: Showcase] = [:]
    for source in sources {
      let variable = source.variable
      grids[variable] = source.grid
      let chosen = try chosen(source)
      if !source.withoutTruth.isEmpty {
        let absent = source.withoutTruth.filter(isChosen)
        if !absent.isEmpty {
          logger.notice(
            "left out times without a truth",
            metadata: [
              "variable": "\(variable)", "times": "\(absent.count)", "first": "\(absent[0])",
            ])
        }
      }
      if role == "forecast" { warnOfWhatIsNotThere(source, chosen) }
      let ahead = ReadAhead(source)
      let scorer = try UnitScorer(self, ahead.source, fingerprint: fingerprint)
      let leads = Dictionary(grouping: chosen) { $0.leadHours ?? -1 }.sorted { $0.key < $1.key }
        .map { lead, cases in
          let name = lead < 0 ? "all" : String(format: "%05d", Int((lead * 60).rounded()))
          return (
            hours: lead < 0 ? nil : lead,
            cases: cases.sorted {
              ($0.initial?.seconds ?? 0, $0.index) < ($1.initial?.seconds ?? 0, $1.index)
            }, path: "\(output)/partials/\(role)_\(variable)_\(name).unit"
          )
        }
      let groups = ReadAhead.groups(
        leads.map { ($0, $0.cases.count) }, bytesPerDate: 4 * source.members.count * source.grid.pointCount,
        memory: definition.memoryMegabytes * 250_000)
      for group in groups {
        // What was begun before is mostly done.
        let fresh = group.filter { !FileManager.default.fileExists(atPath: $0.path) }
        if files.count > OpenFileLimit.most && fresh.count > 1 {
          try ahead.read(fresh.flatMap(\.cases)) { StopFlag.isSet }
        }
        for lead in group {
          units.append(try scorer.score(lead.cases, lead: lead.hours, keptAt: lead.path))
        }
      }
      if role == "forecast" { showcases[variable] = try Showcase(definition, source, chosen) }
    }
    return Outcome(units: units, grids: grids, showcases: showcases)
  }

  /// What the definition asks for and the files lack is said, not passed over.
  private func warnOfWhatIsNotThere(_ source: SuiteSource, _ chosen: [EnsembleArchive.Case]) {
    let there = Set(chosen.compactMap(\.leadHours))
    let lacking = definition.leadTimes.map(Double.init).filter { !there.contains($0) }
    if !lacking.isEmpty {
      logger.warning(
        "left out lead times that the forecast has not, or not with a truth",
        metadata: [
          "variable": "\(source.variable)", "hours": "\(lacking.map { "\($0)" }.joined(separator: ", "))",
        ])
    }
    let larger = definition.ensembleSizes.filter { $0 > source.members.count }
    if !larger.isEmpty {
      logger.warning(
        "left out ensemble sizes above the number of members",
        metadata: [
          "variable": "\(source.variable)", "members": "\(source.members.count)",
          "sizes": "\(larger.map { "\($0)" }.joined(separator: ", "))",
        ])
    }
  }

  private func isChosen(_ item: EnsembleArchive.Case) -> Bool {
    guard let hours = item.leadHours else { return definition.leadTimes.isEmpty }
    let isListed = definition.leadTimes.isEmpty || definition.leadTimes.contains { Double($0) == hours }
    let isMultiple =
      definition.everyHours.map { hours.truncatingRemainder(dividingBy: Double($0)) == 0 } ?? true
    return isListed && isMultiple
  }

  /// Stands for the definition and for names, sizes and times of all files.
  private func fingerprint(_ files: [String]) throws -> String {
    var kept = definition
    (kept.saveMinutes, kept.memoryMegabytes, kept.notes, kept.bootstrap) = (0, 16, [], .init())
    (kept.points, kept.stamps) = ([], 0)
    (kept.forecast, kept.truth, kept.baseline) = ([], [], [])
    // The number changes with what units keep: an older build's are not gone on with.
    var text = try kept.canonicalText() + "\(apusVersion) 3\n"
    let own = definition.climate.map { [$0.file].compactMap { $0 } + $0.period.files } ?? []
    let named = own.map(\.path) + [definition.landSeaMask?.file.path].compactMap { $0 }
    // Patterns that match nothing are refused by whoever reads them.
    let others = (try? FileList.expand(named)) ?? []
    for file in files + ["truth"] + truth + ["climate"] + climate + ["named"] + others {
      let facts = try? FileManager.default.attributesOfItem(atPath: file)
      let size = (facts?[.size] as? NSNumber)?.intValue ?? 0
      let changed = (facts?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      text += "\(file) \(size) \(Int(changed * 1000))\n"
    }
    return SHA256.hexadecimal(of: Array(text.utf8))
  }
}
