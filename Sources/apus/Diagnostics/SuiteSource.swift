import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// One variable of an ensemble with its truth, however it is made from files.
struct SuiteSource: Sendable {
  typealias Case = EnsembleArchive.Case

  let variable: String
  let units: String
  let grid: LatitudeLongitude
  /// Member numbers.
  let members: [Int]
  /// Cases that have a truth.
  let cases: [Case]
  /// Cases that have none.
  let withoutTruth: [Case]
  /// Valid times of the truth, ascending.
  let truthTimes: [Instant]
  /// The first file, for messages.
  let file: String
  private let values: @Sendable (Case, Range<Int>?, Int?) throws -> GriddedValues
  private let truth: @Sendable (Case) throws -> [Double]
  private let truthAtTime: @Sendable (Instant) throws -> [Double]?

  /// A variable that the files hold.
  init(_ variable: String, forecast: [String], truth: [String]) throws {
    let archive = try EnsembleArchive(forecast, variable: variable)
    let truths = try TruthArchive(truth, for: archive, requiresAll: false)
    self.variable = variable
    units = archive.units ?? "1"
    grid = archive.grid
    members = archive.members
    cases = archive.cases.filter(truths.holds)
    withoutTruth = archive.cases.filter { !truths.holds($0) }
    truthTimes = truths.times
    file = archive.file
    values = { try archive.values($0, rows: $1, members: $2) }
    self.truth = { try truths.values($0) }
    truthAtTime = { try truths.values(at: $0) }
  }

  /// Members of one case: of some rows only, or the first few only.
  func members(_ item: Case, rows: Range<Int>? = nil, limit: Int? = nil) throws -> EnsembleValues {
    EnsembleValues(try values(item, rows, limit), members: min(limit ?? .max, members.count))
  }

  /// The truth of one case, [point].
  func truth(_ item: Case) throws -> [Double] { try truth(item) }

  /// The truth at a time; nil where there is none.
  func truth(at time: Instant) throws -> [Double]? {
    try truthAtTime(time)
  }
}
