import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// `scores.nc`: the scores of `apus verify` as CF NetCDF, written time by time.
struct ScoreFile {
  private let writer: NetCDFWriter
  private let rows: Int
  private let columns: Int
  private let almostFair: String
  private let hasPointwise: Bool

  /// `crps_almost_fair_0p95`
  static func almostFairName(_ alpha: Double) -> String {
    "crps_almost_fair_" + "\(alpha)".replacing(".", with: "p")
  }

  init(
    _ path: String, archive: EnsembleArchive, threshold: [Double]?, hasClimate: Bool, hasControl: Bool,
    hasPointwise: Bool, hasEnergyScore: Bool, alpha: Double, command: [String]
  ) throws {
    let writer = try NetCDFWriter(path)
    self.writer = writer
    (rows, columns) = (archive.grid.latitudes.count, archive.grid.longitudes.count)
    almostFair = ScoreFile.almostFairName(alpha)
    self.hasPointwise = hasPointwise
    let units = archive.units ?? "1"
    let isTemperature = ["K", "degC"].contains(units)

    try writer.dimension("time", archive.cases.count)
    try writer.dimension("rank", archive.members.count + 1)
    let hasClock = try ScoreFile.writeTimes(archive, to: writer)
    try writer.grid(latitudes: archive.grid.latitudes, longitudes: archive.grid.longitudes)
    try writer.variable(
      "rank", .int32, ["rank"], ["long_name": .text("members below the truth"), "units": .text("1")])
    try writer.put("rank", (0...archive.members.count).map { Int32($0) })

    func score(_ name: String, _ dimensions: [String], _ unit: String, _ words: String) throws {
      try writer.variable(
        name, .double, dimensions,
        ["long_name": .text(words), "units": .text(unit), "_FillValue": .doubles([.nan])])
      // CF 1.11: says of temperatures whether they are differences.
      if isTemperature && unit == units {
        try writer.attribute(
          "units_metadata", .text(name == "threshold" ? "temperature: on_scale" : "temperature: difference"),
          variable: name)
      }
      if hasClock && dimensions.first == "time" && archive.cases.allSatisfy({ $0.initial != nil }) {
        try writer.attribute("coordinates", .text("forecast_reference_time forecast_period"), variable: name)
      }
    }
    let field = ["time", "lat", "lon"]
    if hasPointwise {
      try score("crps", field, units, "continuous ranked probability score, empirical")
      try score("crps_fair", field, units, "continuous ranked probability score, fair")
      try score(
        almostFair, field, units, "continuous ranked probability score, almost fair with alpha \(alpha)")
    }
    if let threshold {
      try score("threshold", ["lat", "lon"], units, "threshold of the event")
      try writer.put("threshold", threshold)
      if hasPointwise {
        try score("twcrps_above_threshold", field, units, "threshold-weighted CRPS, above the threshold")
        try score("probability", field, "1", "fraction of members above the threshold")
        try score("brier", field, "1", "Brier score of exceeding the threshold")
        try score("brier_fair", field, "1", "fair Brier score of exceeding the threshold")
      }
    }
    if hasClimate && hasPointwise {
      try score("efi", field, "1", "extreme forecast index")
      try score("sot90", field, "1", "shift of tails, 90th percentile")
      try score("sot10", field, "1", "shift of tails, 10th percentile")
    }
    try score("rmse_mean", ["time"], units, "root mean square error of the ensemble mean")
    try score("spread", ["time"], units, "root of the mean ensemble variance")
    try score(
      "spread_skill_ratio", ["time"], "1", "sqrt((M + 1) / M) spread / RMSE of the mean of M members")
    try score("crps_mean", ["time"], units, "area mean of the empirical CRPS")
    try score("crps_fair_mean", ["time"], units, "area mean of the fair CRPS")
    try score("crps_almost_fair_mean", ["time"], units, "area mean of the almost fair CRPS")
    if hasControl {
      try score("rmse_control", ["time"], units, "root mean square error of the control")
      try score("mae_control", ["time"], units, "mean absolute error of the control")
    }
    if threshold != nil {
      try score("twcrps_mean", ["time"], units, "area mean of the threshold-weighted CRPS")
      try score("brier_mean", ["time"], "1", "area mean of the Brier score")
      try score("brier_fair_mean", ["time"], "1", "area mean of the fair Brier score")
    }
    if hasEnergyScore { try score("energy_score", ["time"], units, "energy score of the field") }
    try writer.variable(
      "rank_histogram", .int32, ["rank"],
      ["long_name": .text("how often the truth had the rank, all points and times"), "units": .text("1")])
    if threshold != nil {
      try score("roc_area", [], "1", "area under the relative operating characteristic, all points and times")
    }
    let now = Instant(seconds: Int(Date().timeIntervalSince1970))
    try writer.identify(
      title: "scores of \(archive.variable), \(archive.members.count) members",
      history: "\(now) " + (["apus"] + command.dropFirst()).joined(separator: " "),
      references: "docs/verification.md of Apus",
      comment:
        "means over the area are weighted by cos(latitude), points with missing values left out; the energy "
        + "score's norm is the root of the weighted mean square; rank histogram and ROC area count points "
        + "equally; a truth that equals members takes one of the possible ranks by chance")
  }

  /// Writes the time axis in the forecast's own units; false where there are no times.
  @discardableResult
  static func writeTimes(_ archive: EnsembleArchive, to writer: NetCDFWriter) throws -> Bool {
    let valid = archive.cases.compactMap(\.valid)
    guard valid.count == archive.cases.count else { return false }
    var units = TimeCoordinate.units
    var (origin, second) = (0, 3600)
    if let own = archive.timeUnits,
      let ends = try? TimeCoordinate.instants(
        [0, 1], units: own, calendar: nil, file: archive.file, variable: "time"),
      own.contains(" since "), ends[1] > ends[0]
    {
      (units, origin, second) = (own, ends[0].seconds, ends[1].seconds - ends[0].seconds)
    }
    func write(_ name: String, _ dimensions: [String], _ times: [Instant]) throws {
      try writer.variable(
        name, .double, dimensions,
        [
          "standard_name": .text(name), "units": .text(units), "calendar": .text("proleptic_gregorian"),
        ])
      try writer.put(name, times.map { Double($0.seconds - origin) / Double(second) })
    }
    try write("time", ["time"], valid)
    try writer.attribute("axis", .text("T"), variable: "time")
    let initial = archive.cases.compactMap(\.initial)
    if initial.count == valid.count, let start = initial.first {
      // A scalar where there is one start only: what CDO understands best.
      let isOne = Set(initial).count == 1
      try write("forecast_reference_time", isOne ? [] : ["time"], isOne ? [start] : initial)
      try writer.variable(
        "forecast_period", .double, ["time"],
        ["standard_name": .text("forecast_period"), "units": .text("hours")])
      try writer.put("forecast_period", archive.cases.map { $0.leadHours ?? .nan })
    }
    return true
  }

  /// Writes the scores of time number `place`.
  func write(_ place: Int, _ scores: PointwiseScores, _ summary: CaseScores) throws {
    func put(_ name: String, _ values: [Double]) throws {
      try writer.put(name, values, start: [place, 0, 0], count: [1, rows, columns])
    }
    func put(_ name: String, _ value: Double?) throws {
      if let value { try writer.put(name, [value], start: [place], count: [1]) }
    }
    if hasPointwise {
      try put("crps", scores.crps)
      try put("crps_fair", scores.crpsFair)
      try put(almostFair, scores.crpsAlmostFair)
      if let above = scores.aboveThreshold {
        try put("twcrps_above_threshold", above.crps)
        try put("probability", above.probability)
        try put("brier", above.brier)
        try put("brier_fair", above.brierFair)
      }
      if let extremes = scores.extremes {
        try put("efi", extremes.index)
        try put("sot90", extremes.shiftOfUpperTail)
        try put("sot10", extremes.shiftOfLowerTail)
      }
    }
    try put("rmse_mean", summary.rootMeanSquareError)
    try put("spread", summary.spread)
    try put("spread_skill_ratio", summary.spreadSkillRatio)
    try put("crps_mean", summary.crps)
    try put("crps_fair_mean", summary.crpsFair)
    try put("crps_almost_fair_mean", summary.crpsAlmostFair)
    try put("rmse_control", summary.control?.meanSquareError.squareRoot())
    try put("mae_control", summary.control?.meanAbsoluteError)
    try put("twcrps_mean", summary.crpsAboveThreshold)
    try put("brier_mean", summary.brier)
    try put("brier_fair_mean", summary.brierFair)
    try put("energy_score", summary.energyScore)
  }

  /// Writes what is over all times and gives the file its name.
  func finish(_ report: VerificationReport) throws {
    try writer.put("rank_histogram", report.rankHistogram.map { Int32($0) })
    if let area = report.rocArea { try writer.put("roc_area", [area]) }
    try writer.finish()
  }
}
