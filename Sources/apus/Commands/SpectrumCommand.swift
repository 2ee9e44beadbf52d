import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Sphere
import Verification

struct SpectrumCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract: "Power per degree of a field on the sphere, for every time and member.",
    discussion: """
      The grid must be global: Gaussian, or regular with both poles. The power of degree l is \
      (|a_l0|^2 + 2 sum_m |a_lm|^2) / (2 l + 1), the mean square per harmonic; the sum of (2 l + 1) times \
      it over 4 pi is the field's mean square.
      """)

  @Argument(help: "A NetCDF file.")
  var file: String

  @Option(help: "The variable; z500 also finds z on pressure levels.")
  var variable: String

  @Option(help: "standard, or hens: counts m = 0 twice as the scripts of HENS do.")
  var convention = PowerSpectrum.Convention.standard

  @Option(help: "Degrees l to compute, from 0; by default as many as the grid transforms exactly.")
  var degrees: Int?

  @Option(help: "The file to write.")
  var output: String

  @OptionGroup var result: ResultOptions

  func run() throws {
    try OutputPath.require(output, apartFrom: [file])
    let archive = try EnsembleArchive([file], variable: variable)
    let grid = try SphereGrid.detect(
      latitudes: archive.grid.latitudes, longitudes: archive.grid.longitudes, file: file)
    let count = degrees ?? grid.defaultDegreeCount
    guard (1...grid.latitudeCount).contains(count) else {
      throw ApusError(
        .usage, "number of degrees does not fit the grid", found: "\(count)",
        expected: "1...\(grid.latitudeCount)")
    }
    let transform = SphericalTransform<Double>(grid: grid, degrees: count)
    let units = archive.units ?? "1"
    let writer = try NetCDFWriter(output)
    try writer.dimension("time", archive.cases.count)
    try writer.dimension("realization", archive.members.count)
    try writer.dimension("degree", count)
    try ScoreFile.writeTimes(archive, to: writer)
    try writer.variable(
      "realization", .int32, ["realization"],
      ["standard_name": .text("realization"), "units": .text("1")])
    try writer.put("realization", archive.members.map { Int32($0) })
    try writer.variable("degree", .int32, ["degree"], ["long_name": .text("degree l"), "units": .text("1")])
    try writer.put("degree", (0..<count).map { Int32($0) })
    try writer.variable(
      "wavelength", .double, ["degree"],
      ["long_name": .text("2 pi R / (l + 1), R = 6371 km"), "units": .text("km")])
    try writer.put("wavelength", (0..<count).map { 2 * Double.pi * 6371 / Double($0 + 1) })
    for (name, dimensions, words) in [
      ("power", ["time", "realization", "degree"], "power per degree of each member"),
      ("power_of_mean", ["time", "degree"], "power per degree of the ensemble mean"),
    ] {
      try writer.variable(
        name, .double, dimensions,
        [
          "long_name": .text("\(words), \(convention.rawValue) convention"),
          "units": .text(SpectrumCommand.squared(units)), "_FillValue": .doubles([.nan]),
        ])
    }
    let now = Instant(seconds: Int(Date().timeIntervalSince1970))
    try writer.identify(
      title: "power spectra of \(variable)",
      history: "\(now) " + (["apus"] + CommandLine.arguments.dropFirst()).joined(separator: " "),
      references: "docs/verification.md of Apus")
    var sums = [Double](repeating: 0, count: count)
    var (complete, incomplete) = (0, 0)
    for (place, item) in archive.cases.enumerated() {
      try StopFlag.check(StopFlag.nothingWritten)
      let members = EnsembleValues(try archive.values(item), members: archive.members.count)
      let spectra = try EnsembleSpectra(members, transform: transform, convention: convention)
      try writer.put(
        "power", spectra.members.flatMap { $0 }, start: [place, 0, 0],
        count: [1, archive.members.count, count])
      try writer.put("power_of_mean", spectra.ensembleMean, start: [place, 0], count: [1, count])
      for power in spectra.members {
        guard !power[0].isNaN else {
          incomplete += 1
          continue
        }
        complete += 1
        for l in 0..<count { sums[l] += power[l] }
      }
    }
    guard complete > 0 else {
      throw ApusError(
        .badData, "every field has missing values", file: file, variable: variable,
        advice: "Fill them first, for example with: cdo setmisstonn.")
    }
    try writer.finish()
    try result.show(
      SpectrumReport(
        variable: variable, units: SpectrumCommand.squared(units), convention: convention.rawValue,
        output: output, fields: complete, incompleteFields: incomplete,
        power: sums.map { $0 / Double(complete) }))
  }

  /// `K` becomes `K2`, `m s-1` becomes `m2 s-2`.
  static func squared(_ units: String) -> String {
    let canonical = Units.canonical(units)
    guard canonical != "1", canonical != "%" else { return canonical == "1" ? "1" : "%2" }
    return canonical.split(separator: " ").map { factor in
      let base = factor.prefix { $0.isLetter }
      let power = factor.dropFirst(base.count)
      let number = power.isEmpty ? 1 : Int(power) ?? 1
      return "\(base)\(2 * number)"
    }.joined(separator: " ")
  }
}

extension PowerSpectrum.Convention: ExpressibleByArgument {}

/// What `apus spectrum` prints: the mean over all fields.
struct SpectrumReport: Encodable, CustomStringConvertible {
  let variable: String
  let units: String
  let convention: String
  let output: String
  let fields: Int
  /// Fields with missing values, which are left out.
  let incompleteFields: Int
  let power: [Double]

  var description: String {
    let left = incompleteFields > 0 ? " (\(incompleteFields) with missing values left out)" : ""
    var lines = [
      "\(variable) [\(units)], mean of \(fields) fields\(left), \(convention)",
      "degree  wavelength [km]  power",
    ]
    var l = 1
    var shown = [0]
    while l < power.count {
      shown.append(l)
      l = l < 4 ? l + 1 : l * 3 / 2
    }
    if shown.last != power.count - 1 { shown.append(power.count - 1) }
    for l in shown {
      lines.append(String(format: "%6d  %15.0f  %.4g", l, 2 * Double.pi * 6371 / Double(l + 1), power[l]))
    }
    return (lines + ["wrote   \(output)"]).joined(separator: "\n")
  }
}
