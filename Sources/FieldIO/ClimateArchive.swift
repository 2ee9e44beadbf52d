import Basics
import Fields

/// A climate sample of one variable: every field of the files, whatever axes they lie along (samples,
/// times, members).
public struct ClimateArchive: Sendable {
  /// Fields in the sample.
  public let count: Int
  /// [sample][latitude north to south][longitude from 0 east]
  public let values: GriddedValues

  /// What tells a state that has a time from others.
  private struct State: Hashable {
    let initial: Instant?
    let valid: Instant
    let member: Int?
  }

  private static func states(_ source: FieldSource) throws -> [State] {
    let axis = EnsembleArchive.memberAxis(source)
    let count = axis.map { source.length($0) } ?? 1
    let members: [Int?] =
      source.members.count == count ? source.members : (0..<count).map { count > 1 ? $0 : nil }
    return try EnsembleArchive.layOut(source).flatMap { item, _ in
      item.valid.map { valid in members.map { State(initial: item.initial, valid: valid, member: $0) } } ?? []
    }
  }

  /// Reads a climate for a forecast.
  /// - Throws: `ApusError`: `inputMissing` for a missing file or variable, `badData` where grid or units
  ///   differ from the forecast's, or where files hold the same state.
  public init(_ paths: [String], for forecast: EnsembleArchive) throws {
    let sources = try paths.map { try FieldSource($0, variable: forecast.variable) }
    var parts: [GriddedValues] = []
    var seen: [State: String] = [:]
    for source in sources {
      try forecast.requireFitting(source)
      for state in try ClimateArchive.states(source) {
        if let other = seen.updateValue(source.reader.path, forKey: state) {
          throw ApusError(
            .badData, "a state of the climate comes twice", file: source.reader.path,
            variable: forecast.variable, found: "\(state.valid), also in \(other)",
            expected: "every state once",
            advice: "Leave out one of the files, or cut them so that they do not overlap.")
        }
      }
      let axes: [GriddedVariable.Axis] = [.time, .leadTime, .member, .sample]
      parts.append(try source.fields(axes.filter { source.axes.contains($0) }))
    }
    if sources.allSatisfy(\.isSingle) {
      let values = parts.flatMap { part in if case .single(let values) = part { values } else { [Float]() } }
      count = values.count / forecast.grid.pointCount
      self.values = .single(values)
    } else {
      let values = parts.flatMap(\.doubles)
      count = values.count / forecast.grid.pointCount
      self.values = .double(values)
    }
  }
}
