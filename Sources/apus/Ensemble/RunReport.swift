import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import Reports
import RunFiles
import Sphere
import Verification

/// The report of a run: one self-contained HTML file.
struct RunReport {
  let setup: EnsembleSetup
  let settings: ReportSettings
  let result: HindcastResult?
  let threads: Int

  /// A variable as people read it: pressure in hPa, the rest in its own unit.
  private struct Shown {
    let name: String
    let longName: String
    let units: String
    let scale: Double
    /// Interval of contour lines; nil: chosen by the values.
    let interval: Double?
  }

  func write(_ path: String) throws {
    var report = HTMLReport(title: settings.title, subtitle: subtitle)
    report.summary = [.table(.facts(facts))]
    if !settings.notes.isEmpty { report.summary.append(.list(settings.notes)) }
    let names = result?.channels ?? setup.forecaster.channels
    if let result { report.summary += try headline(result) }
    if let chosen = try showcase(names) { report.sections.append(try maps(chosen, names)) }
    if let result {
      for name in names { report.sections.append(try scores(name, result)) }
      report.sections.append(significance(result))
    }
    report.provenance = provenance
    let directory = FilePath.directory(of: path)
    if !directory.isEmpty {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw ApusError(.cannotCreateOutput, "cannot create the directory", file: directory)
      }
    }
    try WholeFile.write(report.data, to: path)
  }

  // MARK: - Words

  private var subtitle: String {
    let times = setup.plan.initialTimes
    let span =
      times.count == 1
      ? "from \(times[0])" : "\(times.count) initial times, \(times[0]) to \(times[times.count - 1])"
    return "\(setup.plan.members.count) members, \(span), to +\(setup.run.leadTimeHours) h"
  }

  private var facts: [(name: String, value: String)] {
    let perturbation = setup.forecaster.settings
    let method =
      switch perturbation.kind {
      case .bredVectors:
        "bred vectors, \(perturbation.cycles) cycles from \(perturbation.seedChannels.joined(separator: ", ")), "
          + "\(perturbation.factor) x the control's \(perturbation.targetHours) h error, plus and minus"
      case .noise:
        "correlated noise, \(Int(perturbation.lengthScaleKilometres)) km, \(perturbation.factor) x the control's "
          + "\(perturbation.targetHours) h error, plus and minus"
      case .lagged: "lagged: control forecasts of earlier analyses"
      case .none: "none: one member a checkpoint"
      }
    return [
      ("Members", "1 control + \(setup.plan.members.count - 1) perturbed"),
      (
        "Checkpoints",
        "\(setup.checkpoints.count), spherical Fourier neural operator, \(setup.checkpoints[0].grid), l < \(setup.checkpoints[0].degrees)"
      ),
      ("Perturbations", method),
      ("Variables", setup.forecaster.channels.joined(separator: ", ")),
    ]
  }

  private var provenance: [(name: String, value: String)] {
    var facts: [(name: String, value: String)] = [
      ("Program", "Apus \(apusVersion)"), ("Run", "\(setup.run.name), seed \(setup.run.seed)"),
      ("Run file", "SHA-256 \(setup.manifest.runFileDigest.prefix(16))"),
      // As the run file has them: which files a pattern matched depends on the day.
      (
        "Analyses",
        setup.run.analyses.files.map { FilePath.name(of: $0.written) }.joined(separator: ", ")
      ),
    ]
    for checkpoint in setup.manifest.checkpoints {
      facts.append(
        ("Checkpoint \(checkpoint.index)", "\(checkpoint.path), SHA-256 \(checkpoint.sha256.prefix(16))"))
    }
    return facts
  }

  private func shown(_ name: String) -> Shown {
    let channel = ChannelCatalogue.channel(name)
    let index = setup.checkpoints[0].channels.firstIndex(of: name) ?? 0
    let units = setup.checkpoints[0].units[index]
    let longName = channel?.longName ?? name
    switch (units, channel?.quantity) {
    case ("Pa", _): return Shown(name: name, longName: longName, units: "hPa", scale: 0.01, interval: 8)
    case ("s-1", _):
      return Shown(name: name, longName: longName, units: "10⁻⁵ s⁻¹", scale: 1e5, interval: nil)
    case ("m", "z"): return Shown(name: name, longName: longName, units: "m", scale: 1, interval: 80)
    default: return Shown(name: name, longName: longName, units: units, scale: 1, interval: nil)
    }
  }

  private func headline(_ result: HindcastResult) throws -> [HTMLReport.Block] {
    try result.channels.prefix(2).map { name in
      let item = shown(name)
      let leads = result.scores.leadHours(name).filter { $0 % 24 == 0 }
      let columns: [(String, HindcastScore)] = [
        ("ensemble mean", .rmseMean), ("control", .rmseControl), ("persistence", .rmsePersistence),
        ("climatology", .rmseClimatology),
      ]
      let values = leads.map { hours in
        columns.map { (result.scores.mean($0.1, at: .init(name, leadHours: hours)) ?? .nan) * item.scale }
      }
      return .table(
        try .scores(
          caption: "Root mean square error of \(item.longName) [\(item.units)]", rowTitle: "Lead time",
          rowNames: leads.map { "+\($0) h" }, systems: columns.map(\.0), values: values, better: .lower))
    }
  }

  // MARK: - Maps

  /// One initial time and lead time worth showing.
  private struct Showcase {
    let time: Instant
    let lead: Int
    let hours: Int
    let members: [Trajectory]
    let climate: ClimateSamples?
  }

  /// The initial time whose forecast at day 3 (or the end) lies furthest outside the climate; without a
  /// climate the first one. Nil where no initial time has its member files.
  private func showcase(_ names: [String]) throws -> Showcase? {
    let hours = setup.forecaster.leadHours
    let lead = hours.lastIndex { $0 <= 72 } ?? hours.count - 1
    let first = setup.checkpoints[0]
    let climate = try setup.climateSamples(names, threads: threads)
    var best: (score: Double, Showcase)?
    for time in setup.plan.initialTimes {
      guard let members = try setup.readMembers(at: time, threads: threads) else { continue }
      let item = Showcase(
        time: time, lead: lead, hours: hours[lead], members: members, climate: climate)
      guard let index = try extremes(item, names[0], channel: 0) else { return item }
      let weights = AreaWeights(first.grid)
      let score = weights.mean { abs(index[$0]) > 0.8 ? 1 : 0 }
      if score > best?.score ?? -1 { best = (score, item) }
    }
    return best?.1
  }

  /// The extreme forecast index of one variable; nil without a climate.
  private func extremes(_ item: Showcase, _ name: String, channel: Int) throws -> [Double]? {
    guard let climate = item.climate else { return nil }
    let values = HindcastVerification.values(item.members, name, lead: item.lead)
    let quantiles = try climate.climate(
      name, channel: channel, at: item.time.adding(hours: item.hours)
    ).quantiles
    let nothing = [Double](repeating: .nan, count: values.pointCount)
    return try PointwiseScores(values, truth: nothing, climate: quantiles, threads: threads).extremes?.index
  }

  /// Mean and standard deviation (members - 1) over members, times a factor.
  private static func moments(_ values: EnsembleValues, scale: Double) -> ([Float], [Float]) {
    let members = (0..<values.memberCount).map { values.member($0) }
    let n = Double(members.count)
    var (mean, deviation) = ([Float](), [Float]())
    for point in 0..<values.pointCount {
      let average = members.reduce(0) { $0 + $1[point] } / n
      let squares = members.reduce(0) { $0 + ($1[point] - average) * ($1[point] - average) }
      mean.append(Float(average * scale))
      deviation.append(n > 1 ? Float((squares / (n - 1)).squareRoot() * abs(scale)) : 0)
    }
    return (mean, deviation)
  }

  private func maps(_ item: Showcase, _ names: [String]) throws -> HTMLReport.Section {
    let grid = setup.checkpoints[0].grid
    let valid = item.time.adding(hours: item.hours)
    let line = "from \(item.time), +\(item.hours) h, valid \(valid), \(item.members.count) members"
    var blocks: [HTMLReport.Block] = [
      .paragraph(
        item.climate == nil
          ? "The first forecast of the run at +\(item.hours) h."
          : "Of all initial times the one whose forecast of \(shown(names[0]).longName) at +\(item.hours) h lies "
            + "outside its climate over the largest area (extreme forecast index beyond 0.8).")
    ]
    for (channel, name) in names.prefix(2).enumerated() {
      let look = shown(name)
      let values = HindcastVerification.values(item.members, name, lead: item.lead)
      let (ensembleMean, deviation) = RunReport.moments(values, scale: look.scale)
      let contours = MapFigure.Contours(
        values: ensembleMean, interval: look.interval, name: "ensemble mean", units: look.units)
      var mean = MapFigure(
        ensembleMean, on: grid, title: "Ensemble mean of \(look.longName)", quantity: look.longName,
        units: look.units)
      mean.subtitle = line
      if name.hasPrefix("vo") || name.hasPrefix("u") || name.hasPrefix("v") {
        mean.colourMap = .diverging
      } else {
        mean.contours = contours
      }
      var spread = MapFigure(
        deviation, on: grid, title: "Spread of \(look.longName)", quantity: "standard deviation",
        units: look.units)
      spread.subtitle = line
      spread.colourMap = .heat
      if mean.contours != nil { spread.contours = contours }
      blocks.append(.figure(.init(try mean.picture(), caption: "Ensemble mean of \(look.longName).")))
      blocks.append(
        .figure(.init(try spread.picture(), caption: "Where the members differ: their standard deviation.")))
      if let index = try extremes(item, name, channel: channel) {
        var extreme = MapFigure(
          index.map(Float.init), on: grid, title: "Extreme forecast index of \(look.longName)",
          quantity: "extreme forecast index", units: "1")
        extreme.subtitle = line
        extreme.colourMap = .diverging
        extreme.range = .fixed(low: -1, high: 1)
        blocks.append(
          .figure(
            .init(
              try extreme.picture(),
              caption: "Extreme forecast index: +1 where all members lie above all of the climate, -1 below.")
          ))
      }
    }
    return HTMLReport.Section("A forecast of the ensemble", blocks)
  }

  // MARK: - Scores

  private func scores(_ name: String, _ result: HindcastResult) throws -> HTMLReport.Section {
    let look = shown(name)
    let scores = result.scores
    let leads = scores.leadHours(name)
    func series(_ label: String, _ score: HindcastScore) -> LineChart.Series? {
      let points = leads.compactMap { hours in
        scores.mean(score, at: .init(name, leadHours: hours)).map { (Double(hours), $0 * look.scale) }
      }
      return points.isEmpty ? nil : LineChart.Series(label, x: points.map(\.0), y: points.map(\.1))
    }
    let dates = leads.first.map { scores.cases(at: .init(name, leadHours: $0)).count } ?? 0
    let line = "\(dates) initial times, \(result.members) members"
    var errors = LineChart(
      title: "Error and spread of \(look.longName)",
      series: [
        series("RMSE of the ensemble mean", .rmseMean), series("spread", .spread),
        series("RMSE of the control", .rmseControl), series("persistence", .rmsePersistence),
        series("climatology", .rmseClimatology),
      ].compactMap { $0 }, y: Axis("root mean square", units: look.units, startsAtZero: true))
    errors.subtitle = line
    var crps = LineChart(
      title: "CRPS of \(look.longName)",
      series: [
        series("ensemble (fair CRPS)", .crpsFair), series("control (mean absolute error)", .maeControl),
        series("persistence (mean absolute error)", .maePersistence), series("climatology", .crpsClimatology),
      ].compactMap { $0 }, y: Axis("CRPS", units: look.units, startsAtZero: true))
    crps.subtitle = line
    var figures = [
      HTMLReport.Figure(try errors.picture(), caption: "Spread should equal the error of the mean."),
      HTMLReport.Figure(
        try crps.picture(),
        caption: "Lower is better; for a single forecast the CRPS is its mean absolute error."),
    ]
    let days = leads.filter { [24, 72, 120, 240].contains($0) || (leads.count < 4 && $0 % 24 == 0) }
    if result.members > 1 {
      for hours in days {
        guard let summary = scores.summary(at: .init(name, leadHours: hours)) else { continue }
        // Points correlate over hundreds of kilometres: about (l + 1)^2 of them are independent.
        let independent = Double(dates) * 100
        var ranks = RankHistogramFigure(
          title: "Rank histogram of \(name), +\(hours) h",
          counts: summary.rankHistogram.counts.map(Double.init), independentSamples: independent)
        ranks.subtitle = line
        figures.append(
          .init(
            try ranks.picture(),
            caption:
              "How often the truth ranks at each place among the members; the band takes 100 points of the globe as independent."
          ))
      }
    }
    for spectrum in result.spectra.means(name).suffix(2) {
      let factor = look.scale * look.scale
      var figure = SpectrumFigure(
        title: "Power of \(name) by degree, +\(spectrum.leadHours) h",
        members: [spectrum.members.map { $0 * factor }], mean: spectrum.ensembleMean.map { $0 * factor },
        truth: spectrum.truth.map { $0 * factor }, units: "(\(look.units))²")
      figure.subtitle = "mean over \(spectrum.dates) initial times"
      figures.append(
        .init(
          try figure.picture(),
          caption:
            "Members (their mean power) should follow the truth; the ensemble mean loses what cannot be predicted."
        ))
    }
    let columns: [(String, HindcastScore)] = [
      ("fair CRPS", .crpsFair), ("almost fair CRPS", .crpsAlmostFair), ("spread", .spread),
      ("RMSE of mean", .rmseMean), ("energy score", .energyScore), ("threshold-weighted CRPS", .twcrps),
    ]
    let present = columns.filter { scores.mean($0.1, at: .init(name, leadHours: leads.first ?? 0)) != nil }
    var rows = try ReportTable.scores(
      caption: "Scores of \(look.longName) [\(look.units)]", rowTitle: "Lead time",
      rowNames: leads.filter { $0 % 24 == 0 }.map { "+\($0) h" }, systems: present.map(\.0),
      values: leads.filter { $0 % 24 == 0 }.map { hours in
        present.map { (scores.mean($0.1, at: .init(name, leadHours: hours)) ?? .nan) * look.scale }
      }, better: .none, decimals: 2)
    rows.header += ["spread/skill", "Brier", "ROC area"]
    for (row, hours) in leads.filter({ $0 % 24 == 0 }).enumerated() {
      let summary = scores.summary(at: .init(name, leadHours: hours))
      let extra = [summary?.spreadSkillRatio, summary?[.brier], summary?.rocArea]
      rows.rows[row] += extra.map { value in
        ReportTable.Cell(value.map { $0.isNaN ? "–" : String(format: "%.3f", $0) } ?? "–")
      }
    }
    let threshold = result.threshold.map { " Event: above \($0)." } ?? ""
    return HTMLReport.Section(
      look.longName.prefix(1).uppercased() + look.longName.dropFirst(),
      [.figures(figures), .table(rows)]
        + (threshold.isEmpty ? [] : [.paragraph(threshold.trimmingCharacters(in: .whitespaces))]))
  }

  private func significance(_ result: HindcastResult) -> HTMLReport.Section {
    let words = [
      "rmse_mean": "RMSE of the mean", "crps_fair": "fair CRPS", "rmse_persistence": "persistence",
      "rmse_climatology": "climatology", "mae_control": "control", "crps_climatology": "climatology",
    ]
    let rows = result.channels.flatMap { name in
      result.comparisons(name).filter { $0.leadHours % 24 == 0 }.map { item in
        let look = shown(name)
        func text(_ value: Double) -> String { String(format: "%.3g", value * look.scale) }
        return [
          ReportTable.Cell(name), ReportTable.Cell("+\(item.leadHours) h"),
          ReportTable.Cell(
            "\(words[item.score] ?? item.score) against \(words[item.reference] ?? item.reference)"),
          ReportTable.Cell(text(item.test.difference)),
          ReportTable.Cell("\(text(item.test.lower)) … \(text(item.test.upper))"),
          ReportTable.Cell(String(format: "%.4f", item.test.pValue), isBold: item.test.upper < 0),
        ]
      }
    }
    return HTMLReport.Section(
      "Are the differences real?",
      [
        .paragraph(
          "Differences of scores over the same dates, with 95 % intervals from a paired bootstrap of blocks of "
            + "consecutive dates. Negative: the ensemble is better; bold: significantly so."),
        .table(
          ReportTable(
            header: ["Variable", "Lead time", "Comparison", "Difference", "95 % interval", "p"], rows: rows)),
      ])
  }
}
