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
    try file.identify(
      title: "\(definition.name): \(title) of \(variable)", history: "apus verify",
      references: "docs/verification.md of Apus names every formula and its source")
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
        "Area means with weights cos(latitude). NAME is over all dates (roots after means), NAME_lower and NAME_upper its \(Percent.text(definition.bootstrap.confidence)) interval from a circular block bootstrap over dates, NAME_by_date each date's own value (roots taken)."
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
    let variables = ScoreVariables(file, confidence: definition.bootstrap.confidence)
    /// A score with its interval and, where there are dates, its values by date.
    func addEstimates(
      _ name: String, _ longName: String, _ unit: String, event: Bool,
      _ estimate: (UnitSummary, Int, Int?) -> Estimate,
      _ byDate: ((UnitSummary, Int, Int?) -> [Double])?
    ) throws {
      let outer: [Int?] = event ? events.indices.map { $0 } : [nil]
      let dimensions = (event ? ["event"] : []) + ["region", "lead_time"]
      let estimates = outer.flatMap { number in
        regions.indices.flatMap { region in units.map { estimate($0, region, number) } }
      }
      guard estimates.contains(where: { !$0.value.isNaN }) else { return }
      try variables.add(name, dimensions, longName, unit, estimates)
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
      try variables.add(
        name + "_by_date", dimensions + ["initial_time"], "\(longName), by initial time", unit, values)
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
    try PooledProducts(
      definition: definition, variable: variable, units: units.map(\.state), file: file, variables: variables
    ).define()
    try file.put("region", regions)
    try file.put("lead_time", units.map { $0.state.leadHours ?? .nan })
    if !dates.isEmpty {
      try file.put("initial_time", TimeCoordinate.values(dates.map { Instant(seconds: $0) }))
    }
    if !events.isEmpty { try file.put("event", events) }
    try variables.put()
    try file.finish()
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
