import FieldIO
import Verification

/// The variables of a file of scores: defined first, their values put once all are.
final class ScoreVariables {
  private let file: NetCDFWriter
  /// Level of the intervals, such as `95 %`.
  private let level: String
  private var puts: [() throws -> Void] = []

  /// - Parameter confidence: level of the intervals, between 0 and 1.
  init(_ file: NetCDFWriter, confidence: Double) {
    self.file = file
    level = Percent.text(confidence)
  }

  /// Adds values, in order of the dimensions.
  func add(_ name: String, _ dimensions: [String], _ longName: String, _ unit: String, _ values: [Double])
    throws
  {
    try file.variable(name, .double, dimensions, ["long_name": .text(longName), "units": .text(unit)])
    puts.append { [file] in try file.put(name, values) }
  }

  /// Adds a score, and its interval as NAME_lower and NAME_upper.
  func add(
    _ name: String, _ dimensions: [String], _ longName: String, _ unit: String, _ estimates: [Estimate]
  ) throws {
    try add(name, dimensions, longName, unit, estimates.map(\.value))
    try add(
      name + "_lower", dimensions, "\(longName), lower end of the \(level) interval", unit,
      estimates.map(\.lower))
    try add(
      name + "_upper", dimensions, "\(longName), upper end of the \(level) interval", unit,
      estimates.map(\.upper))
  }

  /// Adds whole numbers that belong to a dimension, such as sizes or degrees.
  func add(_ name: String, _ longName: String, _ values: [Int]) throws {
    try file.dimension(name, values.count)
    try file.variable(name, .int32, [name], ["long_name": .text(longName), "units": .text("1")])
    puts.append { [file] in try file.put(name, values.map { Int32($0) }) }
  }

  /// Writes the values.
  func put() throws { for put in puts { try put() } }
}
