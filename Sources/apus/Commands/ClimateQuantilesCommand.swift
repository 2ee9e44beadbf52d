import ArgumentParser
import Basics
import FieldIO
import Fields

struct ClimateQuantilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantiles",
    abstract: "Write quantiles by season and hour, for climate: {file: ...} of a definition of diagnostics.",
    discussion: """
      Of analyses, or with --by-lead-time of a model's own forecasts, whose members all count. Quantiles are \
      exact: the 101 even ones and 0.0001, 0.001, 0.999, 0.9999. Fields stay on their own grid; rows are read in \
      parts that fit in memory.
      """)

  @Option(name: .long, parsing: .upToNextOption, help: "Files of the archive; globs work.")
  var files: [String]

  @Option(name: .long, parsing: .upToNextOption, help: "Variables, for example t2m z500.")
  var variables: [String]

  @Option(help: "month: calendar months; window: days of the year about every tenth one.")
  var calendar = ClimateRecords.Calendar.month

  @Option(help: "Days on either side of a window's middle.")
  var windowDays = 15

  @Option(help: "Days from one window's middle to the next.")
  var everyDays = 10

  @Flag(help: "Files are forecasts: a climate for each lead time.")
  var byLeadTime = false

  @Option(help: "First moment used.")
  var from: Instant?

  @Option(help: "Last moment used.")
  var to: Instant?

  @Option(help: "Most memory for states [10^6 bytes].")
  var memoryMegabytes = 768

  @Option(help: ArgumentHelp("The file to write.", valueName: "climate.nc"))
  var output: String

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard (0...182).contains(windowDays) else { throw ValidationError("--window-days must be 0 to 182.") }
    guard (1...182).contains(everyDays) else { throw ValidationError("--every-days must be 1 to 182.") }
    guard memoryMegabytes > 0 else { throw ValidationError("--memory-megabytes must be 1 or more.") }
  }

  func run() throws {
    let climate = QuantileClimate(
      files: try FileList.expand(files), variables: variables,
      records: ClimateRecords(calendar: calendar, windowDays: windowDays, everyDays: everyDays),
      byLeadTime: byLeadTime, from: from, to: to, memoryMegabytes: memoryMegabytes, threads: threads.count)
    for item in try climate.write(output) {
      print(
        "\(output): \(item.variable), \(item.records) parts of \(item.fewest)"
          + (item.most > item.fewest ? " to \(item.most)" : "") + " states")
    }
  }
}

extension ClimateRecords.Calendar: ExpressibleByArgument {}
