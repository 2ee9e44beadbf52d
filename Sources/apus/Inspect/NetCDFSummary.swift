import Basics
import FieldIO
import Fields
import Foundation
import Sphere

/// What a NetCDF file holds: fields with their grid, times and members, and the file's attributes.
struct NetCDFSummary: Encodable, CustomStringConvertible {
  /// A variable over latitude and longitude.
  struct Field: Encodable {
    let name: String
    let units: String
    let dimensions: [String: Int]
    let grid: String
    let firstTime: String?
    let lastTime: String?
    let times: Int
    let members: [Int]
    let levels: [Double]
  }

  let kind = "netcdf"
  let file: String
  let fields: [Field]
  let otherVariables: [String]
  let attributes: [String: String]

  /// Reads the file's structure.
  /// - Throws: `ApusError` for a file that is none of NetCDF.
  init(_ path: String) throws {
    let reader = try NetCDFReader(path)
    var fields: [Field] = []
    var others: [String] = []
    for variable in reader.variables {
      guard variable.dimensions.count >= 2, let field = try? GriddedVariable(reader, variable.name) else {
        if let part = NetCDFSummary.partOfTheGlobe(path, variable) {
          fields.append(part)
        } else {
          others.append(variable.name)
        }
        continue
      }
      fields.append(
        Field(
          name: variable.name, units: field.units,
          dimensions: Dictionary(variable.dimensions.map { ($0.name, $0.length) }) { first, _ in first },
          grid: "\(field.grid)", firstTime: field.times.first?.description,
          lastTime: field.times.last?.description, times: field.times.count, members: field.members,
          levels: field.levels))
    }
    file = path
    self.fields = fields
    otherVariables = others
    attributes = reader.attributes.compactMapValues(\.text)
  }

  /// A variable on rows and columns that are no global grid; nil for none.
  private static func partOfTheGlobe(_ path: String, _ variable: NetCDFReader.Variable) -> Field? {
    guard let archive = try? EnsembleArchive([path], variable: variable.name) else { return nil }
    let times = archive.cases.compactMap(\.valid)
    return Field(
      name: variable.name, units: archive.units ?? "1",
      dimensions: Dictionary(variable.dimensions.map { ($0.name, $0.length) }) { first, _ in first },
      grid: "\(archive.grid)", firstTime: times.first?.description, lastTime: times.last?.description,
      times: times.count, members: archive.members, levels: [])
  }

  var description: String {
    var lines = ["netcdf      \(file)"]
    if let title = attributes["title"] { lines.append("title       \(title)") }
    for field in fields {
      var text = "\(field.name) [\(field.units)], \(field.grid)"
      if let first = field.firstTime, let last = field.lastTime {
        text += field.times == 1 ? ", \(first)" : ", \(field.times) times \(first) to \(last)"
      }
      if field.members.count == 1 { text += ", member \(field.members[0])" }
      if field.members.count > 1 { text += ", \(field.members.count) members" }
      if !field.levels.isEmpty {
        text += ", " + field.levels.map { String(format: "%g hPa", $0) }.joined(separator: " ")
      }
      lines.append("field       \(text)")
    }
    if !otherVariables.isEmpty { lines.append("others      " + otherVariables.joined(separator: ", ")) }
    for name in ["source", "history", "Conventions"] {
      if let text = attributes[name] {
        lines.append(name.lowercased().padding(toLength: 12, withPad: " ", startingAt: 0) + text)
      }
    }
    return lines.joined(separator: "\n")
  }
}
