import Basics
import FieldIO
import Fields
import Foundation
import Sphere
import Verification

/// A variable that is computed from others of the same files, member by member and time by time.
struct DerivedSource {
  let source: SuiteSource

  /// Pressure levels [hPa] that integrals look for.
  private static let levels = [50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000]

  /// - Returns: nil where there is no derived variable of that name.
  /// - Throws: `ApusError` where the files lack what it is made from, or its units are not understood.
  init?(_ variable: String, forecast: [String], truth: [String], threads: Int) throws {
    guard let derived = DerivedVariable.named(variable, levels: try Self.levels(variable, forecast)) else {
      return nil
    }
    let parts = try derived.sources.map { name in
      let part = try SuiteSource(plain: name, forecast: forecast, truth: truth)
      let units = ChannelCatalogue.channel(name)?.unit ?? part.units
      return (
        source: part,
        conversion: try Units.conversion(from: part.units, to: units, file: part.file, variable: name)
      )
    }
    guard let first = parts.first?.source else { return nil }
    for part in parts.dropFirst() {
      guard part.source.grid == first.grid, part.source.members == first.members,
        part.source.cases == first.cases
      else {
        throw ApusError(
          .badData, "the variables that it is made from differ in grid, members or times",
          file: part.source.file,
          variable: variable, found: "\(part.source.variable) unlike \(first.variable)",
          expected: "the same of \(derived.sources.joined(separator: ", "))")
      }
    }
    let grid = try? SphereGrid.detect(latitudes: first.grid.latitudes, longitudes: first.grid.longitudes)
    let columns = first.grid.longitudes.count
    @Sendable func observed(_ read: (SuiteSource) throws -> [Double]?) throws -> [Double]? {
      var inputs: [[Float]] = []
      for (part, conversion) in parts {
        guard let values = try read(part) else { return nil }
        inputs.append(values.map { Float($0 * conversion.scale + conversion.offset) })
      }
      return try derived.compute(inputs, grid: grid).map(Double.init)
    }
    source = SuiteSource(
      variable: variable, units: derived.units, grid: first.grid, members: first.members,
      repeatedMember: first.repeatedMember, cases: first.cases,
      withoutTruth: first.withoutTruth, truthTimes: first.truthTimes, file: first.file,
      values: { item, rows, range in
        // Transforms need whole fields; the rows are taken afterwards.
        let fields = try parts.map { try $0.source.members(item, members: range) }
        let count = fields[0].memberCount
        let rowRange = rows ?? 0..<first.grid.latitudes.count
        let (start, points) = (rowRange.lowerBound * columns, rowRange.count * columns)
        let result = AlignedBuffer<Float>(count * points)
        try Parallel.forEach(count, threads: threads) { member, _ in
          let inputs = zip(fields, parts).map { values, part in
            values.member(member).map { Float($0 * part.conversion.scale + part.conversion.offset) }
          }
          let field = try derived.compute(inputs, grid: grid)
          for point in 0..<points { result.pointer[member * points + point] = field[start + point] }
        }
        return EnsembleValues(result, members: count)
      },
      truth: { item in
        guard let values = try observed({ try $0.truth(item) }) else {
          throw ApusError(.inputMissing, "no truth at \(item)", variable: variable)
        }
        return values
      }, truthAtTime: { time in try observed { try $0.truth(at: time) } })
  }

  /// Levels at which the files hold all that an integral needs.
  private static func levels(_ variable: String, _ files: [String]) throws -> [Int] {
    guard variable == "ivt", let file = files.first else { return [] }
    return levels.filter { level in
      ["q", "u", "v"].allSatisfy { (try? EnsembleArchive([file], variable: "\($0)\(level)")) != nil }
    }
  }
}
