import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// One variable of an ensemble with its truth: as the files hold it, derived from other variables, or a statistic of
/// a day.
struct SuiteSource: Sendable {
  typealias Case = EnsembleArchive.Case

  let variable: String
  let units: String
  let grid: LatitudeLongitude
  /// Member numbers.
  let members: [Int]
  /// A number that several members have in the files; `members` are places then.
  let repeatedMember: Int?
  /// Cases that have a truth.
  let cases: [Case]
  /// Cases that have none.
  let withoutTruth: [Case]
  /// Valid times of the truth, ascending.
  let truthTimes: [Instant]
  /// The first file, for messages.
  let file: String
  private let values: @Sendable (Case, Range<Int>?, Range<Int>?) throws -> EnsembleValues
  private let truth: @Sendable (Case) throws -> [Double]
  private let truthAtTime: @Sendable (Instant) throws -> [Double]?

  /// Finds the variable in the files, or what it is made from.
  /// - Throws: `ApusError` as reading goes; `inputMissing` where the files hold neither the variable nor what it is
  ///   made from.
  init(_ variable: String, forecast: [String], truth: [String], threads: Int) throws {
    if let (base, statistic) = DailyStatistic.split(variable) {
      let source = try SuiteSource(base, forecast: forecast, truth: truth, threads: threads)
      self = try DailySource(variable, source, statistic).source
      return
    }
    do {
      self = try SuiteSource(plain: variable, forecast: forecast, truth: truth)
    } catch let error as ApusError where error.isMissingVariable {
      guard let derived = try DerivedSource(variable, forecast: forecast, truth: truth, threads: threads)
      else {
        throw error
      }
      self = derived.source
    }
  }

  /// A variable that the files hold.
  init(plain variable: String, forecast: [String], truth: [String]) throws {
    let archive = try EnsembleArchive(forecast, variable: variable)
    let truths = try TruthArchive(truth, for: archive, requiresAll: false)
    self.init(
      variable: variable, units: archive.units ?? "1", grid: archive.grid, members: archive.members,
      repeatedMember: archive.repeatedMember,
      cases: archive.cases.filter(truths.holds), withoutTruth: archive.cases.filter { !truths.holds($0) },
      truthTimes: truths.times, file: archive.file,
      values: { item, rows, range in
        EnsembleValues(
          try archive.values(item, rows: rows, members: range), members: range?.count ?? archive.members.count
        )
      }, truth: { try truths.values($0) }, truthAtTime: { try truths.values(at: $0) })
  }

  init(
    variable: String, units: String, grid: LatitudeLongitude, members: [Int], repeatedMember: Int?,
    cases: [Case],
    withoutTruth: [Case],
    truthTimes: [Instant], file: String,
    values: @escaping @Sendable (Case, Range<Int>?, Range<Int>?) throws -> EnsembleValues,
    truth: @escaping @Sendable (Case) throws -> [Double],
    truthAtTime: @escaping @Sendable (Instant) throws -> [Double]?
  ) {
    self.variable = variable
    self.units = units
    self.grid = grid
    self.members = members
    self.repeatedMember = repeatedMember
    self.cases = cases
    self.withoutTruth = withoutTruth
    self.truthTimes = truthTimes
    self.file = file
    self.values = values
    self.truth = truth
    self.truthAtTime = truthAtTime
  }

  /// The same source with members read otherwise.
  func reading(_ values: @escaping @Sendable (Case, Range<Int>?, Range<Int>?) throws -> EnsembleValues)
    -> SuiteSource
  {
    SuiteSource(
      variable: variable, units: units, grid: grid, members: members, repeatedMember: repeatedMember,
      cases: cases,
      withoutTruth: withoutTruth,
      truthTimes: truthTimes, file: file, values: values, truth: truth, truthAtTime: truthAtTime)
  }

  /// Members of one case: of some rows only, or some members by place only.
  func members(_ item: Case, rows: Range<Int>? = nil, members range: Range<Int>? = nil) throws
    -> EnsembleValues
  {
    try values(item, rows, range)
  }

  /// The truth of one case, [point].
  func truth(_ item: Case) throws -> [Double] { try truth(item) }

  /// The truth at a time; nil where there is none.
  func truth(at time: Instant) throws -> [Double]? { try truthAtTime(time) }
}
