import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import RunFiles
import Sphere
import Verification

/// The files of a run's products beside mean, spread, minimum and maximum, as CF NetCDF.
struct ProductFiles {
  let setup: EnsembleSetup
  let layout: ProductLayout

  /// What a file holds.
  enum Kind: String, CaseIterable {
    case extremeMembers = "extreme_members"
    case probabilities, quantiles, efi, distribution, spectra, plumes
    case memberErrors = "member_errors"

    /// Whether its numbers belong to the grid's points.
    var holdsFields: Bool {
      switch self {
      case .extremeMembers, .probabilities, .quantiles, .efi, .distribution: true
      case .spectra, .plumes, .memberErrors: false
      }
    }
  }

  /// The kinds that the run file asks for.
  var kinds: [Kind] {
    let section = layout.section
    return Kind.allCases.filter { kind in
      switch kind {
      case .extremeMembers: true
      case .probabilities: !section.thresholds.isEmpty
      case .quantiles, .efi: section.quantiles
      case .distribution: section.distribution
      case .spectra: section.spectra
      case .plumes: !section.points.isEmpty
      case .memberErrors: section.memberErrors
      }
    }
  }

  /// Where a kind lies.
  func path(_ kind: Kind, at time: Instant) -> String {
    "\(setup.directory.path)/products/\(kind.rawValue)_\(time.stamp).nc"
  }

  /// All files of an initial time.
  func paths(at time: Instant) -> [String] { kinds.map { path($0, at: time) } }

  /// Writes them.
  func write(_ products: EnsembleProducts) throws {
    for kind in kinds {
      switch kind {
      case .extremeMembers: try writeExtremeMembers(products)
      case .probabilities: try writeProbabilities(products)
      case .quantiles: try writeQuantiles(products)
      case .efi: try writeExtremeForecastIndex(products)
      case .distribution: try writeDistribution(products)
      case .spectra: try writeSpectra(products)
      case .plumes: try writePlumes(products)
      case .memberErrors: try writeMemberErrors(products)
      }
    }
  }

  private func start(_ kind: Kind, _ products: EnsembleProducts, leads: [Int]) throws -> (
    NetCDFWriter, ForecastAxes
  ) {
    let file = try NetCDFWriter(path(kind, at: products.initialTime))
    let hours = leads.map { products.leadHours[$0] }
    let axes =
      kind.holdsFields
      ? ForecastAxes(initialTime: products.initialTime, leadHours: hours, grid: products.grid)
      : ForecastAxes(initialTime: products.initialTime, leadHours: hours)
    let words = kind.rawValue.replacing("_", with: " ")
    try file.attribute("Conventions", .text("CF-1.8"))
    for (name, value) in setup.store.provenance("ensemble \(words)") { try file.attribute(name, value) }
    try file.attribute("members", .integers([Int32(products.members)]))
    try axes.define(in: file)
    return (file, axes)
  }

  private static let coordinates: (String, NetCDFAttribute) = (
    "coordinates", .text("forecast_period forecast_reference_time")
  )

  private func variable(
    _ file: NetCDFWriter, _ name: String, _ type: NetCDFType, _ dimensions: [String], _ words: String,
    _ units: String, _ extra: [(String, NetCDFAttribute)] = []
  ) throws {
    try file.variable(name, type, dimensions)
    let attributes: [(String, NetCDFAttribute)] = [("long_name", .text(words)), ("units", .text(units))]
    for (key, value) in attributes + extra { try file.attribute(key, value, variable: name) }
  }

  private func writeExtremeMembers(_ products: EnsembleProducts) throws {
    let (file, axes) = try start(.extremeMembers, products, leads: Array(products.leadHours.indices))
    let points = products.grid.pointCount
    for (word, values) in [("minimum", products.minimumMember), ("maximum", products.maximumMember)] {
      for (channel, name) in products.channels.enumerated() {
        try variable(
          file, "\(name)_\(word)_member", .int32, ["time", "lat", "lon"],
          "number of the member that has the \(word) of \(name), the lowest of equals", "1",
          [Self.coordinates])
        let series = products.leadHours.indices.flatMap { lead in
          let first = (lead * products.channels.count + channel) * points
          return values[first..<first + points]
        }
        try file.put("\(name)_\(word)_member", series)
      }
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func writeProbabilities(_ products: EnsembleProducts) throws {
    let leads = layout.countedLeads
    let (file, axes) = try start(.probabilities, products, leads: leads)
    for (channel, name) in products.channels.enumerated() {
      for (index, rule) in layout.thresholds(of: name).enumerated() {
        let label = "\(name)_above_\(index)"
        try variable(
          file, label, .float, ["time", "lat", "lon"], "probability of \(name) above \(rule.text)", "1",
          [("threshold", .text(rule.text)), Self.coordinates])
        try file.put(
          label,
          leads.flatMap { lead in
            products.above(lead: lead, channel: channel, bound: index).map {
              Float($0) / Float(products.members)
            }
          })
      }
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func writeQuantiles(_ products: EnsembleProducts) throws {
    let leads = layout.countedLeads
    let (file, axes) = try start(.quantiles, products, leads: leads)
    let levels = ClimateQuantiles.evenCount
    try file.dimension("quantile", levels)
    try variable(file, "quantile", .double, ["quantile"], "level of the climate's quantile", "1")
    try file.put("quantile", (0..<levels).map { Double($0) / Double(levels - 1) })
    try writeCounts(file, products, leads, axis: "quantile", count: levels, words: "the climate's quantile") {
      layout.firstQuantile($0)
    }
    try axes.put(in: file)
    try file.finish()
  }

  /// Members above each of `count` bounds, (time, axis, lat, lon).
  private func writeCounts(
    _ file: NetCDFWriter, _ products: EnsembleProducts, _ leads: [Int], axis: String, count: Int,
    words: String,
    first: (String) -> Int
  ) throws {
    let (rows, columns) = (products.grid.latitudeCount, products.grid.longitudeCount)
    for (channel, name) in products.channels.enumerated() {
      let label = "\(name)_above"
      try variable(
        file, label, .int32, ["time", axis, "lat", "lon"], "members whose \(name) is above \(words)", "1",
        [Self.coordinates])
      for (place, lead) in leads.enumerated() {
        let counts = (0..<count).flatMap {
          products.above(lead: lead, channel: channel, bound: first(name) + $0).map { Int32($0) }
        }
        try file.put(label, counts, start: [place, 0, 0, 0], count: [1, count, rows, columns])
      }
    }
  }

  private func writeExtremeForecastIndex(_ products: EnsembleProducts) throws {
    let leads = layout.countedLeads
    let (file, axes) = try start(.efi, products, leads: leads)
    let points = products.grid.pointCount
    for (channel, name) in products.channels.enumerated() {
      let first = layout.firstQuantile(name)
      try variable(
        file, "\(name)_efi", .float, ["time", "lat", "lon"], "extreme forecast index of \(name)", "1",
        [Self.coordinates])
      let values = leads.flatMap { lead -> [Float] in
        let counts = (0..<ClimateQuantiles.evenCount).map {
          products.above(lead: lead, channel: channel, bound: first + $0)
        }
        return (0..<points).map { point in
          Float(
            ExtremeForecastIndex.standard.value { 1 - Double(counts[$0][point]) / Double(products.members) })
        }
      }
      try file.put("\(name)_efi", values)
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func writeDistribution(_ products: EnsembleProducts) throws {
    let leads = layout.countedLeads
    let (file, axes) = try start(.distribution, products, leads: leads)
    let count = 2 * DistributionLadder.side + 1
    try file.dimension("step", count)
    try variable(file, "step", .int32, ["step"], "step of the ladder of distances from the control", "1")
    try file.put("step", (-DistributionLadder.side...DistributionLadder.side).map { Int32($0) })
    let (control, points) = (products.control, products.grid.pointCount)
    for (channel, name) in products.channels.enumerated() {
      try variable(
        file, "\(name)_distance", .float, ["step"], "distance of \(name) from the control",
        layout.units[channel])
      let offsets = products.bounds.rows[leads[0] * products.channels.count + channel]
        .dropFirst(layout.firstDistance(name)).map { bound -> Float in
          if case .aboveControl(let offset) = bound { offset } else { .nan }
        }
      try file.put("\(name)_distance", Array(offsets))
      try variable(
        file, "\(name)_control", .float, ["time", "lat", "lon"], "control forecast of \(name)",
        layout.units[channel], [Self.coordinates])
      try file.put(
        "\(name)_control",
        leads.flatMap { lead in
          let first = (lead * products.channels.count + channel) * points
          return control[first..<first + points]
        })
    }
    try writeCounts(
      file, products, leads, axis: "step", count: count, words: "the control plus the step's distance"
    ) { layout.firstDistance($0) }
    try axes.put(in: file)
    try file.finish()
  }

  private func writeSpectra(_ products: EnsembleProducts) throws {
    let (file, axes) = try start(.spectra, products, leads: Array(products.leadHours.indices))
    let degrees = setup.checkpoints[0].degrees
    try file.dimension("degree", degrees)
    try variable(file, "degree", .int32, ["degree"], "degree l of the spherical harmonics", "1")
    try file.put("degree", (0..<degrees).map { Int32($0) })
    for (channel, name) in products.channels.enumerated() {
      try variable(
        file, "\(name)_power", .double, ["time", "degree"],
        "members' mean power of \(name) per harmonic: mean over orders of squared orthonormal coefficients, degree 0 left out",
        "(\(layout.units[channel]))2", [Self.coordinates])
      try file.put(
        "\(name)_power",
        products.leadHours.indices.flatMap { lead in
          products.power(lead: lead, channel: channel).enumerated().map { $1 / Double(2 * $0 + 1) }
        })
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func writePlumes(_ products: EnsembleProducts) throws {
    let (file, axes) = try start(.plumes, products, leads: Array(products.leadHours.indices))
    let places = layout.section.points
    try putMembers(file, products.members)
    try file.dimension("point", places.count)
    try file.variable("point_name", .text, ["point"], ["long_name": .text("name of the point")])
    try file.put("point_name", places.map(\.name))
    try variable(
      file, "point_lat", .double, ["point"], "latitude of the point", "degrees_north",
      [("standard_name", .text("latitude"))])
    try file.put("point_lat", places.map(\.latitude))
    try variable(
      file, "point_lon", .double, ["point"], "longitude of the point", "degrees_east",
      [("standard_name", .text("longitude"))])
    try file.put("point_lon", places.map(\.longitude))
    for (channel, name) in products.channels.enumerated() {
      try variable(
        file, name, .float, ["time", "realization", "point"], "\(name), interpolated bilinearly",
        layout.units[channel],
        [
          (
            "coordinates",
            .text("point_name point_lat point_lon forecast_period forecast_reference_time")
          )
        ])
      try file.put(
        name,
        products.leadHours.indices.flatMap { lead in
          let columns = places.indices.map { numbers(products, block: $0, lead, channel) }
          return (0..<products.members).flatMap { member in columns.map { $0[member] } }
        })
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func writeMemberErrors(_ products: EnsembleProducts) throws {
    let (file, axes) = try start(.memberErrors, products, leads: Array(products.leadHours.indices))
    try putMembers(file, products.members)
    let places = layout.section.points.count
    for (channel, name) in products.channels.enumerated() {
      try variable(
        file, "\(name)_rmse", .float, ["time", "realization"],
        "root-mean-square error of \(name) over the globe, weighted with cos(latitude)",
        layout.units[channel],
        [("_FillValue", .floats([.nan])), Self.coordinates])
      try file.put(
        "\(name)_rmse",
        products.leadHours.indices.flatMap { numbers(products, block: places, $0, channel) })
    }
    try axes.put(in: file)
    try file.finish()
  }

  private func putMembers(_ file: NetCDFWriter, _ count: Int) throws {
    try file.dimension("realization", count)
    try variable(
      file, "realization", .int32, ["realization"], "member", "1", [("standard_name", .text("realization"))])
    try file.put("realization", (0..<count).map { Int32($0) })
  }

  /// A number of every member's row: of a block of [lead time][channel], one lead time and channel.
  private func numbers(_ products: EnsembleProducts, block: Int, _ lead: Int, _ channel: Int) -> [Float] {
    let (leads, channels) = (products.leadHours.count, products.channels.count)
    let place = (block * leads + lead) * channels + channel
    return (0..<products.members).map { products.memberRows.pointer[$0 * layout.memberRowLength + place] }
  }
}
