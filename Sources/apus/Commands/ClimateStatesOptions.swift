import ArgumentParser
import Basics
import FieldIO
import Fields

/// Which states make a climate, and how it is parted: for `apus climate quantiles` and `states`.
struct ClimateStatesOptions: ParsableArguments {
  @Option(name: .long, parsing: .upToNextOption, help: "Files of the archive; globs work.")
  var files: [String] = []

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Instead: files of 'apus climate states', which are merged; they bring their own calendar.")
  var states: [String] = []

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Variables, for example t2m z500; with --states all of the first file unless given.")
  var variables: [String] = []

  @Option(help: "month: calendar months; window: days of the year about every tenth one. [default: month]")
  var calendar: ClimateRecords.Calendar?

  @Option(help: "Days on either side of a window's middle. [default: 15]")
  var windowDays: Int?

  @Option(help: "Days from one window's middle to the next. [default: 10]")
  var everyDays: Int?

  @Flag(help: "Files are forecasts: a climate for each lead time.")
  var byLeadTime = false

  @Option(help: "First moment used.")
  var from: Instant?

  @Option(help: "Last moment used.")
  var to: Instant?

  @Option(help: "Most memory for states [10^6 bytes].")
  var memoryMegabytes = 768

  func validate() throws {
    guard files.isEmpty != states.isEmpty else {
      throw ValidationError("Give either --files of an archive or --states of 'apus climate states'.")
    }
    if !states.isEmpty {
      let stray = [
        ("--calendar", calendar != nil), ("--window-days", windowDays != nil),
        ("--every-days", everyDays != nil),
        ("--by-lead-time", byLeadTime), ("--from", from != nil), ("--to", to != nil),
      ].first { $0.1 }
      if let stray {
        throw ValidationError("\(stray.0) has no effect with --states: they were parted when they were kept.")
      }
    } else if variables.isEmpty {
      throw ValidationError("--files needs --variables, for example t2m z500.")
    }
    guard (0...182).contains(windowDays ?? 15) else {
      throw ValidationError("--window-days must be 0 to 182.")
    }
    guard (1...182).contains(everyDays ?? 10) else { throw ValidationError("--every-days must be 1 to 182.") }
    guard (1...10_000_000).contains(memoryMegabytes) else {
      throw ValidationError("--memory-megabytes must be 1 to 10000000.")
    }
  }

  /// Paths and globs of all that is read.
  var inputs: [String] { files + states }

  /// Opens the files.
  func open() throws -> any ClimateStates {
    guard states.isEmpty else { return try StateFiles(try FileList.expand(states), variables: variables) }
    return try ArchiveStates(
      files: try FileList.expand(files), variables: variables,
      records: ClimateRecords(
        calendar: calendar ?? .month, windowDays: windowDays ?? 15, everyDays: everyDays ?? 10),
      byLeadTime: byLeadTime, from: from, to: to)
  }

  /// Says what was written.
  static func report(_ output: String, _ summaries: [ClimateSummary]) {
    for item in summaries {
      print(
        "\(output): \(item.variable), \(item.parts) parts of \(item.fewest)"
          + (item.most > item.fewest ? " to \(item.most)" : "") + " states")
    }
  }
}

extension ClimateRecords.Calendar: ExpressibleByArgument {}
