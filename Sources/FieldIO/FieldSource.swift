import Basics
import Fields

/// Numbers in the precision they are kept in.
public enum GriddedValues: Sendable {
  /// Single precision.
  case single([Float])
  /// Double precision: stored so, or unpacked with double-precision attributes.
  case double([Double])

  /// As doubles.
  public var doubles: [Double] {
    switch self {
    case .single(let values): values.map(Double.init)
    case .double(let values): values
    }
  }

  /// In single precision.
  public var singles: [Float] {
    switch self {
    case .single(let values): values
    case .double(let values): values.map { Float($0) }
    }
  }
}

/// One variable of one file as fields over latitude and longitude, for any grid and layout; a level is
/// chosen by the variable's name (`z500` from `z` on levels).
struct FieldSource: Sendable {
  let reader: NetCDFReader
  let variable: NetCDFReader.Variable
  let axes: [GriddedVariable.Axis]
  let grid: LatitudeLongitude
  /// As spelt in the file; nil where there is no such attribute.
  let units: String?
  /// Member numbers along the member axis, or the scalar one; empty where the file says nothing.
  let members: [Int]
  /// Times, lead times [hours] and start as `GriddedVariable` has them.
  let times: [Instant]
  let leadHours: [Double]
  let referenceTime: Instant?
  /// Units and calendar of the time coordinate, to write scores along the same axis.
  let timeUnits: String?
  /// Index of the chosen level.
  private let level: Int

  /// - Throws: `ApusError`: `inputMissing` for a missing file or variable, `badData` for a variable without
  ///   latitude and longitude or with several levels to choose from.
  init(_ path: String, variable name: String) throws {
    let reader = try NetCDFReader.shared(path)
    let coordinates = Coordinates(reader)
    let (variable, wantedLevel) = try FieldSource.find(name, in: reader, coordinates)
    let axes = variable.dimensions.map { coordinates.axis(of: $0.name) }
    guard variable.isNumeric, axes.contains(.latitude), axes.contains(.longitude) else {
      throw ApusError(
        .badData, "is no field over latitude and longitude", file: path, variable: name,
        found: "dimensions (\(variable.dimensions.map(\.name).joined(separator: ", ")))")
    }
    for axis in GriddedVariable.Axis.allCases where axis != .other && axes.count(where: { $0 == axis }) > 1 {
      throw ApusError(
        .badData, "two dimensions look like \(axis.rawValue)", file: path, variable: name,
        found: variable.dimensions.map(\.name).joined(separator: ", "))
    }
    func values(_ axis: GriddedVariable.Axis) throws -> [Double] {
      for (place, dimension) in variable.dimensions.enumerated() where axes[place] == axis {
        guard reader.variables.contains(where: { $0.name == dimension.name && $0.isNumeric }) else {
          throw ApusError(
            .badData, "\(axis.rawValue) has no coordinate variable", file: path, variable: name,
            expected: "a variable \(dimension.name)(\(dimension.name)) in degrees")
        }
        return try coordinates.values(dimension)
      }
      return []
    }
    grid = try LatitudeLongitude(
      fileLatitudes: values(.latitude), fileLongitudes: values(.longitude), file: path)
    self.reader = reader
    self.variable = variable
    self.axes = axes
    units = variable.text("units")
    members = try coordinates.members(variable, axes: axes)
    (times, leadHours, referenceTime) = try coordinates.times(variable, axes: axes)
    let clock = axes.firstIndex(of: .time).map { variable.dimensions[$0].name }
    timeUnits = reader.variables.first { $0.name == clock }?.text("units")

    let levels = try coordinates.levels(variable, axes: axes)
    let levelCount = axes.firstIndex(of: .level).map { variable.dimensions[$0].length } ?? 1
    if let wantedLevel, let index = levels.firstIndex(where: { abs($0 - Double(wantedLevel)) < 0.01 }) {
      level = index
    } else if wantedLevel == nil && levelCount == 1 {
      level = 0
    } else {
      throw ApusError(
        .badData, wantedLevel == nil ? "has several levels" : "level is not there", file: path,
        variable: name, found: levels.map { "\($0) hPa" }.joined(separator: ", "),
        expected: wantedLevel.map { "\($0) hPa" } ?? "one level",
        advice: "Name the level, for example with: --variable \(variable.name)500.")
    }
  }

  /// The variable itself, or the one on levels (or of another name) that the catalogue's name means.
  private static func find(_ name: String, in reader: NetCDFReader, _ coordinates: Coordinates) throws -> (
    NetCDFReader.Variable, Int?
  ) {
    if let variable = reader.variables.first(where: { $0.name == name }) { return (variable, nil) }
    let letters = String(name.prefix { $0.isLetter })
    let channel = ChannelCatalogue.channel(name)
    let quantity = channel?.quantity ?? ChannelCatalogue.quantity(ofVariable: name)
    let level = channel?.level ?? Int(name.dropFirst(letters.count))
    let candidates = reader.variables.filter { candidate in
      ChannelCatalogue.quantity(ofVariable: candidate.name) == quantity || candidate.name == letters
    }
    for candidate in candidates {
      let axes = candidate.dimensions.map { coordinates.axis(of: $0.name) }
      guard axes.contains(.latitude), axes.contains(.longitude) else { continue }
      let hasLevels = try !coordinates.levels(candidate, axes: axes).isEmpty
      // `z500` needs levels; `t2m` must not fall on temperature on levels.
      if hasLevels == (level != nil) { return (candidate, level) }
    }
    return (try reader.variable(name), nil)
  }

  /// Length of an axis, 1 where the variable has none.
  func length(_ axis: GriddedVariable.Axis) -> Int {
    axes.firstIndex(of: axis).map { variable.dimensions[$0].length } ?? 1
  }

  /// Whether single precision holds the values to the last bit.
  var isSingle: Bool { variable.isSingle }

  /// Fields at every combination of indices along the axes in `along` (the first slowest), other axes at
  /// the given index or 0; of `rows` (north to south) only, where given.
  /// - Throws: `ApusError` (`badData`) where an axis that nobody chose from is longer than 1.
  func fields(
    _ along: [GriddedVariable.Axis] = [], at indices: [GriddedVariable.Axis: Int] = [:],
    rows rowRange: Range<Int>? = nil
  ) throws -> GriddedValues {
    var start: [Int] = []
    var count: [Int] = []
    // Rows of the file that hold those wanted: neighbours there as here, or all are read.
    let wanted = rowRange.map { Array(grid.rowSources[$0]) } ?? grid.rowSources
    let (northmost, southmost) = (wanted.min() ?? 0, wanted.max() ?? 0)
    for (place, dimension) in variable.dimensions.enumerated() {
      let axis = axes[place]
      if axis == .latitude {
        start.append(northmost)
        count.append(southmost - northmost + 1)
      } else if axis == .longitude || axis == .experimentVersion || along.contains(axis) {
        start.append(0)
        count.append(dimension.length)
      } else {
        guard indices[axis] != nil || axis == .level || dimension.length == 1 else {
          throw ApusError(
            .badData, "has a dimension that is not understood", file: reader.path, variable: variable.name,
            found: "\(dimension.name) of length \(dimension.length)",
            expected: "time, lead time, member, level, latitude, longitude",
            advice: "Select one index of it first, for example with: ncks -d \(dimension.name),0.")
        }
        start.append(axis == .level ? level : indices[axis] ?? 0)
        count.append(1)
      }
    }
    var strides = [Int](repeating: 1, count: count.count)
    for place in strides.indices.dropLast().reversed() {
      strides[place] = strides[place + 1] * count[place + 1]
    }
    // The start of each field wanted, in the order of `along`.
    var starts = [0]
    for axis in along {
      for (place, own) in axes.enumerated() where own == axis {
        starts = starts.flatMap { base in (0..<count[place]).map { base + $0 * strides[place] } }
      }
    }
    func stride(_ axis: GriddedVariable.Axis) -> Int { axes.firstIndex(of: axis).map { strides[$0] } ?? 0 }
    let (down, across, versions) = (stride(.latitude), stride(.longitude), length(.experimentVersion))
    let versionStride = stride(.experimentVersion)
    let rows = wanted.map { ($0 - northmost) * down }
    let columns = grid.columnSources.map { $0 * across }
    /// Numbers in the order of the grid.
    func arranged<Number: BinaryFloatingPoint>(_ raw: [Number]) -> [Number] {
      let points = rows.count * columns.count
      let isInOrder =
        versions == 1 && raw.count == starts.count * points
        && columns.enumerated().allSatisfy { $0.offset == $0.element }
        && rows.enumerated().allSatisfy { $0.offset * columns.count == $0.element }
        && starts.enumerated().allSatisfy { $0.offset * points == $0.element }
      if isInOrder { return raw }
      return [Number](unsafeUninitializedCapacity: starts.count * points) { target, filled in
        for start in starts {
          for row in rows {
            for column in columns {
              let place = start + row + column
              var value = raw[place]
              // Final and preliminary data side by side: each point has one of the two.
              var version = 1
              while value.isNaN && version < versions {
                value = raw[place + version * versionStride]
                version += 1
              }
              (target.baseAddress.map { $0 + filled })?.initialize(to: value)
              filled += 1
            }
          }
        }
      }
    }
    return isSingle
      ? .single(arranged(try reader.singles(variable, start: start, count: count)))
      : .double(arranged(try reader.values(variable, start: start, count: count)))
  }
}
