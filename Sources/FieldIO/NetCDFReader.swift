import Basics
import CNetCDF
import Foundation
import Synchronization

/// A NetCDF file open for reading: dimensions, variables, attributes, and hyperslabs as numbers.
///
/// Safe to share between threads; calls into the C library take turns.
public final class NetCDFReader: Sendable {
  /// A dimension.
  public struct Dimension: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Number of entries.
    public let length: Int
    /// Whether it can grow.
    public let isUnlimited: Bool
  }

  /// A variable: its dimensions slowest first.
  public struct Variable: Sendable {
    /// Its name.
    public let name: String
    /// Its dimensions, slowest first.
    public let dimensions: [Dimension]
    /// Its attributes.
    public let attributes: [String: NetCDFAttribute]
    /// Whether it holds numbers rather than text.
    public let isNumeric: Bool
    /// Storage type: `float`, `double`, `short`, ...
    public let typeName: String
    let identifier: Int32

    /// Whether single precision holds its unpacked values to the last bit.
    public var isSingle: Bool {
      let packing = ["scale_factor", "add_offset"].compactMap { attributes[$0] }
      let hasSingleAttributes = packing.allSatisfy { if case .floats = $0 { true } else { false } }
      return ["float", "short", "byte", "ubyte", "ushort"].contains(typeName) && hasSingleAttributes
    }

    /// Numbers it holds.
    public var count: Int { dimensions.reduce(1) { $0 * $1.length } }
    /// A text attribute.
    public func text(_ name: String) -> String? { attributes[name]?.text }
    /// A numeric attribute's first number.
    public func number(_ name: String) -> Double? { attributes[name]?.numbers.first }
  }

  /// The file's path.
  public let path: String
  /// All dimensions.
  public let dimensions: [Dimension]
  /// All variables, in the file's order.
  public let variables: [Variable]
  /// Global attributes.
  public let attributes: [String: NetCDFAttribute]
  private let key: Int
  private let stamp: OpenFiles.Stamp
  /// Coordinates that were read: an ensemble of thousands of files is asked for them variable by variable.
  private let coordinates = Mutex<[String: [Double]]>([:])
  private static let alive = Mutex<[String: Weak]>([:])

  private struct Weak { weak var reader: NetCDFReader? }

  /// A reader of a file that serves all who read it at the same time: the same one as long as anybody has it and the
  /// file is what it was.
  /// - Throws: as `init`.
  static func shared(_ path: String) throws -> NetCDFReader {
    if let reader = alive.withLock({ $0[path]?.reader }), reader.stamp == OpenFiles.Stamp(path) {
      return reader
    }
    let reader = try NetCDFReader(path)
    alive.withLock { alive in
      // What nobody has any more goes from time to time.
      if alive.count % 1024 == 1023 { alive = alive.filter { $0.value.reader != nil } }
      alive[path] = Weak(reader: reader)
    }
    return reader
  }

  /// Opens a file and reads its structure.
  /// - Throws: `ApusError`: `inputMissing` where there is no such file, `badData` where it is no NetCDF
  ///   file or a truncated one.
  public init(_ path: String) throws {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw ApusError(.inputMissing, "no such file, or not readable", file: path)
    }
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ApusError(
        .inputMissing, "is a directory, not a file", file: path, advice: "Name its files: \(path)/*.nc")
    }
    self.path = path
    stamp = OpenFiles.Stamp(path)
    (key, dimensions, variables, attributes) = try NetCDFLibrary.locked {
      var handle: Int32 = 0
      let status = nc_open(path, NC_NOWRITE, &handle)
      guard status == NC_NOERR else {
        throw ApusError(
          .badData, "cannot read as NetCDF: damaged, truncated or another format", file: path,
          found: NetCDFLibrary.message(status), advice: "Copy or download it again.")
      }
      do {
        let structure = try NetCDFReader.structure(handle, path: path)
        return (OpenFiles.register(handle), structure.0, structure.1, structure.2)
      } catch {
        nc_close(handle)
        throw error
      }
    }
    try requireWholeClassicFile()
  }

  deinit { NetCDFLibrary.locked { OpenFiles.close(key) } }

  /// The variable of a name.
  /// - Throws: `ApusError` of kind `inputMissing` listing the variables there are.
  public func variable(_ name: String) throws -> Variable {
    if let variable = variables.first(where: { $0.name == name }) { return variable }
    throw ApusError(
      .inputMissing, ApusError.noSuchVariable, file: path, variable: name,
      found: variables.map(\.name).joined(separator: ", "))
  }

  /// Numbers of a hyperslab as stored, in the file's order.
  /// - Parameters start, count: one entry a dimension.
  /// - Throws: `ApusError` of kind `inputOutput` where reading fails.
  public func stored(_ variable: Variable, start: [Int], count: [Int]) throws -> [Double] {
    try read(variable, start, count, nc_get_vara_double)
  }

  /// All numbers of a variable that counts something or numbers it.
  /// - Throws: `ApusError`: `inputMissing` where it is not there, `badData` for what is no whole number.
  public func wholeNumbers(_ name: String) throws -> [Int] {
    try values(try variable(name)).map { value in
      guard let whole = Int(exactly: value) else {
        throw ApusError(
          .badData, "is no whole number", file: path, variable: name, found: "\(value)",
          expected: "a whole number")
      }
      return whole
    }
  }

  /// A hyperslab by one of the library's typed calls.
  private func read<Number>(
    _ variable: Variable, _ start: [Int], _ count: [Int],
    _ get: (Int32, Int32, UnsafePointer<Int>?, UnsafePointer<Int>?, UnsafeMutablePointer<Number>?) -> Int32
  ) throws -> [Number] {
    guard let total = NetCDFReader.product(count) else {
      throw ApusError(
        .badData, "absurd size", file: path, variable: variable.name,
        found: count.map(String.init).joined(separator: " x "))
    }
    guard total > 0 else { return [] }
    return try NetCDFLibrary.locked {
      let handle = try OpenFiles.handle(key, path, stamp)
      var status = NC_NOERR
      let values = [Number](unsafeUninitializedCapacity: total) { buffer, filled in
        if let base = buffer.baseAddress { status = get(handle, variable.identifier, start, count, base) }
        filled = total
      }
      try check(status, variable)
      return values
    }
  }

  /// Numbers of a hyperslab unpacked in single precision, for variables that it holds to the last bit
  /// (`isSingle`): as `values`, without a detour over double precision.
  /// - Throws: `ApusError` of kind `inputOutput` where reading fails.
  public func singles(_ variable: Variable, start: [Int], count: [Int]) throws -> [Float] {
    var values = try read(variable, start, count, nc_get_vara_float)
    let range = StoredRange(variable)
    range?.apply(to: &values)
    let scale = Float(variable.number("scale_factor") ?? 1)
    let offset = Float(variable.number("add_offset") ?? 0)
    let isPacked = scale != 1 || offset != 0
    let missing = missingValues(variable, range).map { Float($0) }
    let (first, second) = (missing.first ?? .nan, missing.dropFirst().first ?? .nan)
    if missing.count > 2 {
      for i in values.indices {
        let value = values[i]
        values[i] = missing.contains(value) ? .nan : isPacked ? value * scale + offset : value
      }
    } else if isPacked {
      values.withUnsafeMutableBufferPointer { values in
        for i in values.indices {
          let value = values[i]
          values[i] = value == first || value == second ? .nan : value * scale + offset
        }
      }
    } else if !missing.isEmpty {
      values.withUnsafeMutableBufferPointer { values in
        for i in values.indices where values[i] == first || values[i] == second { values[i] = .nan }
      }
    }
    return values
  }

  /// Stored numbers that stand for nothing, as the file means them; NaN is left out.
  private func missingValues(_ variable: Variable, _ range: StoredRange?) -> [Double] {
    var missing = ["_FillValue", "missing_value"].flatMap { variable.attributes[$0]?.numbers ?? [] }
    // What the library leaves where nothing was written.
    if variable.attributes["_FillValue"] == nil {
      if variable.typeName == "float" { missing.append(Double(NC_FILL_FLOAT)) }
      if variable.typeName == "double" { missing.append(NC_FILL_DOUBLE) }
    }
    return Array(Set(missing.map { range?.meaning(of: $0) ?? $0 }.filter { !$0.isNaN })).sorted()
  }

  /// Numbers of a hyperslab unpacked: `scale_factor` and `add_offset` applied, missing values, infinities and what lies
  /// beyond `valid_range`, `valid_min` or `valid_max` as NaN.
  /// - Throws: `ApusError` of kind `inputOutput` where reading fails.
  public func values(_ variable: Variable, start: [Int], count: [Int]) throws -> [Double] {
    var values = try stored(variable, start: start, count: count)
    let scale = variable.number("scale_factor") ?? 1
    let offset = variable.number("add_offset") ?? 0
    let range = StoredRange(variable)
    let missing = missingValues(variable, range)
    let packed = scale != 1 || offset != 0
    // CF 8.1: short integers packed with single-precision attributes are single-precision numbers; xarray
    // and netCDF4-python round both steps, and so do we, or ties and scores would differ from theirs.
    let isSingle = variable.isSingle
    for i in values.indices {
      let value = range?.meaning(of: values[i]) ?? values[i]
      if missing.contains(value) || value.isNaN {
        values[i] = .nan
      } else if packed && isSingle {
        values[i] = Double(Float(value) * Float(scale) + Float(offset))
      } else if packed {
        values[i] = value * scale + offset
      }
    }
    return values
  }

  /// All numbers of a variable, unpacked.
  public func values(_ variable: Variable) throws -> [Double] {
    if let known = coordinates.withLock({ $0[variable.name] }) { return known }
    let lengths = variable.dimensions.map(\.length)
    let values = try values(variable, start: lengths.map { _ in 0 }, count: lengths)
    if lengths.count <= 1 { coordinates.withLock { $0[variable.name] = values } }
    return values
  }

  private func check(_ status: Int32, _ variable: Variable) throws {
    guard status != NC_NOERR else { return }
    throw ApusError(
      .inputOutput, "reading failed", file: path, variable: variable.name,
      found: NetCDFLibrary.message(status), advice: "The file may be truncated: copy it again.")
  }

  // MARK: - Structure

  private static func structure(_ handle: Int32, path: String) throws -> (
    [Dimension], [Variable], [String: NetCDFAttribute]
  ) {
    var (dimensionCount, variableCount, attributeCount, unlimited): (Int32, Int32, Int32, Int32) = (
      0, 0, 0, -1
    )
    nc_inq(handle, &dimensionCount, &variableCount, &attributeCount, &unlimited)
    var dimensions: [Dimension] = []
    for i in 0..<dimensionCount {
      var length = 0
      let name = text { nc_inq_dim(handle, i, $0, &length) }
      dimensions.append(Dimension(name: name, length: length, isUnlimited: i == unlimited))
    }
    var variables: [Variable] = []
    for i in 0..<variableCount {
      var (type, rank, count): (nc_type, Int32, Int32) = (0, 0, 0)
      var places = [Int32](repeating: 0, count: Int(NC_MAX_VAR_DIMS))
      let name = text { nc_inq_var(handle, i, $0, &type, &rank, &places, &count) }
      var typeSize = 0
      let typeName = text { nc_inq_type(handle, type, $0, &typeSize) }
      variables.append(
        Variable(
          name: name, dimensions: places.prefix(Int(rank)).map { dimensions[Int($0)] },
          attributes: attributes(handle, of: i, count: count),
          isNumeric: type != NC_CHAR && type != NC_STRING && type <= NC_STRING, typeName: typeName,
          identifier: i))
    }
    return (dimensions, variables, attributes(handle, of: NC_GLOBAL, count: attributeCount))
  }

  private static func attributes(_ handle: Int32, of variable: Int32, count: Int32) -> [String:
    NetCDFAttribute]
  {
    var result: [String: NetCDFAttribute] = [:]
    for i in 0..<count {
      let name = text { nc_inq_attname(handle, variable, i, $0) }
      var (type, length): (nc_type, Int) = (0, 0)
      guard nc_inq_att(handle, variable, name, &type, &length) == NC_NOERR else { continue }
      switch type {
      case NC_CHAR:
        var bytes = [CChar](repeating: 0, count: length + 1)
        nc_get_att_text(handle, variable, name, &bytes)
        result[name] = .text(
          String(decoding: bytes.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self))
      case NC_STRING:
        var strings = [UnsafeMutablePointer<CChar>?](repeating: nil, count: length)
        nc_get_att_string(handle, variable, name, &strings)
        result[name] = .text(strings.compactMap { $0.map { String(cString: $0) } }.joined(separator: " "))
        nc_free_string(length, &strings)
      case NC_FLOAT:
        var values = [Float](repeating: 0, count: length)
        nc_get_att_float(handle, variable, name, &values)
        result[name] = .floats(values)
      default:
        var values = [Double](repeating: 0, count: length)
        guard nc_get_att_double(handle, variable, name, &values) == NC_NOERR else { continue }
        result[name] = .doubles(values)
      }
    }
    return result
  }

  private static func text(_ fill: (UnsafeMutablePointer<CChar>) -> Int32) -> String {
    var bytes = [CChar](repeating: 0, count: Int(NC_MAX_NAME) + 1)
    _ = fill(&bytes)
    return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A product of sizes, nil where no whole number holds it.
  private static func product(_ sizes: [Int]) -> Int? {
    var product: Int? = 1
    for size in sizes {
      let (next, overflow) = (product ?? 0).multipliedReportingOverflow(by: size)
      product = product == nil || overflow ? nil : next
    }
    return product
  }

  /// The classic formats carry no checksum and the library reads zeros past the end of a file, so the
  /// size is checked against what the variables need.
  private func requireWholeClassicFile() throws {
    var format: Int32 = 0
    try NetCDFLibrary.locked { _ = nc_inq_format(try OpenFiles.handle(key, path, stamp), &format) }
    guard format != NC_FORMAT_NETCDF4, format != NC_FORMAT_NETCDF4_CLASSIC else { return }
    let records = dimensions.first(where: \.isUnlimited)?.length ?? 0
    var needed = 0
    for variable in variables {
      let lengths = variable.dimensions.map { $0.isUnlimited ? 1 : $0.length }
      let size = NetCDFReader.sizes[variable.typeName] ?? 8
      let isRecord = variable.dimensions.first?.isUnlimited == true
      let bytes = NetCDFReader.product([size] + lengths + (isRecord ? [records] : []))
      let (sum, overflow) = needed.addingReportingOverflow(bytes ?? .max)
      needed = overflow ? .max / 2 : min(sum, .max / 2)
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let size = (attributes?[.size] as? NSNumber)?.intValue ?? 0
    guard size >= needed + NetCDFReader.leastClassicHeader(variables, dimensions) else {
      throw ApusError(
        .badData, "file is truncated", file: path, found: "\(size) bytes",
        expected: "at least \(needed) bytes of data and a header", advice: "Copy or download it again.")
    }
  }

  /// Bytes of a number, of the types that do not take eight.
  private static let sizes = [
    "byte": 1, "char": 1, "ubyte": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "float": 4,
  ]

  /// Bytes that names, dimensions and variables take in a classic header, attributes left out.
  private static func leastClassicHeader(_ variables: [Variable], _ dimensions: [Dimension]) -> Int {
    func padded(_ text: String) -> Int { 4 + (text.utf8.count + 3) / 4 * 4 }
    let dimensionBytes = dimensions.reduce(0) { $0 + padded($1.name) + 4 }
    let variableBytes = variables.reduce(0) { $0 + padded($1.name) + 4 * $1.dimensions.count + 24 }
    return 32 + dimensionBytes + variableBytes
  }
}
