import Basics
import FieldIO
import Fields
import Foundation
import Reports
import RunFiles
import Sphere
import Verification

/// The report of a verification: one self-contained HTML file, every number of whose figures is in the NetCDF files
/// beside it.
struct SuiteReport {
  let definition: DiagnosticsFile
  let summaries: [String: [UnitSummary]]
  let grids: [String: LatitudeLongitude]
  let showcases: [String: Showcase]
  let scorecard: Scorecard?
  let files: [String]
  let command: [String]

  func write(_ path: String) throws {
    let first = summaries[definition.variables[0]]?.first?.state
    let dates = summaries.values.joined().map(\.state.dates.count).max() ?? 0
    var report = HTMLReport(
      title: definition.name,
      subtitle:
        "\(first?.members ?? 0) members, \(dates) dates, \(definition.variables.count) variable\(definition.variables.count == 1 ? "" : "s")"
    )
    report.summary = [.table(.facts(facts))]
    if !definition.notes.isEmpty { report.summary.append(.list(definition.notes)) }
    report.summary += try definition.variables.compactMap(table)
    if let scorecard { report.sections.append(comparison(scorecard)) }
    for variable in definition.variables { report.sections.append(try section(variable)) }
    report.provenance = [
      ("Program", "Apus \(apusVersion)"),
      ("Command", shownCommand),
      ("Numbers", files.map { FilePath.name(of: $0) }.joined(separator: ", ")),
    ]
    try WholeFile.write(report.data, to: path)
  }

  /// The command as typed, lists of files that the shell wrote out cut short.
  private var shownCommand: String {
    var words = ["apus"]
    var list: [String] = []
    func close() {
      words += list.count > 3 ? [list[0], "... (\(list.count) files)"] : list
      list = []
    }
    for word in command.dropFirst() {
      if word.hasPrefix("-") {
        close()
        words.append(word)
      } else {
        list.append(word)
      }
    }
    close()
    return words.joined(separator: " ")
  }

  private var facts: [(name: String, value: String)] {
    [
      ("Variables", definition.variables.joined(separator: ", ")),
      ("Regions", definition.regions.map(\.name).joined(separator: ", ")),
      (
        "Intervals",
        "\(Percent.text(definition.bootstrap.confidence)), circular block bootstrap over dates, \(definition.bootstrap.resamples) resamples"
      ),
      (
        "Events",
        definition.events.isEmpty
          ? "none"
          : definition.events.sorted { $0.key < $1.key }.map {
            "\($0.key): \($0.value.joined(separator: ", "))"
          }.joined(separator: "; ")
      ),
    ]
  }

  /// A line of scores, in a band where all have an interval.
  private func series(_ name: String, x: [Double], _ estimates: [Estimate], band: Bool) -> LineChart.Series {
    let hasBand = band && estimates.allSatisfy { $0.lower.isFinite }
    return LineChart.Series(
      name, x: x, y: estimates.map(\.value), lower: hasBand ? estimates.map(\.lower) : [],
      upper: hasBand ? estimates.map(\.upper) : [])
  }

  private func lead(_ unit: UnitSummary) -> String { SuiteReport.lead(unit.state.leadHours) }

  static func lead(_ hours: Double?) -> String {
    hours.map { $0 == $0.rounded() ? "+\(Int($0)) h" : "+\($0) h" } ?? "all times"
  }

  /// Main scores of the first region at up to eight lead times.
  private func table(_ variable: String) throws -> HTMLReport.Block? {
    guard let units = summaries[variable], let first = units.first else { return nil }
    let step = max(1, units.count / 8)
    let chosen = stride(from: step - 1, to: units.count, by: step).map { units[$0] }
    let names = ["rmse_mean", "spread", "crps_fair", "mae_control", "crps_climatology"].filter { name in
      first.columns.place(name).map { !first.estimate($0, region: 0, withInterval: false).value.isNaN }
        ?? false
    }
    let ratio = UnitSummary.combinations[0]
    let values = chosen.map { unit in
      names.map { unit.estimate(unit.columns.place($0) ?? 0, region: 0, withInterval: false).value }
        + [unit.estimate(ratio, region: 0, withInterval: false).value]
    }
    let largest = values.flatMap { $0 }.filter(\.isFinite).map(abs).max() ?? 1
    return .table(
      try .scores(
        caption: "\(variable) [\(first.state.units)], \(definition.regions[0].name)", rowTitle: "Lead time",
        rowNames: chosen.map(lead), systems: names.map { $0.replacing("_", with: " ") } + ["spread/skill"],
        values: values, better: .none, decimals: largest >= 1000 ? 1 : largest >= 10 ? 2 : 3))
  }

  private func section(_ variable: String) throws -> HTMLReport.Section {
    let units = summaries[variable] ?? []
    guard let first = units.first?.state else { return HTMLReport.Section(variable) }
    var figures: [HTMLReport.Figure] = []
    let region = definition.regions[0].name
    let hours = units.compactMap(\.state.leadHours)
    if hours.count == units.count, units.count > 1 {
      func line(_ label: String, _ name: String, band: Bool = false) -> LineChart.Series? {
        let estimates = units.map { unit in
          unit.estimate(unit.columns.place(name) ?? 0, region: 0, withInterval: band)
        }
        guard estimates.contains(where: { $0.value.isFinite }) else { return nil }
        return series(label, x: hours, estimates, band: band)
      }
      func chart(
        _ title: String, _ series: [LineChart.Series?], _ quantity: String, _ unit: String,
        fromZero: Bool = true,
        reference: LineChart.Reference? = nil, _ caption: String
      ) throws {
        let present = series.compactMap { $0 }
        guard !present.isEmpty else { return }
        var figure = LineChart(
          title: title, series: present, y: Axis(quantity, units: unit, startsAtZero: fromZero))
        figure.subtitle = "\(region), \(first.members) members, \(first.dates.count) dates"
        if let reference { figure.references = [reference] }
        if present.contains(where: { !$0.lower.isEmpty }) {
          figure.bandName = "\(Percent.text(definition.bootstrap.confidence)) interval"
        }
        figures.append(.init(try figure.picture(), caption: caption))
      }
      try chart(
        "Error and spread of \(variable)",
        [
          line("RMSE of the mean", "rmse_mean", band: true), line("spread", "spread"),
          line("control", "rmse_control"),
          line("persistence", "rmse_persistence"), line("climatology", "rmse_climatology"),
        ], "root mean square", first.units, "Spread should equal the error of the mean.")
      try chart(
        "CRPS of \(variable)",
        [
          line("fair CRPS", "crps_fair", band: true), line("control (absolute error)", "mae_control"),
          line("climatology", "crps_climatology"),
        ], "CRPS", first.units, "Lower is better.")
      let ratios = definition.regions.indices.map { number in
        let estimates = units.map {
          $0.estimate(UnitSummary.combinations[0], region: number, withInterval: false)
        }
        return LineChart.Series(definition.regions[number].name, x: hours, y: estimates.map(\.value))
      }
      try chart(
        "Spread over error of \(variable)", ratios, "ratio", "1", fromZero: false,
        reference: .init(1, label: "reliable"), "By region; 1 where truth and members are exchangeable.")
      if units.contains(where: { $0.anomalyCorrelation(region: 0, withInterval: false).mean.value.isFinite })
      {
        let series = definition.regions.indices.map { number in
          LineChart.Series(
            definition.regions[number].name, x: hours,
            y: units.map { $0.anomalyCorrelation(region: number, withInterval: false).mean.value })
        }
        try chart(
          "Anomaly correlation of \(variable)", series, "correlation", "1", fromZero: false,
          "Of the ensemble mean; 0.6 is often called the limit of use.")
      }
      try events(variable, units, hours, chart)
    }
    figures += try atOneLead(variable, units)
    return HTMLReport.Section(variable, [.figures(figures)] + (try showcases[variable]?.blocks() ?? []))
  }

  private func events(
    _ variable: String, _ units: [UnitSummary], _ hours: [Double],
    _ chart: (
      _ title: String, _ series: [LineChart.Series?], _ quantity: String, _ unit: String, _ fromZero: Bool,
      _ reference: LineChart.Reference?, _ caption: String
    ) throws -> Void
  ) throws {
    let events = definition.events[variable] ?? []
    guard !events.isEmpty else { return }
    let skill = events.enumerated().map { number, name in
      let combination = UnitSummary.combinations[3]
      return LineChart.Series(
        name, x: hours,
        y: units.map { $0.estimate(combination, event: number, region: 0, withInterval: false).value })
    }
    try chart(
      "Brier skill of events of \(variable)", skill, "fair Brier skill", "1", false,
      .init(0, label: "frequency"),
      "Against the event's own frequency in the sample.")
    let areas = events.enumerated().map { number, name in
      series(name, x: hours, units.map { $0.state.events[0][number].area }, band: events.count <= 3)
    }
    try chart(
      "ROC area of events of \(variable)", areas, "area", "1", false, .init(0.5, label: "no skill"),
      "The chance that an event had the higher probability than a non-event.")
  }

  /// Figures of a few lead times: ranks, reliability, binned spread, spectra, maps.
  private func atOneLead(_ variable: String, _ units: [UnitSummary]) throws -> [HTMLReport.Figure] {
    var figures: [HTMLReport.Figure] = []
    let chosen = units.count <= 2 ? units : [units[units.count / 3], units[units.count - 1]]
    for unit in chosen {
      let state = unit.state
      let when = lead(unit)
      if state.members > 1 {
        var ranks = RankHistogramFigure(
          title: "Rank histogram of \(variable), \(when)",
          counts: RankHistogram.coarsened(state.ranks[0], classes: 101).map(Double.init),
          independentSamples: Double(state.dates.count) * 100)
        let (value, number) = (state.unreliability[0], VerificationReport.number)
        ranks.subtitle =
          "unreliability \(number(value.value))"
          + (value.lower.isFinite ? " (\(number(value.lower)) to \(number(value.upper)))" : "")
        figures.append(
          .init(
            try ranks.picture(),
            caption:
              "How often the truth ranks at each place; the band takes 100 points of the globe as independent."
          ))
      }
      let events = definition.events[variable] ?? []
      if !events.isEmpty {
        func diagram(
          _ title: String, _ series: [LineChart.Series], _ x: String, _ y: String, _ caption: String
        ) throws {
          let diagonal = LineChart.Series("diagonal", x: [0, 1], y: [0, 1])
          var figure = LineChart(
            title: title, series: series + [diagonal], x: Axis(x, units: "1", startsAtZero: true),
            y: Axis(y, units: "1", startsAtZero: true))
          figure.subtitle = "\(definition.regions[0].name), \(state.dates.count) dates"
          figures.append(.init(try figure.picture(), caption: caption))
        }
        try diagram(
          "Reliability of \(variable), \(when)",
          events.enumerated().map { number, name in
            let bins = state.events[0][number].reliability.filter { $0.count > 0 }
            return series(name, x: bins.map(\.probability), bins.map(\.frequency), band: events.count <= 3)
          }, "forecast probability", "observed frequency",
          "On the diagonal where probabilities mean what they say.")
        if state.events[0].contains(where: { $0.indexArea.value.isFinite }) {
          try diagram(
            "ROC of the extreme forecast index of \(variable), \(when)",
            events.enumerated().map { number, name in
              let event = state.events[0][number]
              let curve = event.indexCurve.filter { $0.hitRate.isFinite && $0.falseAlarmRate.isFinite }
              return LineChart.Series(
                String(format: "%@, area %.2f", name, event.indexArea.value), x: curve.map(\.falseAlarmRate),
                y: curve.map(\.hitRate))
            }, "false alarm rate", "hit rate",
            "Where the index calls the event from 1, 0.9 ... 0 on; its sign turned for events below a threshold."
          )
        }
        try diagram(
          "ROC of \(variable), \(when)",
          events.enumerated().map { number, name in
            let curve = state.events[0][number].curve.filter {
              $0.hitRate.isFinite && $0.falseAlarmRate.isFinite
            }
            return LineChart.Series(name, x: curve.map(\.falseAlarmRate), y: curve.map(\.hitRate))
          }, "false alarm rate", "hit rate",
          "Towards the upper left corner where events are told from non-events.")
      }
      let curve = state.spread[0].filter { $0.share > 0.001 }
      if curve.count > 1 {
        let edge = curve.map { max($0.spread.value, $0.error.value) }.max() ?? 1
        var figure = LineChart(
          title: "Binned spread and error of \(variable), \(when)",
          series: [
            series("points of each spread", x: curve.map(\.spread.value), curve.map(\.error), band: true),
            LineChart.Series("diagonal", x: [0, edge], y: [0, edge]),
          ], x: Axis("spread", units: state.units, startsAtZero: true),
          y: Axis("RMSE of the mean", units: state.units, startsAtZero: true))
        figure.subtitle = "\(definition.regions[0].name), \(state.dates.count) dates"
        figures.append(.init(try figure.picture(), caption: "Does a larger spread announce a larger error?"))
      }
      if let spectra = state.spectra {
        var figure = SpectrumFigure(
          title: "Power of \(variable) by degree, \(when)", members: [spectra.members],
          mean: spectra.ensembleMean,
          truth: spectra.truth, units: "(\(state.units))²")
        figure.subtitle = "mean over \(state.spectraDates) dates"
        figures.append(
          .init(
            try figure.picture(),
            caption: "Members should follow the truth; their mean loses what cannot be predicted."))
        if state.members > 1 {
          let degrees = spectra.truth.count
          var scales = LineChart(
            title: "Spread over error of \(variable) by degree, \(when)",
            series: [
              series(
                "ratio", x: (1..<degrees).map(Double.init),
                Array(state.spectraEstimates.suffix(degrees - 1)), band: true)
            ],
            x: .degree, y: Axis("ratio", units: "1", startsAtZero: true))
          scales.references = [.init(1, label: "reliable")]
          figures.append(
            .init(try scales.picture(), caption: "Whether the ensemble is reliable at each scale."))
        }
      }
    }
    if let last = chosen.last { figures += try maps(variable, last) }
    for unit in chosen { figures += try lastExtremes(variable, unit) }
    return figures
  }

  /// Indices of the last date, with dots where it came true.
  private func lastExtremes(_ variable: String, _ unit: UnitSummary) throws -> [HTMLReport.Figure] {
    guard let place = grids[variable], let extremes = try unit.state.lastExtremes(),
      let grid = try? SphereGrid.detect(latitudes: place.latitudes, longitudes: place.longitudes)
    else { return [] }
    return try zip(extremes.names, extremes.fields).map { name, values in
      let words = LastExtremes.longName(name)
      var figure = MapFigure(
        values, on: grid, title: "\(words) of \(variable) and what came, \(lead(unit))", quantity: words,
        units: "1")
      figure.subtitle = unit.state.dates.last?.initial.map { "from \(Instant(seconds: $0))" } ?? ""
      // A tail that has not moved outwards is below 0, nearly everywhere, and says nothing.
      figure.range = name == "efi" ? .fixed(low: -1, high: 1) : .fixed(low: 0, high: 2)
      figure.colourMap = name == "efi" ? .diverging : .heat
      figure.dots = extremes.came(name)
      let side =
        switch name {
        case "sot90": "above the climate's 95th percentile"
        case "sot10": "below the climate's 5th percentile"
        default: "above the climate's 95th or below its 5th percentile"
        }
      return .init(
        try figure.picture(), caption: "Dots where the truth was then \(side): the outcome.")
    }
  }

  private func maps(_ variable: String, _ unit: UnitSummary) throws -> [HTMLReport.Figure] {
    guard let place = grids[variable],
      let grid = try? SphereGrid.detect(latitudes: place.latitudes, longitudes: place.longitudes)
    else { return [] }
    let scores = definition.maps.compactMap(MapScore.named)
    let maps = try unit.state.maps(scores, points: place.pointCount)
    return try scores.enumerated().map { number, score in
      let name = score.name.replacing("_", with: " ")
      var figure = MapFigure(
        maps.mean(number).map { Float($0) }, on: grid, title: "\(name) of \(variable), \(lead(unit))",
        quantity: name, units: score.isPure ? "1" : unit.state.units)
      figure.subtitle = "mean over \(unit.state.dates.count) dates"
      if score.name == "efi" { figure.range = .fixed(low: -1, high: 1) }
      figure.colourMap = ["bias", "efi"].contains(score.name) ? .diverging : .heat
      return .init(try figure.picture(), caption: "\(name), mean over dates.")
    }
  }

  /// The scorecard as a table a region.
  private func comparison(_ scorecard: Scorecard) -> HTMLReport.Section {
    var blocks: [HTMLReport.Block] = [
      .paragraph(
        "Relative difference from the baseline in percent over the same dates; negative is better. Bold: stands at a "
          + "false discovery rate of \(definition.bootstrap.falseDiscoveryRate) among all \(scorecard.entries.count) comparisons."
      )
    ]
    for region in definition.regions.map(\.name) {
      let entries = scorecard.entries.filter { $0.region == region }
      guard !entries.isEmpty else { continue }
      let leads = Set(entries.map(\.leadHours)).sorted { $0 ?? -1 < $1 ?? -1 }
      var seen: Set<String> = []
      let rows: [(String, String, String?)] = entries.compactMap { entry in
        let key = "\(entry.variable) \(entry.score) \(entry.event ?? "")"
        return seen.insert(key).inserted ? (entry.variable, entry.score, entry.event) : nil
      }
      blocks.append(
        .table(
          ReportTable(
            caption: region, header: ["Score"] + leads.map(SuiteReport.lead),
            rows: rows.map { variable, score, event in
              [ReportTable.Cell("\(variable) \(score.replacing("_", with: " ")) \(event ?? "")")]
                + leads.map { lead in
                  // Of a baseline that errs by nothing there are no percents.
                  guard
                    let entry = entries.first(where: {
                      $0.variable == variable && $0.score == score && $0.event == event
                        && $0.leadHours == lead
                    }), entry.percent.isFinite
                  else { return ReportTable.Cell("–") }
                  return ReportTable.Cell(String(format: "%+.1f", entry.percent), isBold: entry.stands)
                }
            }, isNumeric: true)))
    }
    return HTMLReport.Section("Scorecard", blocks)
  }
}
