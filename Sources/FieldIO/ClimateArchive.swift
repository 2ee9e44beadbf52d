import Basics
import Fields

/// A climate sample of one variable: every field of the files, whatever axes they lie along (samples,
/// times, members).
public struct ClimateArchive: Sendable {
  /// Fields in the sample.
  public let count: Int
  /// [sample][latitude north to south][longitude from 0 east]
  public let values: GriddedValues

  /// Reads a climate for a forecast.
  /// - Throws: `ApusError`: `inputMissing` for a missing file or variable, `badData` where grid or units
  ///   differ from the forecast's.
  public init(_ paths: [String], for forecast: EnsembleArchive) throws {
    let sources = try paths.map { try FieldSource($0, variable: forecast.variable) }
    var parts: [GriddedValues] = []
    for source in sources {
      try forecast.requireFitting(source)
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
