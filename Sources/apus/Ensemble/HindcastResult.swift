import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// Means over dates of power per degree.
struct SpectrumMeans: Codable {
  /// One variable at one lead time.
  struct Mean: Codable {
    let variable: String
    let leadHours: Int
    var dates: Int
    var members: [Double]
    var ensembleMean: [Double]
    var truth: [Double]
  }
  private(set) var sums: [Mean] = []

  mutating func add(_ spectrum: EnsembleSpectra, variable: String, leadHours: Int) {
    let truth = spectrum.truth ?? spectrum.memberMean.map { _ in .nan }
    if let index = sums.firstIndex(where: { $0.variable == variable && $0.leadHours == leadHours }) {
      sums[index].dates += 1
      sums[index].members = zip(sums[index].members, spectrum.memberMean).map(+)
      sums[index].ensembleMean = zip(sums[index].ensembleMean, spectrum.ensembleMean).map(+)
      sums[index].truth = zip(sums[index].truth, truth).map(+)
    } else {
      sums.append(
        Mean(
          variable: variable, leadHours: leadHours, dates: 1, members: spectrum.memberMean,
          ensembleMean: spectrum.ensembleMean, truth: truth))
    }
  }

  /// Means of a variable, by lead time.
  func means(_ variable: String) -> [Mean] {
    sums.filter { $0.variable == variable }.sorted { $0.leadHours < $1.leadHours }.map { sum in
      var mean = sum
      let n = Double(sum.dates)
      mean.members = sum.members.map { $0 / n }
      mean.ensembleMean = sum.ensembleMean.map { $0 / n }
      mean.truth = sum.truth.map { $0 / n }
      return mean
    }
  }
}

/// The scores of a hindcast: kept as JSON for the report, written as NetCDF for users, printed as a table.
struct HindcastResult: Codable {
  let scores: HindcastScores
  let spectra: SpectrumMeans
  let channels: [String]
  let units: [String]
  let members: Int
  let threshold: String?

  /// Whether the ensemble mean beats persistence and climatology, and the ensemble its control, at a lead time.
  struct Comparison: Encodable {
    let variable: String
    let leadHours: Int
    let score: String
    let reference: String
    let test: PairedBlockBootstrap
  }

  /// Paired comparisons over dates, blocks of consecutive dates resampled.
  func comparisons(_ variable: String) -> [Comparison] {
    let pairs: [(HindcastScore, HindcastScore)] = [
      (.rmseMean, .rmsePersistence), (.rmseMean, .rmseClimatology), (.crpsFair, .maeControl),
      (.crpsFair, .crpsClimatology),
    ]
    return scores.leadHours(variable).flatMap { hours in
      pairs.compactMap { score, reference in
        let place = HindcastScores.Place(variable, leadHours: hours)
        guard scores.mean(score, at: place) != nil, scores.mean(reference, at: place) != nil,
          let test = try? scores.compare(score, with: reference, at: place)
        else { return nil }
        return Comparison(
          variable: variable, leadHours: hours, score: score.rawValue, reference: reference.rawValue,
          test: test)
      }
    }
  }

  /// A table a variable.
  var text: String {
    let columns: [(String, HindcastScore)] = [
      ("RMSE mean", .rmseMean), ("control", .rmseControl), ("persistence", .rmsePersistence),
      ("climatology", .rmseClimatology), ("spread", .spread), ("CRPS fair", .crpsFair),
      ("MAE control", .maeControl), ("CRPS climatology", .crpsClimatology),
    ]
    var lines: [String] = []
    for (index, variable) in channels.enumerated() {
      let dates = scores.leadHours(variable).map {
        scores.cases(at: .init(variable, leadHours: $0)).count
      }
      lines.append("\(variable) [\(units[index])], \(members) members, \(dates.max() ?? 0) initial times")
      var header = "lead time".padding(toLength: 10, withPad: " ", startingAt: 0)
      for (name, _) in columns { header += String(repeating: " ", count: max(1, 18 - name.count)) + name }
      header += "  spread/skill   dates"
      lines.append(header)
      for hours in scores.leadHours(variable) {
        let place = HindcastScores.Place(variable, leadHours: hours)
        var line = "\(hours) h".padding(toLength: 10, withPad: " ", startingAt: 0)
        for (_, score) in columns {
          let text = scores.mean(score, at: place).map { String(format: "%.4g", $0) } ?? "-"
          line += String(repeating: " ", count: max(1, 18 - text.count)) + text
        }
        let ratio = scores.summary(at: place)?.spreadSkillRatio
        line += ratio.map { String(format: "%14.2f", $0) } ?? String(repeating: " ", count: 14)
        line += String(format: "%8d", scores.cases(at: place).count)
        lines.append(line)
      }
    }
    return lines.joined(separator: "\n")
  }

  /// Reads what `write` left.
  static func read(_ path: String) throws -> HindcastResult {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ApusError(.inputMissing, "no scores yet", file: path, advice: "Run the verification first.")
    }
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      return try decoder.decode(HindcastResult.self, from: data)
    } catch { throw ApusError(.badData, "are no scores of a hindcast", file: path) }
  }

  /// Writes `scores.json` and one NetCDF file a variable into `directory`.
  func write(_ directory: String) throws {
    for (index, variable) in channels.enumerated() {
      try writeNetCDF(variable, units: units[index], to: "\(directory)/\(variable).nc")
    }
    try WholeFile.write(try SortedJSON.data(self, writesNonFinite: true), to: "\(directory)/scores.json")
  }

  /// Scores by lead time over all dates, and by date.
  private func writeNetCDF(_ variable: String, units: String, to path: String) throws {
    let leads = scores.leadHours(variable)
    let dates = Set(leads.flatMap { scores.cases(at: .init(variable, leadHours: $0)).map(\.initial) })
      .sorted()
    let file = try NetCDFWriter(path)
    try file.identify(
      title: "Scores of a hindcast: \(variable)", history: "apus verify",
      references: "Mahesh et al. 2024, Huge Ensembles Part I, arXiv:2408.03100",
      comment:
        "Area means with weights cos(latitude). NAME is over all initial times (roots after means); NAME_by_date is per initial time (roots taken)."
    )
    let clock: KeyValuePairs<String, NetCDFAttribute> = [
      "standard_name": .text("forecast_reference_time"), "long_name": .text("initial time"),
      "units": .text(TimeCoordinate.units), "calendar": .text("proleptic_gregorian"),
    ]
    try file.dimension("initial_time", dates.count)
    try file.dimension("lead_time", leads.count)
    try file.dimension("rank", members + 1)
    try file.variable("initial_time", .double, ["initial_time"], clock)
    try file.variable(
      "lead_time", .double, ["lead_time"],
      ["standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours")])
    try file.variable(
      "rank", .int32, ["rank"], ["long_name": .text("members below the truth"), "units": .text("1")])
    try file.variable(
      "rank_histogram", .double, ["lead_time", "rank"],
      ["long_name": .text("number of points and initial times"), "units": .text("1")])
    try file.variable(
      "spread_skill_ratio", .double, ["lead_time"],
      [
        "long_name": .text("spread over RMSE of the mean, corrected for the ensemble's size"),
        "units": .text("1"),
      ])
    try file.variable(
      "roc_area", .double, ["lead_time"],
      ["long_name": .text("area under the ROC curve, points and initial times pooled"), "units": .text("1")])
    let present = HindcastScore.allCases.filter { score in
      leads.contains { scores.mean(score, at: .init(variable, leadHours: $0)) != nil }
    }
    for score in present {
      let unit = [.brier, .brierFair].contains(score) ? "1" : units
      let attributes: KeyValuePairs<String, NetCDFAttribute> = [
        "long_name": .text(score.rawValue.replacing("_", with: " ")), "units": .text(unit),
      ]
      try file.variable(score.rawValue, .double, ["lead_time"], attributes)
      try file.variable(score.rawValue + "_by_date", .double, ["lead_time", "initial_time"], attributes)
    }
    let power = spectra.means(variable)
    if let first = power.first {
      try file.dimension("spectrum_lead_time", power.count)
      try file.dimension("degree", first.members.count)
      try file.variable(
        "spectrum_lead_time", .double, ["spectrum_lead_time"],
        ["long_name": .text("lead time of the spectra"), "units": .text("hours")])
      try file.variable(
        "degree", .int32, ["degree"], ["long_name": .text("degree l"), "units": .text("1")])
      for name in ["members", "mean", "truth"] {
        try file.variable(
          "power_\(name)", .double, ["spectrum_lead_time", "degree"],
          ["long_name": .text("power per degree: \(name)"), "units": .text("(\(units))2")])
      }
    }
    try file.put("initial_time", TimeCoordinate.values(dates))
    try file.put("lead_time", leads.map(Double.init))
    try file.put("rank", (0...Int32(members)).map { $0 })
    let summaries = leads.map { scores.summary(at: .init(variable, leadHours: $0)) }
    try file.put(
      "rank_histogram", summaries.flatMap { $0?.rankHistogram.counts.map(Double.init) ?? [] })
    try file.put("roc_area", summaries.map { $0?.rocArea ?? .nan })
    try file.put("spread_skill_ratio", summaries.map { $0?.spreadSkillRatio ?? .nan })
    for score in present {
      try file.put(
        score.rawValue, leads.map { scores.mean(score, at: .init(variable, leadHours: $0)) ?? .nan })
      let byDate = leads.map { hours in
        Dictionary(uniqueKeysWithValues: scores.values(score, at: .init(variable, leadHours: hours)))
      }
      try file.put(
        score.rawValue + "_by_date",
        byDate.flatMap { values in
          dates.map { date in
            values[date].map { score.isRootOfMean ? $0.squareRoot() : $0 } ?? Double.nan
          }
        })
    }
    if !power.isEmpty {
      try file.put("spectrum_lead_time", power.map { Double($0.leadHours) })
      try file.put("degree", power[0].members.indices.map(Int32.init))
      try file.put("power_members", power.flatMap(\.members))
      try file.put("power_mean", power.flatMap(\.ensembleMean))
      try file.put("power_truth", power.flatMap(\.truth))
    }
    try file.finish()
  }
}
