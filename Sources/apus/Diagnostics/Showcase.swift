import Basics
import FieldIO
import Fields
import Foundation
import Reports
import RunFiles
import Sphere
import Verification

/// The last date of a verification, as people look at a forecast: plumes at places and stamp maps of members.
struct Showcase {
  let variable: String
  let units: String
  let initial: Instant?
  let members: [Int]
  /// Lead times [h] of the date, ascending.
  let leadHours: [Double]
  /// Names of the places, and where their grid points lie.
  let places: [(name: String, latitude: Double, longitude: Double)]
  /// [place][lead time][member]
  let plumes: [[[Double]]]
  /// [place][lead time]
  let truth: [[Double]]
  /// Fields of the first members at the last lead time, and the truth's; empty where none are wanted.
  let stamps: [[Float]]
  let stampTruth: [Float]
  let grid: LatitudeLongitude

  /// Reads it; nil where neither plumes nor stamps are wanted.
  init?(_ definition: DiagnosticsFile, _ source: SuiteSource, _ cases: [EnsembleArchive.Case]) throws {
    guard !definition.points.isEmpty || definition.stamps > 0 else { return nil }
    let last = cases.compactMap(\.initial).max()
    let chosen = cases.filter { $0.initial == last }.sorted { ($0.leadHours ?? 0) < ($1.leadHours ?? 0) }
    guard let final = chosen.last else { return nil }
    variable = source.variable
    units = source.units
    initial = last
    members = source.members
    grid = source.grid
    leadHours = chosen.map { $0.leadHours ?? .nan }
    let columns = source.grid.longitudes.count
    func apart(_ a: Double, _ b: Double) -> Double {
      let turn = abs(a - b).truncatingRemainder(dividingBy: 360)
      return min(turn, 360 - turn)
    }
    let nearest = definition.points.map { point in
      let row = source.grid.latitudes.indices.min {
        abs(source.grid.latitudes[$0] - point.latitude) < abs(source.grid.latitudes[$1] - point.latitude)
      }
      let column = source.grid.longitudes.indices.min {
        apart(source.grid.longitudes[$0], point.longitude)
          < apart(source.grid.longitudes[$1], point.longitude)
      }
      return (row: row ?? 0, column: column ?? 0)
    }
    places = zip(definition.points, nearest).map { point, place in
      (point.name, source.grid.latitudes[place.row], source.grid.longitudes[place.column])
    }
    var (plumes, truth) = (
      [[[Double]]](repeating: [], count: nearest.count), [[Double]](repeating: [], count: nearest.count)
    )
    for item in nearest.isEmpty ? [] : chosen {
      let observed = try source.truth(item)
      for (number, place) in nearest.enumerated() {
        // One row is little to read, however many members there are.
        let row = try source.members(item, rows: place.row..<place.row + 1)
        plumes[number].append((0..<row.memberCount).map { row[$0, place.column] })
        truth[number].append(observed[place.row * columns + place.column])
      }
    }
    self.plumes = plumes
    self.truth = truth
    let count = min(definition.stamps, source.members.count)
    if count > 0 {
      let fields = try source.members(final, members: 0..<count)
      stamps = (0..<count).map { fields.member($0).map { Float($0) } }
      stampTruth = try source.truth(final).map { Float($0) }
    } else {
      (stamps, stampTruth) = ([], [])
    }
  }

  /// Writes the plumes; returns the path, nil where there are none.
  func write(_ directory: String) throws -> String? {
    guard !places.isEmpty else { return nil }
    let path = "\(directory)/plumes_\(variable).nc"
    let file = try NetCDFWriter(path)
    try file.identify(
      title: "Plumes of \(variable)\(initial.map { " from \($0)" } ?? "")", history: "apus verify",
      references: "docs/verification.md of Apus")
    try file.dimension("point", places.count)
    try file.dimension("lead_time", leadHours.count)
    try file.dimension("realization", members.count)
    try file.variable("point", .text, ["point"], ["long_name": .text("place")])
    try file.variable(
      "lat", .double, ["point"], ["standard_name": .text("latitude"), "units": .text("degrees_north")])
    try file.variable(
      "lon", .double, ["point"], ["standard_name": .text("longitude"), "units": .text("degrees_east")])
    try file.variable(
      "lead_time", .double, ["lead_time"],
      ["standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours")])
    try file.variable(
      "realization", .int32, ["realization"],
      ["standard_name": .text("realization"), "long_name": .text("member"), "units": .text("1")])
    try file.variable(
      variable, .double, ["point", "lead_time", "realization"],
      ["long_name": .text("\(variable), every member"), "units": .text(units)])
    try file.variable(
      "truth", .double, ["point", "lead_time"],
      ["long_name": .text("\(variable), truth"), "units": .text(units)])
    try file.put("point", places.map(\.name))
    try file.put("lat", places.map(\.latitude))
    try file.put("lon", places.map(\.longitude))
    try file.put("lead_time", leadHours)
    try file.put("realization", members.map { Int32($0) })
    try file.put(variable, plumes.flatMap { $0.flatMap { $0 } })
    try file.put("truth", truth.flatMap { $0 })
    try file.finish()
    return path
  }

  /// Plumes as bands of quantiles, and stamps.
  func blocks() throws -> [HTMLReport.Block] {
    var figures: [HTMLReport.Figure] = []
    for (number, place) in places.enumerated() where leadHours.count > 1 {
      let sorted = plumes[number].map { $0.sorted() }
      func quantile(_ level: Double) -> [Double] {
        sorted.map { values in
          let at = Double(values.count - 1) * level
          let low = Int(at)
          return values[low] + (values[min(low + 1, values.count - 1)] - values[low]) * (at - Double(low))
        }
      }
      var chart = LineChart(
        title: "\(variable) at \(place.name)",
        series: [
          LineChart.Series(
            "median, 10th to 90th percentile", x: leadHours, y: quantile(0.5), lower: quantile(0.1),
            upper: quantile(0.9)),
          LineChart.Series("lowest", x: leadHours, y: sorted.map { $0.first ?? .nan }),
          LineChart.Series("highest", x: leadHours, y: sorted.map { $0.last ?? .nan }),
          LineChart.Series("truth", x: leadHours, y: truth[number]),
        ], y: Axis(variable, units: units))
      chart.bandName = "10th to 90th percentile"
      chart.subtitle = "\(initial.map { "from \($0), " } ?? "")\(members.count) members"
      figures.append(
        .init(
          try chart.picture(),
          caption: String(format: "Grid point %.1f N, %.1f E.", place.latitude, place.longitude)))
    }
    var blocks: [HTMLReport.Block] = figures.isEmpty ? [] : [.figures(figures)]
    guard !stamps.isEmpty,
      let sphere = try? SphereGrid.detect(latitudes: grid.latitudes, longitudes: grid.longitudes)
    else { return blocks }
    let all = (stamps + [stampTruth]).flatMap { $0 }.filter(\.isFinite).sorted()
    guard let low = all.first, let high = all.last, low < high else { return blocks }
    func map(_ values: [Float], _ title: String) throws -> HTMLReport.Figure {
      var figure = MapFigure(values, on: sphere, title: title, quantity: variable, units: units)
      figure.width = 360
      figure.range = .fixed(low: Double(low), high: Double(high))
      return .init(try figure.picture(), caption: title)
    }
    let maps =
      try [map(stampTruth, "truth")]
      + zip(stamps, members).map { try map($0, "member \($1)") }
    let hours = leadHours.last.flatMap { $0.isFinite ? SuiteReport.lead($0) : nil } ?? "last time"
    blocks.append(
      .paragraph(
        "Stamps: \(variable)\(initial.map { " from \($0)" } ?? ""), \(hours), one scale of colours."
      ))
    blocks.append(.figures(maps))
    return blocks
  }
}
