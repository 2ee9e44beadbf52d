import Basics
import Fields

/// What `apus daily` does beside the forecasts: when they are due, what it waits for, where they are
/// published, and how long they are kept. Every key, its default and range: docs/run-files.md.
public struct DailySection: Sendable, Hashable, Encodable {
  /// Where finished dates are published; nil: `products` in the run directory. Relative to the current
  /// directory.
  public var productDirectory: String?
  /// Hours of the day (UTC) that forecasts start at, ascending.
  public var analysisHours: [Int]
  /// An analysis is due so many hours after its time [h].
  public var delayHours: Int
  /// No date before it is made unasked; nil: `catchUpDays` alone decides.
  public var from: Instant?
  /// Missed dates of so many days before the newest one are made, too.
  public var catchUpDays: Int
  /// How long to wait for the newest analysis [minutes].
  public var waitMinutes: Int
  /// How often to look for it [s].
  public var pollSeconds: Int
  /// Dates so many days older than the newest published one are removed; nil: none.
  public var keepDays: Int?
  /// Only so many dates are kept, the newest ones; nil: all.
  public var keepRuns: Int?
  /// The log lines are appended to this file; nil: they go to standard error.
  public var logFile: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case from
    case productDirectory = "product_directory"
    case analysisHours = "analysis_hours"
    case delayHours = "delay_hours"
    case catchUpDays = "catch_up_days"
    case waitMinutes = "wait_minutes"
    case pollSeconds = "poll_seconds"
    case keepDays = "keep_days"
    case keepRuns = "keep_runs"
    case logFile = "log_file"
  }

  init(_ section: Section<CodingKeys>) throws {
    productDirectory = try section.optionalString(.productDirectory)
    let hours = try section.wholeNumbers(.analysisHours, in: 0...23) ?? [0]
    guard !hours.isEmpty, Set(hours).count == hours.count else {
      throw section.refuse(
        .analysisHours, "empty list, or an hour given twice", expected: "for example [0, 12]")
    }
    analysisHours = hours.sorted()
    delayHours = try section.integer(.delayHours, in: 0...8760, default: 0)
    from = try section.optionalInstant(.from)
    catchUpDays = try section.integer(.catchUpDays, in: 0...366, default: 3)
    waitMinutes = try section.integer(.waitMinutes, in: 0...1440, default: 0)
    pollSeconds = try section.integer(.pollSeconds, in: 1...3600, default: 60)
    keepDays = try section.optionalInteger(.keepDays, in: 1...36_600)
    keepRuns = try section.optionalInteger(.keepRuns, in: 1...1_000_000)
    logFile = try section.optionalString(.logFile)
    // What is removed would be made again the next day.
    if let keepDays, keepDays < catchUpDays {
      throw section.refuse(
        .keepDays, "is shorter than catch_up_days", found: "\(keepDays)", expected: "\(catchUpDays) or more")
    }
    let made = catchUpDays * hours.count + 1
    if let keepRuns, keepRuns < made {
      throw section.refuse(
        .keepRuns, "keeps fewer dates than catch_up_days makes", found: "\(keepRuns)",
        expected: "\(made) or more")
    }
  }

  /// Writes the keys of the run file.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encodeIfPresent(productDirectory, forKey: .productDirectory)
    try box.encode(analysisHours, forKey: .analysisHours)
    try box.encode(delayHours, forKey: .delayHours)
    try box.encodeIfPresent(from?.description, forKey: .from)
    try box.encode(catchUpDays, forKey: .catchUpDays)
    try box.encode(waitMinutes, forKey: .waitMinutes)
    try box.encode(pollSeconds, forKey: .pollSeconds)
    try box.encodeIfPresent(keepDays, forKey: .keepDays)
    try box.encodeIfPresent(keepRuns, forKey: .keepRuns)
    try box.encodeIfPresent(logFile, forKey: .logFile)
  }
}
