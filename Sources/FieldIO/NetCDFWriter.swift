import Basics
import CNetCDF
import Foundation

/// Writes one NetCDF-4 file under a temporary name; `finish` closes it, flushes it to the device and gives
/// it its own name. Without `finish` nothing is left behind.
///
/// Errors: `cannotCreateOutput` (73) where the directory takes no file, `inputOutput` (74) where writing
/// fails half-way, for example on a full disk.
public final class NetCDFWriter {
  /// The file's final path.
  public let path: String
  /// `path` with its links followed.
  private let target: String
  private let temporary: String
  private var handle: Int32 = -1
  private var dimensions: [String: (identifier: Int32, length: Int)] = [:]
  private var variables: [String: (identifier: Int32, dimensions: [String])] = [:]
  private var isOpen = false

  /// Creates the temporary file.
  public init(_ path: String) throws {
    self.path = path
    try NetCDFWriter.requirePlace(path)
    target = try WholeFile.place(of: path)
    temporary = target + ".tmp-\(ProcessInfo.processInfo.processIdentifier)"
    let status = NetCDFLibrary.locked { nc_create(temporary, NC_NETCDF4 | NC_CLOBBER, &handle) }
    guard status == NC_NOERR else {
      unlink(temporary)
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: \(NetCDFLibrary.message(status))", file: path,
        advice: "Choose a directory that exists, is writable and has space.")
    }
    isOpen = true
  }

  /// What the library would call a permission denied, or find out only when all is written.
  private static func requirePlace(_ path: String) throws {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: there is a directory of that name", file: path,
        advice: "Name a file.")
    }
    let parent = FilePath.directory(of: path)
    guard parent.isEmpty || FileManager.default.fileExists(atPath: parent) else {
      throw ApusError(
        .cannotCreateOutput, "cannot create the file: its directory is not there", file: path,
        found: "no \(parent)", advice: "Make the directory, or choose another.")
    }
  }

  deinit {
    if isOpen { _ = NetCDFLibrary.locked { nc_close(handle) } }
    unlink(temporary)
  }

  /// Defines a dimension.
  public func dimension(_ name: String, _ length: Int) throws {
    var identifier: Int32 = 0
    try locked { nc_def_dim(handle, name, length, &identifier) }
    dimensions[name] = (identifier, length)
  }

  /// Defines a variable, compressed (shuffle and deflate 1) where it has two dimensions or more, in chunks
  /// of one horizontal field.
  public func variable(
    _ name: String, _ type: NetCDFType, _ dimensionNames: [String],
    _ attributes: KeyValuePairs<String, NetCDFAttribute> = [:]
  ) throws {
    var identifier: Int32 = 0
    let places = dimensionNames.compactMap { dimensions[$0]?.identifier }
    let lengths = dimensionNames.compactMap { dimensions[$0]?.length }
    try locked { nc_def_var(handle, name, type.code, Int32(places.count), places, &identifier) }
    if lengths.count >= 2 {
      let chunks = lengths.enumerated().map { $0.offset < lengths.count - 2 ? 1 : max($0.element, 1) }
      try locked { nc_def_var_chunking(handle, identifier, NC_CHUNKED, chunks) }
      try locked { nc_def_var_deflate(handle, identifier, 1, 1, 1) }
    }
    variables[name] = (identifier, dimensionNames)
    for (key, value) in attributes { try attribute(key, value, of: identifier) }
  }

  /// Defines the dimensions and coordinates `lat` and `lon` and writes them.
  public func grid(latitudes: [Double], longitudes: [Double]) throws {
    try defineGrid(rows: latitudes.count, columns: longitudes.count)
    try put("lat", latitudes)
    try put("lon", longitudes)
  }

  /// Defines the dimensions `lat` and `lon` and their coordinates, whose values are put later.
  /// - Throws: `ApusError` where writing fails.
  func defineGrid(rows: Int, columns: Int) throws {
    for (name, length, standard, units, axis) in [
      ("lat", rows, "latitude", "degrees_north", "Y"), ("lon", columns, "longitude", "degrees_east", "X"),
    ] {
      try dimension(name, length)
      try variable(
        name, .double, [name],
        [
          "standard_name": .text(standard), "long_name": .text(standard), "units": .text(units),
          "axis": .text(axis),
        ])
    }
  }

  /// Adds an attribute to a variable.
  public func attribute(_ name: String, _ value: NetCDFAttribute, variable: String) throws {
    try attribute(name, value, of: variables[variable]?.identifier ?? NC_GLOBAL)
  }

  /// Adds a global attribute.
  public func attribute(_ name: String, _ value: NetCDFAttribute) throws {
    try attribute(name, value, of: NC_GLOBAL)
  }

  private func attribute(_ name: String, _ value: NetCDFAttribute, of variable: Int32) throws {
    try locked {
      switch value {
      case .text(let text): nc_put_att_text(handle, variable, name, text.utf8.count, text)
      case .integers(let values): nc_put_att_int(handle, variable, name, NC_INT, values.count, values)
      case .floats(let values): nc_put_att_float(handle, variable, name, NC_FLOAT, values.count, values)
      case .doubles(let values): nc_put_att_double(handle, variable, name, NC_DOUBLE, values.count, values)
      }
    }
  }

  /// Writes a whole variable.
  public func put(_ name: String, _ values: [Float]) throws {
    try put(name) { nc_put_var_float(handle, $0, values) }
  }
  /// Writes a whole variable.
  public func put(_ name: String, _ values: [Double]) throws {
    try put(name) { nc_put_var_double(handle, $0, values) }
  }
  /// Writes a whole variable.
  public func put(_ name: String, _ values: [Int32]) throws {
    try put(name) { nc_put_var_int(handle, $0, values) }
  }
  /// Writes a whole variable of texts.
  public func put(_ name: String, _ values: [String]) throws {
    let copies = values.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    var pointers = copies.map { $0.map { UnsafePointer($0) } }
    try put(name) { nc_put_var_string(handle, $0, &pointers) }
  }
  /// Writes a part of a variable; `start` and `count` have one entry a dimension.
  public func put(_ name: String, _ values: [Float], start: [Int], count: [Int]) throws {
    try put(name) { nc_put_vara_float(handle, $0, start, count, values) }
  }
  /// Writes a part of a variable; `start` and `count` have one entry a dimension.
  public func put(_ name: String, _ values: [Double], start: [Int], count: [Int]) throws {
    try put(name) { nc_put_vara_double(handle, $0, start, count, values) }
  }

  /// Writes a part of a variable; `start` and `count` have one entry a dimension.
  public func put(_ name: String, _ values: [Int32], start: [Int], count: [Int]) throws {
    try put(name) { nc_put_vara_int(handle, $0, start, count, values) }
  }

  private func put(_ name: String, _ write: (Int32) -> Int32) throws {
    guard let variable = variables[name] else {
      throw ApusError(.internalFault, "variable was not defined", file: path, variable: name)
    }
    try locked { write(variable.identifier) }
  }

  private func locked(_ body: () -> Int32) throws {
    let status = NetCDFLibrary.locked(body)
    guard status == NC_NOERR else { throw failure(NetCDFLibrary.message(status)) }
  }

  private func failure(_ message: String) -> ApusError {
    ApusError(
      .inputOutput, "writing failed: \(message)", file: path,
      advice: "Free some space and run the same command again.")
  }

  /// Closes the file and gives it its name; an older file of that name is replaced in one instant.
  public func finish() throws {
    isOpen = false
    try locked { nc_close(handle) }
    let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
    let isOnDisk = fsync(descriptor) == 0
    let problem = errno
    guard close(descriptor) == 0, isOnDisk, rename(temporary, target) == 0 else {
      throw failure(String(cString: strerror(isOnDisk ? errno : problem)))
    }
  }
}
