import Basics
import FieldIO
import Fields
import Verification

/// States of a climate, parted by season, hour and lead time: those of an archive, or those that were kept sorted in
/// files of states.
protocol ClimateStates {
  /// How the year is cut.
  var records: ClimateRecords { get }
  var byLeadTime: Bool { get }
  var grid: LatitudeLongitude { get }
  var variables: [(name: String, units: String)] { get }

  /// Where each state of every part comes from; parts without a state are left out.
  func origins(_ variable: Int) -> [ClimateRecords.Record: [StateOrigin]]

  /// Values of some rows, [state][point], in any order.
  func values(_ variable: Int, _ record: ClimateRecords.Record, rows: Range<Int>) throws -> AlignedBuffer<
    Float
  >
}

/// What tells one state from another, so that none counts twice.
struct StateOrigin: Hashable {
  /// Seconds since 1970; nil for analyses.
  let initial: Int?
  let valid: Int
  let member: Int
}

extension ClimateStates {
  /// All parts of all variables, ascending.
  var parts: [ClimateRecords.Record] { Set(variables.indices.flatMap { origins($0).keys }).sorted() }

  /// Visits the rows of a part in ranges whose states fit into so many bytes with what working on them takes.
  func forEachRows(
    _ variable: Int, _ record: ClimateRecords.Record, states: Int, memory: Int,
    _ body: (_ rows: Range<Int>, _ values: EnsembleValues) throws -> Void
  ) throws {
    let (rows, columns) = (grid.latitudes.count, grid.longitudes.count)
    // Read, sorted, and as doubles while quantiles are taken.
    let step = max(1, min(rows, memory / max(1, states * columns * 12)))
    for start in stride(from: 0, to: rows, by: step) {
      let range = start..<min(rows, start + step)
      try body(range, EnsembleValues(try values(variable, record, rows: range), members: states))
    }
  }
}
