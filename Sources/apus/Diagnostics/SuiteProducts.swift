import Basics
import FieldIO
import Fields
import Foundation
import RunFiles
import Verification

/// Writes everything of one variable: `scores_VARIABLE.nc` (numbers by region, lead time and date) and
/// `maps_VARIABLE.nc` (fields by lead time).
struct SuiteProducts {
  let definition: DiagnosticsFile
  let variable: String
  let units: [UnitSummary]
  let grid: LatitudeLongitude
  let directory: String

  /// Defines a variable now and writes its values later.
  private typealias Adding = (
    _ name: String, _ dimensions: [String], _ longName: String, _ unit: String, _ values: [Double]
  ) throws -> Void

  private var unit: String { units[0].state.units }
  private var events: [String] { definition.events[variable] ?? [] }
  private var regions: [String] { definition.regions.map(\.name) }
  private var members: Int { units[0].state.members }

  /// - Returns: the paths written.
  func write() throws -> [String] {
    var paths = ["\(directory)/scores_\(variable).nc"]
    try writeScores(paths[0])
    if !definition.maps.isEmpty {
      paths.append("\(directory)/maps_\(variable).nc")
      try writeMaps(paths[1])
      if let path = try writeLastExtremes() { paths.append(path) }
    }
    return paths
  }

  private func start(_ path: String, _ title: String) throws -> NetCDFWriter {
    let file = try NetCDFWriter(path)
    for (name, text) in [
      ("Conventions", "CF-1.8"), ("title", "\(definition.name): \(title) of \(variable)"),
      ("institution", "made with Apus"), ("source", "Apus \(apusVersion)"), ("history", "apus verify"),
      ("references", "docs/verification.md of Apus names every formula and its source"),
    ] {
      try file.attribute(name, .text(text))
    }
    if !definition.notes.isEmpty {
      try file.attribute("notes", .text(definition.notes.joined(separator: " ")))
    }
    return file
  }

  private func defineLeadTime(_ file: NetCDFWriter) throws {
    try file.dimension("lead_time", units.count)
    try file.variable(
      "lead_time", .double, ["lead_time"],
      ["standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours")])
  }

  private func writeScores(_ path: String) throws {
    let file = try start(path, "scores")
    let columns = units[0].columns
    let dates = Set(units.flatMap { $0.state.dates.map(\.self) }.compactMap(\.initial)).sorted()
    try file.attribute("members", .integers([Int32(members)]))
    try file.attribute(
      "comment",
      .text(
        "Area means with weights cos(latitude). NAME is over all dates (roots after means), NAME_lower and NAME_upper its \(Int(100 * definition.bootstrap.confidence)) % interval from a circular block bootstrap over dates, NAME_by_date each date's own value (roots taken)."
      ))
    try file.dimension("region", regions.count)
    try defineLeadTime(file)
    if !dates.isEmpty { try file.dimension("initial_time", dates.count) }
    if !events.isEmpty { try file.dimension("event", events.count) }
    try file.variable("region", .text, ["region"], ["long_name": .text("region of the area means")])
    if !dates.isEmpty {
      try file.variable(
        "initial_time", .double, ["initial_time"],
        [
          "standard_name": .text("forecast_reference_time"), "long_name": .text("initial time"),
          "units": .text(TimeCoordinate.units), "calendar": .text("proleptic_gregorian"),
        ])
    }
    if !events.isEmpty {
      try file.variable(
        "event", .text, ["event"],
        ["long_name": .text("threshold: the event is above it, or below where said")])
    }
    var puts: [() throws -> Void] = []
    func add(_ name: String, _ dimensions: [String], _ longName: String, _ unit: String, _ values: [Double])
      throws
    {
      try file.variable(
        name, .double, dimensions, ["long_name": .text(longName), "units": .text(unit)])
      puts.append { try file.put(name, values) }
    }
    /// A score with its interval and, where there are dates, its values by date.
    func addEstimates(
      _ name: String, _ longName: String, _ unit: String, event: Bool,
      _ estimate: (UnitSummary, Int, Int?) -> UnitSummary.Estimate,
      _ byDate: ((UnitSummary, Int, Int?) -> [Double])?
    ) throws {
      let outer: [Int?] = event ? events.indices.map { $0 } : [nil]
      let dimensions = (event ? ["event"] : []) + ["region", "lead_time"]
      let estimates = outer.flatMap { number in
        regions.indices.flatMap { region in units.map { estimate($0, region, number) } }
      }
      guard estimates.contains(where: { !$0.value.isNaN }) else { return }
      try add(name, dimensions, longName, unit, estimates.map(\.value))
      let level = Int(100 * definition.bootstrap.confidence)
      try add(
        name + "_lower", dimensions, "\(longName), lower end of the \(level) % interval", unit,
        estimates.map(\.lower))
      try add(
        name + "_upper", dimensions, "\(longName), upper end of the \(level) % interval", unit,
        estimates.map(\.upper))
      guard let byDate, !dates.isEmpty else { return }
      let values = outer.flatMap { number in
        regions.indices.flatMap { region in
          units.flatMap { unit in
            let own = Dictionary(
              zip(unit.state.dates.map { $0.initial ?? 0 }, byDate(unit, region, number)),
              uniquingKeysWith: { $1 })
            return dates.map { own[$0] ?? .nan }
          }
        }
      }
      try add(name + "_by_date", dimensions + ["initial_time"], "\(longName), by initial time", unit, values)
    }
    for column in columns.columns where !column.isInternal && (column.event ?? 0) == 0 {
      let isOfEvent = column.event != nil
      try addEstimates(
        column.name, column.name.replacing("_", with: " "), column.isPure ? "1" : unit, event: isOfEvent,
        { summary, region, event in
          summary.estimate(summary.columns.place(column.name, event: event) ?? 0, region: region)
        },
        { summary, region, event in
          summary.series(summary.columns.place(column.name, event: event) ?? 0, region: region).map {
            column.isRootOfMean ? $0.squareRoot() : $0
          }
        })
    }
    for combination in UnitSummary.combinations where !combination.isOfEvent || !events.isEmpty {
      try addEstimates(
        combination.name, combination.longName, "1", event: combination.isOfEvent,
        { $0.estimate(combination, event: $2, region: $1) }, nil)
    }
    try addEstimates(
      "anomaly_correlation", "anomaly correlation of the ensemble mean, not centred", "1", event: false,
      { summary, region, _ in summary.anomalyCorrelation(region: region).mean },
      { summary, region, _ in summary.anomalyCorrelation(region: region).byDate })
    try pooled(file, add)
    try file.put("region", regions)
    try file.put("lead_time", units.map { $0.state.leadHours ?? .nan })
    if !dates.isEmpty {
      try file.put("initial_time", TimeCoordinate.values(dates.map { Instant(seconds: $0) }))
    }
    if !events.isEmpty { try file.put("event", events) }
    for put in puts { try put() }
    try file.finish()
  }

  /// Counts over all dates, and what follows from them.
  private func pooled(
    _ file: NetCDFWriter,
    _ add: Adding
  ) throws {
    let byPlace = ["region", "lead_time"]
    func perPlace(_ value: (UnitDigest, Int) -> Double) -> [Double] {
      regions.indices.flatMap { region in units.map { value($0.state, region) } }
    }
    let classes = min(members + 1, UnitDigest.rankClasses)
    try file.dimension("rank", classes)
    try add(
      "rank_histogram", byPlace + ["rank"],
      members + 1 > classes
        ? "points and dates by rank of the truth among \(members) members, in classes of neighbouring ranks"
        : "points and dates by members below the truth", "1",
      regions.indices.flatMap { region in
        units.flatMap { $0.state.ranks[region].map(Double.init) }
      })
    try add(
      "unreliability", byPlace, "departure of the rank histogram from flat over its expectation", "1",
      perPlace { $0.unreliability[$1] })
    if definition.decomposition {
      try add(
        "crps_reliability", byPlace, "reliability part of the empirical CRPS", unit,
        perPlace { $0.crpsParts[$1].reliability })
      try add(
        "crps_potential", byPlace, "potential part of the empirical CRPS", unit,
        perPlace { $0.crpsParts[$1].potential })
    }
    let curves = regions.indices.map { region in
      units.map { $0.state.spread[region] }
    }
    let bins = curves.joined().map(\.count).max() ?? 0
    if bins > 0 {
      try file.dimension("spread_bin", bins)
      for (name, long, path) in [
        ("binned_spread", "spread of the points in each bin, corrected for the ensemble's size", 0),
        ("binned_rmse", "RMSE of the ensemble mean at the points in each bin", 1),
        ("binned_share", "share of the area in each bin", 2),
      ] {
        try add(
          name, byPlace + ["spread_bin"], long, path == 2 ? "1" : unit,
          curves.joined().flatMap { curve in
            (0..<bins).map { bin in
              guard bin < curve.count else { return Double.nan }
              return [curve[bin].spread, curve[bin].error, curve[bin].share][path]
            }
          })
      }
    }
    if !events.isEmpty { try pooledEvents(file, add) }
    try wholeFields(file, add)
  }

  private func pooledEvents(
    _ file: NetCDFWriter,
    _ add: Adding
  ) throws {
    let place = ["event", "region", "lead_time"]
    func perPlace(_ values: (UnitDigest.Event) -> [Double]) -> [Double] {
      events.indices.flatMap { event in
        regions.indices.flatMap { region in units.flatMap { values($0.state.events[region][event]) } }
      }
    }
    try add(
      "roc_area", place, "area under the ROC curve, points and dates pooled", "1", perPlace { [$0.area] })
    try add(
      "brier_reliability", place, "reliability part of the pooled, unweighted Brier score", "1",
      perPlace { [$0.brier.reliability] })
    try add(
      "brier_resolution", place, "resolution part of the pooled, unweighted Brier score", "1",
      perPlace { [$0.brier.resolution] })
    try add(
      "brier_uncertainty", place, "uncertainty part of the pooled, unweighted Brier score", "1",
      perPlace { [$0.brier.uncertainty] })
    try add(
      "extremal_dependence_index", place, "extremal dependence index, called by at least half of the members",
      "1",
      perPlace { [$0.extremalDependenceIndex] })
    let bins = definition.probabilityBins
    try file.dimension("probability_bin", bins)
    let binned = place + ["probability_bin"]
    try add(
      "reliability_probability", binned, "mean forecast probability in each bin", "1",
      perPlace { $0.reliability.map(\.probability) })
    try add(
      "reliability_frequency", binned, "observed frequency in each bin", "1",
      perPlace { $0.reliability.map(\.frequency) })
    try add(
      "reliability_count", binned, "points and dates in each bin", "1",
      perPlace { $0.reliability.map { Double($0.count) } })
    try add(
      "discrimination_event", binned, "how often each bin of probability was given where the event came", "1",
      perPlace { $0.discrimination.map(\.whenCame) })
    try add(
      "discrimination_no_event", binned, "how often each bin of probability was given where it did not come",
      "1",
      perPlace { $0.discrimination.map(\.whenNot) })
    try file.dimension("roc_point", bins + 2)
    try add(
      "roc_false_alarm_rate", place + ["roc_point"], "false alarm rate", "1",
      perPlace { $0.curve.map(\.falseAlarmRate) })
    try add("roc_hit_rate", place + ["roc_point"], "hit rate", "1", perPlace { $0.curve.map(\.hitRate) })
    guard definition.climate != nil else { return }
    try file.dimension("efi_roc_point", IndexCounts.levels.count + 1)
    try add(
      "efi_roc_area", place, "area under the ROC curve of the extreme forecast index", "1",
      perPlace { [$0.indexArea] })
    try add(
      "efi_roc_false_alarm_rate", place + ["efi_roc_point"],
      "false alarm rate where the extreme forecast index calls the event from 1, 0.9 ... 0 on, after never",
      "1",
      perPlace { $0.indexCurve.map(\.falseAlarmRate) })
    try add(
      "efi_roc_hit_rate", place + ["efi_roc_point"], "hit rate likewise", "1",
      perPlace { $0.indexCurve.map(\.hitRate) })
  }

  private func wholeFields(
    _ file: NetCDFWriter,
    _ add: Adding
  ) throws {
    if let first = units.compactMap(\.state.averageRanks).first {
      try file.dimension("tile_rank", first.counts.count)
      for (name, long, histogram) in [
        ("average_rank_histogram", "tiles and dates by average rank of the truth", \UnitDigest.averageRanks),
        (
          "band_depth_rank_histogram", "tiles and dates by band depth rank of the truth",
          \UnitDigest.bandDepthRanks
        ),
      ] {
        try add(
          name, ["lead_time", "tile_rank"], long, "1",
          units.flatMap {
            $0.state[keyPath: histogram]?.counts.map(Double.init) ?? first.counts.map { _ in .nan }
          })
      }
    }
    if let first = units.compactMap(\.state.spectra).first {
      let degrees = first.truth.count
      try file.dimension("degree", degrees)
      try file.variable("degree", .int32, ["degree"], ["long_name": .text("degree l"), "units": .text("1")])
      let means = units.map(\.state.spectra)
      let nothing = [Double](repeating: .nan, count: degrees)
      for (name, long, path) in [
        ("power_truth", "power per degree of the truth", \SpectralScores.truth),
        ("power_members", "mean power per degree of the members", \SpectralScores.members),
        ("power_mean", "power per degree of the ensemble mean", \SpectralScores.ensembleMean),
        ("power_error", "power per degree of the error of the ensemble mean", \SpectralScores.error),
        (
          "power_spread", "power per degree of the deviations from the ensemble mean (M - 1)",
          \SpectralScores.spread
        ),
        (
          "power_perturbation", "power per degree of the differences from the control",
          \SpectralScores.perturbation
        ),
        ("crps_power", "fair CRPS of the power of each degree", \SpectralScores.crps),
      ] {
        if name == "power_perturbation" && definition.control == nil { continue }
        try add(
          name, ["lead_time", "degree"], long, "(\(unit))2", means.flatMap { $0?[keyPath: path] ?? nothing })
      }
      try add(
        "spread_skill_ratio_by_degree", ["lead_time", "degree"],
        "sqrt((M + 1)/M spread / error) of each degree", "1",
        means.flatMap { $0?.spreadSkillRatio(members: members) ?? nothing })
      try file.put("degree", (0..<Int32(degrees)).map { $0 })
    }
    guard let first = units.compactMap(\.state.sizes.first).first else { return }
    try file.dimension("ensemble_size", first.sizes.count)
    try file.variable(
      "ensemble_size", .int32, ["ensemble_size"],
      ["long_name": .text("members drawn with replacement"), "units": .text("1")])
    for kind in units.map(\.state.sizes.count).max().map({ 0..<$0 }) ?? 0..<0 {
      try addSizes(first.sizes, kind, add)
    }
    try file.put("ensemble_size", first.sizes.map { Int32($0) })
  }

  /// What smaller ensembles show, drawn member by member (kind 0) or in groups.
  private func addSizes(
    _ all: [Int], _ kind: Int,
    _ add: Adding
  ) throws {
    func perSize(_ values: (EnsembleSizes) -> [Double]) -> [Double] {
      units.flatMap { unit -> [Double] in
        guard kind < unit.state.sizes.count else { return all.map { _ in .nan } }
        let own = unit.state.sizes[kind]
        let found = Dictionary(zip(own.sizes, values(own)), uniquingKeysWith: { first, _ in first })
        return all.map { found[$0] ?? .nan }
      }
    }
    let group = units.compactMap { kind < $0.state.sizes.count ? $0.state.sizes[kind].group : nil }.first
    let suffix = group.map { "_of_\($0.name)" } ?? ""
    let words = group.map { ", drawn in groups of \($0.members) (\($0.name))" } ?? ""
    let place = ["lead_time", "ensemble_size"]
    try add(
      "outlier_by_size\(suffix)", place, "probability that the truth lies beyond all members drawn\(words)",
      "1",
      perSize(\.outlier))
    try add(
      "rmse_best_member_by_size\(suffix)", place,
      "root mean square error of each point's best member of those drawn\(words)", unit,
      perSize(\.bestMemberError))
    try add(
      "gain_by_size\(suffix)", place,
      "expected highest member above the mean, in standard deviations of the full ensemble\(words)", "1",
      perSize(\.gain))
    if !events.isEmpty {
      try add(
        "probability_width_by_size\(suffix)", ["event"] + place,
        "width of the 95 % interval of the event's probability\(words)", "1",
        events.indices.flatMap { event in perSize { $0.probabilityWidth(event: event) } })
    }
  }

  /// The last date's indices against the climate with their outcome; nil where there are none.
  private func writeLastExtremes() throws -> String? {
    guard units.contains(where: \.state.hasLastExtremes) else { return nil }
    let names = definition.maps.filter(LastExtremes.known.contains)
    let path = "\(directory)/extremes_\(variable).nc"
    let file = try start(path, "indices against the climate on the last date, and the outcome")
    let (rows, columns) = (grid.latitudes.count, grid.longitudes.count)
    try defineLeadTime(file)
    try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
    for (name, standard, words) in [
      ("initial_time", "forecast_reference_time", "initial time"), ("valid_time", "time", "valid time"),
    ] {
      try file.variable(
        name, .double, ["lead_time"],
        [
          "standard_name": .text(standard), "long_name": .text(words), "units": .text(TimeCoordinate.units),
          "calendar": .text("proleptic_gregorian"),
        ])
    }
    let place = ["lead_time", "lat", "lon"]
    for name in names {
      try file.variable(
        name, .float, place,
        ["long_name": .text(LastExtremes.longName(name)), "units": .text("1")])
    }
    try file.variable(
      "outcome", .float, place,
      [
        "long_name": .text("place of the truth in the climate, 0 below to 1 above all states"),
        "units": .text("1"),
      ])
    try file.put("lead_time", units.map { $0.state.leadHours ?? .nan })
    func hours(_ seconds: Int?) -> Double {
      seconds.map { TimeCoordinate.values([Instant(seconds: $0)])[0] } ?? .nan
    }
    try file.put("initial_time", units.map { hours($0.state.dates.last?.initial) })
    try file.put("valid_time", units.map { hours($0.state.dates.last?.valid) })
    for (lead, unit) in units.enumerated() {
      // One lead time in memory at a time.
      guard let extremes = try unit.state.lastExtremes() else { continue }
      for (name, values) in zip(extremes.names + ["outcome"], extremes.fields + [extremes.outcome]) {
        try file.put(name, values, start: [lead, 0, 0], count: [1, rows, columns])
      }
    }
    try file.finish()
    return path
  }

  private func writeMaps(_ path: String) throws {
    let scores = definition.maps.compactMap(MapScore.named)
    let file = try start(path, "maps of scores")
    let (rows, columns) = (grid.latitudes.count, grid.longitudes.count)
    try defineLeadTime(file)
    try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
    for score in scores {
      try file.variable(
        score.name, .float, ["lead_time", "lat", "lon"],
        [
          "long_name": .text("\(score.name.replacing("_", with: " ")), mean over dates"),
          "units": .text(score.isPure ? "1" : unit), "cell_methods": .text("time: mean"),
        ])
    }
    try file.put("lead_time", units.map { $0.state.leadHours ?? .nan })
    for (place, unit) in units.enumerated() {
      let maps = try unit.state.maps(scores, points: rows * columns)
      for (number, score) in scores.enumerated() {
        try file.put(
          score.name, maps.mean(number).map { Float($0) }, start: [place, 0, 0],
          count: [1, rows, columns])
      }
    }
    try file.finish()
  }
}
