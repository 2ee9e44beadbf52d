import Fields
import Foundation
import Testing

/// A place where analyses of the small world arrive one by one, and `apus daily` runs.
final class DailyWorld {
  let scratch: Scratch
  private let world: SmallWorld

  /// Analyses up to 13 January are there, as one file.
  /// - Parameter daily: further keys of the section `daily`, one a line.
  init(_ daily: [String] = [], report: Bool = false, members: Bool = true) throws {
    world = try SmallWorld.shared.get()
    scratch = try Scratch()
    try FileManager.default.createDirectory(
      at: scratch.file("incoming"), withIntermediateDirectories: true)
    try SmallWorld.write(
      to: scratch.file("incoming/history.nc").path, hours: (0..<48).map { $0 * 6 } + [288])
    try write(daily, report: report, members: members)
  }

  /// Writes the run file.
  func write(_ daily: [String], report: Bool = false, members: Bool = true) throws {
    let section = (["from: 2026-01-14", "log_file: daily.log"] + daily).map { "  " + $0 }
    var text = world.ensemble(analyses: "incoming/*.nc", output: "out")
      .replacing("initial_times: {from: 2026-01-14, to: 2026-01-15, every_hours: 24}\n", with: "")
    if !members { text = text.replacing("quantise_bits: 14", with: "members: none") }
    if !report { text = text.replacing(#"report: {title: "Small & simple"}"#, with: "") }
    try (text + "\ndaily:\n" + section.joined(separator: "\n") + "\n").write(
      to: scratch.file("daily.yml"), atomically: true, encoding: .utf8)
  }

  /// The four analyses that end at 00 UTC of a day of January, the last one cut off where asked for.
  func deliver(day: Int, part: Double = 1) throws {
    for hour in stride(from: 24 * (day - 1) - 18, through: 24 * (day - 1), by: 6) {
      let file = self.file(hour: hour)
      try SmallWorld.write(to: file.path, hours: [hour])
      if hour == 24 * (day - 1), part < 1 {
        let data = try Data(contentsOf: file)
        try data.prefix(Int(Double(data.count) * part)).write(to: file)
      }
    }
  }

  /// The analysis so many hours after 1 January.
  func file(hour: Int) -> URL {
    scratch.file(
      "incoming/an_\(Instant(year: 2026, month: 1, day: 1).adding(hours: hour).stamp).nc")
  }

  /// `apus daily` at 06 UTC of a day of January.
  func run(day: Int, _ more: [String] = []) throws -> Binary.Outcome {
    try Binary.run(arguments(day: day) + more, in: scratch.directory)
  }

  /// The same, left running.
  func begin(day: Int) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Binary.path)
    process.arguments = arguments(day: day)
    process.currentDirectoryURL = scratch.directory
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func arguments(day: Int) -> [String] {
    ["daily", "daily.yml", "--now", "2026-01-\(day)T06", "--threads", "2"]
  }

  /// Waits until the log says something.
  func waitForLog(_ text: String) throws {
    for _ in 0..<300 {
      if (try? String(contentsOf: scratch.file("daily.log"), encoding: .utf8))?.contains(text) == true {
        return
      }
      usleep(100_000)
    }
    Issue.record("'\(text)' never came into the log")
  }

  /// Published files and their bytes, hidden ones left out.
  func products() throws -> [String: Data] {
    let names = scratch.files.filter { $0.hasPrefix("out/products/") && !$0.contains("/.") }
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: scratch.file($0))) })
  }

  /// Where `latest` points to.
  var latest: String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: scratch.file("out/products/latest").path)
  }
}
