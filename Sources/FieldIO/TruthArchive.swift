import Basics
import Fields

/// One variable of analyses or observations on the forecasts' grid, looked up by valid time.
public struct TruthArchive: Sendable {
  private let sources: [FieldSource]
  private let places: [Instant: (source: Int, indices: [GriddedVariable.Axis: Int])]
  private let withoutTime: [(source: Int, indices: [GriddedVariable.Axis: Int])]
  private let forecast: EnsembleArchive

  /// Opens the files that hold the truth of a forecast. Files that lack the variable are left out where others have it:
  /// archives often come with a file a variable.
  /// - Parameter requiresAll: whether the truth of every time of the forecast must be there.
  /// - Throws: `ApusError`: `inputMissing` for a missing file, variable or valid time (naming the times),
  ///   `badData` where grid or units differ from the forecast's, or where there are several members.
  public init(_ paths: [String], for forecast: EnsembleArchive, requiresAll: Bool = true) throws {
    let sources = try Self.sources(paths, forecast.variable)
    var places: [Instant: (source: Int, indices: [GriddedVariable.Axis: Int])] = [:]
    var withoutTime: [(source: Int, indices: [GriddedVariable.Axis: Int])] = []
    for (place, source) in sources.enumerated() {
      let (file, name) = (source.reader.path, source.variable.name)
      try forecast.requireFitting(source)
      if let axis = EnsembleArchive.memberAxis(source), source.length(axis) > 1 {
        throw ApusError(
          .badData, "the truth has several members", file: file, variable: name,
          found: "\(source.length(axis))", expected: "1",
          advice: "Choose one, for example with: ncks -d DIMENSION,0.")
      }
      var seen: Set<Instant> = []
      for (item, indices) in try EnsembleArchive.layOut(source) {
        if let valid = item.valid {
          guard seen.insert(valid).inserted else {
            throw EnsembleArchive.twice("\(valid)", file: file, variable: name)
          }
          // Files may overlap; the first that has a time counts.
          if places[valid] == nil { places[valid] = (place, indices) }
        } else {
          withoutTime.append((place, indices))
        }
      }
    }
    let absent = forecast.cases.filter { item in
      item.valid.map { places[$0] == nil } ?? (item.index >= withoutTime.count)
    }
    guard absent.isEmpty || !requiresAll else {
      let listed = absent.prefix(8).map(\.description).joined(separator: ", ")
      let range = places.keys.sorted()
      throw ApusError(
        .inputMissing, "truth of \(absent.count) of \(forecast.cases.count) times is missing",
        file: paths.first, variable: forecast.variable,
        found: range.first.flatMap { first in range.last.map { "times from \(first) to \($0)" } }
          ?? "no times",
        expected: listed + (absent.count > 8 ? "..." : ""),
        advice: "Give more --truth files, or fewer forecast times.")
    }
    self.sources = sources
    self.places = places
    self.withoutTime = withoutTime
    self.forecast = forecast
  }

  private static func sources(_ paths: [String], _ variable: String) throws -> [FieldSource] {
    var sources: [FieldSource] = []
    var lacking: ApusError?
    for path in paths {
      do { sources.append(try FieldSource(path, variable: variable)) } catch let error as ApusError
        where error.isMissingVariable
      { lacking = lacking ?? error }
    }
    if let lacking, sources.isEmpty { throw lacking }
    return sources
  }

  /// Valid times that there are, ascending.
  public var times: [Instant] { places.keys.sorted() }

  /// Whether there is a truth of one time.
  public func holds(_ item: EnsembleArchive.Case) -> Bool {
    item.valid.map { places[$0] != nil } ?? (item.index < withoutTime.count)
  }

  /// The truth at a valid time; nil where there is none.
  /// - Throws: `ApusError` where reading fails.
  public func values(at time: Instant) throws -> [Double]? {
    guard places[time] != nil else { return nil }
    return try values(EnsembleArchive.Case(initial: nil, valid: time, index: 0))
  }

  /// The truth of one time, [latitude north to south][longitude from 0 east], in the file's unit.
  /// - Throws: `ApusError` where reading fails.
  public func values(_ item: EnsembleArchive.Case) throws -> [Double] {
    guard
      let place = item.valid.flatMap({ places[$0] }) ?? (item.valid == nil ? withoutTime[item.index] : nil)
    else {
      throw ApusError(.inputMissing, "no truth at \(item)", variable: forecast.variable)
    }
    let source = sources[place.source]
    var indices = place.indices
    if let axis = EnsembleArchive.memberAxis(source) { indices[axis] = 0 }
    return try source.fields(at: indices).doubles
  }
}
