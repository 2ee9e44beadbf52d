import FieldIO
import RunFiles
import Verification

/// What is pooled over points and dates of one variable, with intervals over dates where it is a score: ranks, events,
/// spread in bins, spectra and smaller ensembles.
struct PooledProducts {
  let definition: DiagnosticsFile
  let variable: String
  /// By lead time.
  let units: [UnitDigest]
  let file: NetCDFWriter
  let variables: ScoreVariables

  private var unit: String { units[0].units }
  private var members: Int { units[0].members }
  private var events: [String] { definition.events[variable] ?? [] }
  private let byPlace = ["region", "lead_time"]

  /// Defines everything in the file.
  func define() throws {
    try ranks()
    if definition.decomposition {
      try variables.add(
        "crps_reliability", byPlace, "reliability part of the empirical CRPS", unit,
        perPlace { [$0.crpsParts[$1].reliability] })
      try variables.add(
        "crps_potential", byPlace, "potential part of the empirical CRPS", unit,
        perPlace { [$0.crpsParts[$1].potential] })
    }
    try binnedSpread()
    if !events.isEmpty { try eventScores() }
    try fieldRanks()
    try spectra()
    try ensembleSizes()
  }

  private func perPlace<Value>(_ values: (UnitDigest, Int) -> [Value]) -> [Value] {
    definition.regions.indices.flatMap { region in units.flatMap { values($0, region) } }
  }

  private func ranks() throws {
    let classes = min(members + 1, UnitDigest.rankClasses)
    try file.dimension("rank", classes)
    try variables.add(
      "rank_histogram", byPlace + ["rank"],
      members + 1 > classes
        ? "points and dates by rank of the truth among \(members) members, in classes of neighbouring ranks"
        : "points and dates by members below the truth", "1",
      perPlace { $0.ranks[$1].map(Double.init) })
    try variables.add(
      "unreliability", byPlace, "departure of the rank histogram from flat over its expectation", "1",
      perPlace { [$0.unreliability[$1]] })
  }

  private func binnedSpread() throws {
    let bins = units.flatMap { $0.spread.map(\.count) }.max() ?? 0
    guard bins > 0 else { return }
    try file.dimension("spread_bin", bins)
    func padded<Value>(_ values: [Value], _ nothing: Value) -> [Value] {
      values + [Value](repeating: nothing, count: bins - values.count)
    }
    let nothing = Estimate(.nan, .none)
    let place = byPlace + ["spread_bin"]
    try variables.add(
      "binned_spread", place, "spread of the points in each bin, corrected for the ensemble's size", unit,
      perPlace { padded($0.spread[$1].map(\.spread), nothing) })
    try variables.add(
      "binned_rmse", place, "RMSE of the ensemble mean at the points in each bin", unit,
      perPlace { padded($0.spread[$1].map(\.error), nothing) })
    try variables.add(
      "binned_share", place, "share of the area in each bin", "1",
      perPlace { padded($0.spread[$1].map(\.share), .nan) })
  }

  private func eventScores() throws {
    let place = ["event", "region", "lead_time"]
    func perEvent<Value>(_ values: (UnitDigest.Event) -> [Value]) -> [Value] {
      events.indices.flatMap { event in perPlace { values($0.events[$1][event]) } }
    }
    func score(_ name: String, _ longName: String, _ value: (UnitDigest.Event) -> Estimate) throws {
      try variables.add(name, place, longName, "1", perEvent { [value($0)] })
    }
    try score("roc_area", "area under the ROC curve, points and dates pooled") { $0.area }
    try score("brier_reliability", "reliability part of the pooled, unweighted Brier score") {
      $0.brier.reliability
    }
    try score("brier_resolution", "resolution part of the pooled, unweighted Brier score") {
      $0.brier.resolution
    }
    try score("brier_uncertainty", "uncertainty part of the pooled, unweighted Brier score") {
      $0.brier.uncertainty
    }
    try score(
      "extremal_dependence_index", "extremal dependence index, called by at least half of the members"
    ) { $0.extremalDependenceIndex }
    let bins = definition.probabilityBins
    try file.dimension("probability_bin", bins)
    let binned = place + ["probability_bin"]
    func curve(
      _ name: String, _ dimensions: [String], _ longName: String, _ values: (UnitDigest.Event) -> [Double]
    ) throws { try variables.add(name, dimensions, longName, "1", perEvent(values)) }
    try curve("reliability_probability", binned, "mean forecast probability in each bin") {
      $0.reliability.map(\.probability)
    }
    try variables.add(
      "reliability_frequency", binned, "observed frequency in each bin", "1",
      perEvent { $0.reliability.map(\.frequency) })
    try curve("reliability_count", binned, "points and dates in each bin") {
      $0.reliability.map { Double($0.count) }
    }
    try curve(
      "discrimination_event", binned, "how often each bin of probability was given where the event came"
    ) { $0.discrimination.map(\.whenCame) }
    try curve(
      "discrimination_no_event", binned,
      "how often each bin of probability was given where it did not come"
    ) { $0.discrimination.map(\.whenNot) }
    try file.dimension("roc_point", bins + 2)
    try curve("roc_false_alarm_rate", place + ["roc_point"], "false alarm rate") {
      $0.curve.map(\.falseAlarmRate)
    }
    try curve("roc_hit_rate", place + ["roc_point"], "hit rate") { $0.curve.map(\.hitRate) }
    guard definition.climate != nil else { return }
    try file.dimension("efi_roc_point", IndexCounts.levels.count + 1)
    try score("efi_roc_area", "area under the ROC curve of the extreme forecast index") { $0.indexArea }
    try curve(
      "efi_roc_false_alarm_rate", place + ["efi_roc_point"],
      "false alarm rate where the extreme forecast index calls the event from 1, 0.9 ... 0 on, after never"
    ) { $0.indexCurve.map(\.falseAlarmRate) }
    try curve("efi_roc_hit_rate", place + ["efi_roc_point"], "hit rate likewise") {
      $0.indexCurve.map(\.hitRate)
    }
  }

  private func fieldRanks() throws {
    guard let first = units.compactMap(\.averageRanks).first else { return }
    try file.dimension("tile_rank", first.counts.count)
    for (name, long, histogram) in [
      ("average_rank_histogram", "tiles and dates by average rank of the truth", \UnitDigest.averageRanks),
      (
        "band_depth_rank_histogram", "tiles and dates by band depth rank of the truth",
        \UnitDigest.bandDepthRanks
      ),
    ] {
      try variables.add(
        name, ["lead_time", "tile_rank"], long, "1",
        units.flatMap {
          $0[keyPath: histogram]?.counts.map(Double.init) ?? first.counts.map { _ in .nan }
        })
    }
  }

  private func spectra() throws {
    guard let degrees = units.compactMap(\.spectra).first?.truth.count else { return }
    try variables.add("degree", "degree l", Array(0..<degrees))
    let power = "(\(unit))2"
    // In the order of the estimates.
    let names = [
      ("power_truth", "power per degree of the truth", power),
      ("power_members", "mean power per degree of the members", power),
      ("power_mean", "power per degree of the ensemble mean", power),
      ("power_error", "power per degree of the error of the ensemble mean", power),
      ("power_spread", "power per degree of the deviations from the ensemble mean (M - 1)", power),
      ("power_perturbation", "power per degree of the differences from the control", power),
      ("crps_power", "fair CRPS of the power of each degree", power),
      ("spread_skill_ratio_by_degree", "sqrt((M + 1)/M spread / error) of each degree", "1"),
    ]
    let nothing = [Estimate](repeating: Estimate(.nan, .none), count: degrees)
    for (number, (name, long, unit)) in names.enumerated() {
      if name == "power_perturbation" && definition.control == nil { continue }
      try variables.add(
        name, ["lead_time", "degree"], long, unit,
        units.flatMap {
          $0.spectra == nil ? nothing : Array($0.spectraEstimates[number * degrees..<(number + 1) * degrees])
        })
    }
  }

  private func ensembleSizes() throws {
    guard let sizes = units.map(\.sizesDrawn).first(where: { !$0.isEmpty }) else { return }
    try variables.add("ensemble_size", "members drawn with replacement", sizes)
    for kind in 0..<(units.map(\.sizes.count).max() ?? 0) { try ensembleSizes(sizes, kind) }
  }

  /// What smaller ensembles show, drawn member by member (kind 0) or in groups.
  private func ensembleSizes(_ sizes: [Int], _ kind: Int) throws {
    func perSize(_ field: Int) -> [Estimate] {
      units.flatMap { unit in
        sizes.map { size in
          let found = kind < unit.sizes.count ? unit.sizes[kind].statistics[field][size] : nil
          return found ?? Estimate(.nan, .none)
        }
      }
    }
    let group = units.compactMap { kind < $0.sizes.count ? $0.sizes[kind].group : nil }.first
    let suffix = group.map { "_of_\($0.name)" } ?? ""
    let words = group.map { ", drawn in groups of \($0.members) (\($0.name))" } ?? ""
    let place = ["lead_time", "ensemble_size"]
    try variables.add(
      "outlier_by_size\(suffix)", place, "probability that the truth lies beyond all members drawn\(words)",
      "1", perSize(0))
    try variables.add(
      "rmse_best_member_by_size\(suffix)", place,
      "root mean square error of each point's best member of those drawn\(words)", unit, perSize(1))
    try variables.add(
      "gain_by_size\(suffix)", place,
      "expected highest member above the mean, in standard deviations of the full ensemble\(words)", "1",
      perSize(2))
    guard !events.isEmpty else { return }
    try variables.add(
      "probability_width_by_size\(suffix)", ["event"] + place,
      "width of the 95 % interval of the event's probability\(words)", "1",
      events.indices.flatMap { perSize(3 + $0) })
  }
}
