import Basics
import Fields

/// Scores of many forecasts by variable, lead time and initial date, and what follows from them.
///
/// A date's value is an area mean; over dates values are averaged, mean squares before the root. Dates where
/// a value is missing (NaN) do not count. Everything depends on the set of cases only, not on the order of
/// adding.
public struct HindcastScores: Sendable, Codable {
  /// Which forecasts: one variable at one lead time.
  public struct Place: Sendable, Hashable, Codable, Comparable {
    /// The variable, such as `z500`.
    public let variable: String
    /// Hours from the initial time to the valid time.
    public let leadHours: Int

    /// A variable at a lead time.
    public init(_ variable: String, leadHours: Int) {
      self.variable = variable
      self.leadHours = leadHours
    }

    /// By variable, then by lead time.
    public static func < (left: Place, right: Place) -> Bool {
      (left.variable, left.leadHours) < (right.variable, right.leadHours)
    }
  }

  /// Summary over all dates of one variable at one lead time.
  public struct Summary: Sendable, Codable {
    /// Which variable and lead time.
    public let place: Place
    /// Number of initial dates.
    public let dateCount: Int
    /// Number of members M.
    public let memberCount: Int
    /// Scores that were computed, roots taken, by their names (`HindcastScore`).
    public let scores: [String: Double]
    /// sqrt((M + 1) / M) spread / RMSE of the mean.
    public let spreadSkillRatio: Double
    /// Ranks over all dates and points.
    public let rankHistogram: RankHistogram
    /// Area under the pooled ROC curve, where a threshold was given.
    public let rocArea: Double?

    /// One of the scores, nil where it was not computed.
    public subscript(score: HindcastScore) -> Double? { scores[score.rawValue] }
  }

  /// Area-mean scores by place and seconds since 1970 of the initial date.
  private var cases: [Place: [Int: CaseScores]] = [:]

  /// No cases yet.
  public init() {}

  /// One place with its dates, for encoding in a fixed order.
  private struct Entry: Codable {
    let place: Place
    let cases: [Int: CaseScores]
  }

  /// Reads what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let entries = try decoder.singleValueContainer().decode([Entry].self)
    cases = Dictionary(entries.map { ($0.place, $0.cases) }) { first, _ in first }
  }

  /// Writes places in order, so that the same scores give the same bytes.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    try box.encode(places.map { Entry(place: $0, cases: cases[$0] ?? [:]) })
  }

  /// Adds one date, or replaces what was there of the same date, variable and lead time.
  /// - Throws: `ApusError` (`badData`) where the number of members differs from earlier dates.
  public mutating func add(_ scores: CaseScores, initial: Instant, variable: String, leadHours: Int) throws {
    let place = Place(variable, leadHours: leadHours)
    if let other = cases[place]?.values.first, other.memberCount != scores.memberCount {
      throw ApusError(
        .badData, "number of members differs between dates", variable: variable,
        found: "\(scores.memberCount) at \(initial)", expected: "\(other.memberCount)",
        advice: "Score forecasts of one ensemble size at a time.")
    }
    cases[place, default: [:]][initial.seconds] = scores
  }

  /// Adds all cases of another accumulator; a case of both is taken from `other`.
  public mutating func merge(_ other: HindcastScores) throws {
    for (place, dates) in other.cases {
      for (seconds, scores) in dates {
        try add(
          scores, initial: Instant(seconds: seconds), variable: place.variable, leadHours: place.leadHours)
      }
    }
  }

  /// Every variable and lead time, sorted.
  public var places: [Place] { cases.keys.sorted() }

  /// Variables, sorted.
  public var variables: [String] { Set(cases.keys.map(\.variable)).sorted() }

  /// Lead times [hours] of a variable, ascending.
  public func leadHours(_ variable: String) -> [Int] {
    cases.keys.filter { $0.variable == variable }.map(\.leadHours).sorted()
  }

  /// The scores of each date, ascending.
  public func cases(at place: Place) -> [(initial: Instant, scores: CaseScores)] {
    (cases[place] ?? [:]).sorted { $0.key < $1.key }.map { (Instant(seconds: $0.key), $0.value) }
  }

  /// One score of each date, ascending (mean squares where the score is a root of a mean); dates where it
  /// is missing are left out.
  public func values(_ score: HindcastScore, at place: Place) -> [(initial: Instant, value: Double)] {
    cases(at: place).compactMap { date in
      guard let value = score.value(date.scores), !value.isNaN else { return nil }
      return (date.initial, value)
    }
  }

  /// One score over all dates; nil where it was not computed for any.
  public func mean(_ score: HindcastScore, at place: Place) -> Double? {
    let values = values(score, at: place).map(\.value)
    guard !values.isEmpty else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    return score.isRootOfMean ? mean.squareRoot() : mean
  }

  /// Everything about one variable at one lead time; nil where there is no date.
  public func summary(at place: Place) -> Summary? {
    let dates = cases(at: place)
    guard let first = dates.first else { return nil }
    var ranks = RankHistogram(members: first.scores.memberCount)
    var characteristic: EventCounts?
    for date in dates {
      ranks.add(date.scores.rankHistogram)
      if let counts = date.scores.characteristic {
        if characteristic == nil {
          characteristic = counts
        } else {
          characteristic?.add(counts)
        }
      }
    }
    var scores: [String: Double] = [:]
    for score in HindcastScore.allCases { scores[score.rawValue] = mean(score, at: place) }
    let m = Double(first.scores.memberCount)
    let ratio = (mean(.spread, at: place) ?? .nan) / (mean(.rmseMean, at: place) ?? .nan)
    return Summary(
      place: place, dateCount: dates.count, memberCount: first.scores.memberCount, scores: scores,
      spreadSkillRatio: ((m + 1) / m).squareRoot() * ratio, rankHistogram: ranks,
      rocArea: characteristic?.area)
  }

  /// Everything, by variable and lead time.
  public var summaries: [Summary] { places.compactMap { summary(at: $0) } }

  /// Whether one score is lower than another of the same dates, at one place: paired block bootstrap of
  /// their difference (`score` minus `reference`) over the dates both have.
  /// - Throws: `ApusError` where fewer than two dates have both.
  public func compare(
    _ score: HindcastScore, with reference: HindcastScore, at place: Place, blockLength: Int? = nil,
    resamples: Int = 10_000, seed: UInt64 = 0
  ) throws -> PairedBlockBootstrap {
    try compare(score, with: reference, of: self, at: place, blockLength, resamples, seed)
  }

  /// Whether one score is lower here than in another hindcast, at one place and over the dates both have.
  /// - Throws: `ApusError` where fewer than two dates have both.
  public func compare(
    _ score: HindcastScore, with other: HindcastScores, at place: Place, blockLength: Int? = nil,
    resamples: Int = 10_000, seed: UInt64 = 0
  ) throws -> PairedBlockBootstrap {
    try compare(score, with: score, of: other, at: place, blockLength, resamples, seed)
  }

  private func compare(
    _ score: HindcastScore, with reference: HindcastScore, of other: HindcastScores, at place: Place,
    _ blockLength: Int?, _ resamples: Int, _ seed: UInt64
  ) throws -> PairedBlockBootstrap {
    guard score.isRootOfMean == reference.isRootOfMean else {
      throw ApusError(
        .usage, "scores of different kinds cannot be compared",
        found: "\(score.rawValue) and \(reference.rawValue)",
        expected: "two root mean squares or two means")
    }
    let theirs = Dictionary(
      uniqueKeysWithValues: other.values(reference, at: place).map { ($0.initial, $0.value) })
    let pairs = values(score, at: place).compactMap { date in
      theirs[date.initial].map { (date.value, $0) }
    }
    return try PairedBlockBootstrap(
      pairs.map(\.0), minus: pairs.map(\.1), rootsOfMeans: score.isRootOfMean, blockLength: blockLength,
      resamples: resamples, seed: seed)
  }
}
