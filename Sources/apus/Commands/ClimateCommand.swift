import ArgumentParser
import Basics
import FieldIO
import Fields
import Foundation
import Sphere
import Verification

struct ClimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "climate",
    abstract: "Compute the climate of an archive or a model: a sample of states, or quantiles by season.",
    subcommands: [ClimateSampleCommand.self, ClimateQuantilesCommand.self, ClimateStatesCommand.self],
    defaultSubcommand: ClimateSampleCommand.self)
}

struct ClimateSampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Compute a climatology file from an archive: sample, mean, standard deviation, normalisation.")

  @Option(name: .long, parsing: .upToNextOption, help: "Files of the archive; globs work.")
  var files: [String]

  @Option(name: .long, parsing: .upToNextOption, help: "Channels, for example z500 msl.")
  var channels: [String]

  @Option(help: "Grid description, for example grids/gaussian_48x96.txt.")
  var grid: String

  @Option(help: "Degrees l kept, exclusive; by default all that the grid holds.")
  var degrees: Int?

  @Option(help: "First moment used.")
  var from: Instant?

  @Option(help: "Last moment used.")
  var to: Instant?

  @Option(help: "Hours between two states of the sample.")
  var everyHours = 24

  @Option(help: "Hours of a network's step, for the normalisation's tendencies.")
  var stepHours = 6

  @Option(help: ArgumentHelp("The file to write.", valueName: "climate.nc"))
  var output: String

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let twice = Set(channels).first(where: { name in channels.count(where: { $0 == name }) > 1 }) {
      throw ValidationError("--channels names \(twice) twice.")
    }
    guard everyHours > 0, stepHours > 0, everyHours % stepHours == 0 else {
      throw ValidationError("--every-hours must be a multiple of --step-hours, both above 0.")
    }
    if let degrees, degrees < 1 { throw ValidationError("--degrees must be 1 or more.") }
  }

  func run() throws {
    try OutputPath.require(output, apartFrom: files + [grid])
    let grid = try GridDescription.read(grid)
    let archive = try Archive(
      files, channels: channels, grid: grid, degrees: degrees ?? grid.defaultDegreeCount)
    let times = try archive.regularTimes(from: from, to: to, stepHours: stepHours)
    let states = try archive.load(times, threads: threads.count)
    var sums = NormalisationSums(channels: channels, grid: grid)
    try sums.add(states, times: times.count, threads: threads.count)
    let normalisation = try sums.normalisation()
    let chosen = stride(from: 0, to: times.count, by: everyHours / stepHours).map { $0 }
    let points = grid.pointCount

    let file = try NetCDFWriter(output)
    let (first, last) = (times[0], times[times.count - 1])
    try file.identify(
      title: "Climatology \(first) to \(last)", source: archive.files.joined(separator: ", "),
      history: "apus climate", references: "Apus \(apusVersion)",
      comment:
        "Sample of states every \(everyHours) h, spectrally truncated to degrees l < \(archive.degrees)")
    try file.dimension("sample", chosen.count)
    try file.grid(latitudes: grid.latitudes, longitudes: grid.longitudes)
    try file.variable(
      "sample", .double, ["sample"],
      [
        "long_name": .text("time of the state"), "units": .text(TimeCoordinate.units),
        "calendar": .text("proleptic_gregorian"), "standard_name": .text("time"),
      ])
    for (index, channel) in channels.enumerated() {
      let known = ChannelCatalogue.channel(channel)
      try file.variable(
        channel, .float, ["sample", "lat", "lon"],
        ["long_name": .text(known?.longName ?? channel), "units": .text(archive.units[index])])
      if let standard = known?.standardName {
        try file.attribute("standard_name", .text(standard), variable: channel)
      }
      for (name, value) in [
        ("normalisation_mean", normalisation.mean[index]),
        ("normalisation_standard_deviation", normalisation.deviation[index]),
        ("normalisation_tendency_standard_deviation", normalisation.tendencyDeviation[index]),
      ] {
        try file.attribute(name, .doubles([value]), variable: channel)
      }
      for (suffix, words) in [("mean", "mean"), ("standard_deviation", "standard deviation")] {
        try file.variable(
          "\(channel)_\(suffix)", .double, ["lat", "lon"],
          [
            "long_name": .text("\(known?.longName ?? channel), \(words) of the sample"),
            "units": .text(archive.units[index]), "cell_methods": .text("time: \(suffix)"),
          ])
      }
    }
    try file.put("sample", TimeCoordinate.values(chosen.map { times[$0] }))
    for (index, channel) in channels.enumerated() {
      var sample: [Float] = []
      for time in chosen {
        let start = (time * channels.count + index) * points
        sample += states[start..<start + points]
      }
      try file.put(channel, sample)
      let quantiles = try ClimateQuantiles(
        EnsembleValues(sample, members: chosen.count), threads: threads.count)
      try file.put("\(channel)_mean", quantiles.mean)
      try file.put("\(channel)_standard_deviation", quantiles.standardDeviation)
    }
    try file.finish()
    print("\(output): \(chosen.count) states, \(first) to \(last)")
    for (index, channel) in channels.enumerated() {
      print(
        channel.padding(toLength: 8, withPad: " ", startingAt: 0)
          + String(
            format: "mean %.6g, standard deviation %.5g, of %d h tendencies %.5g ", normalisation.mean[index],
            normalisation.deviation[index], stepHours, normalisation.tendencyDeviation[index])
          + archive.units[index])
    }
  }
}
