import Basics
import CNetCDF
import Foundation
import Synchronization

/// The C library, one caller at a time: netCDF-C and HDF5 are not re-entrant.
package enum NetCDFLibrary {
  private static let lock = Mutex<Void>(())

  /// Runs `body` while no other thread is in the library.
  package static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock { _ in
      _ = smallTables
      _ = silence?(0, nil, nil)
      return try body()
    }
  }

  /// Every variable of an open file has a table of the chunks in its cache, by default of 4133 places, 33 kB: most of
  /// the memory of an open file, cleared whenever one is opened. No variable here has as many chunks in its cache.
  private static let smallTables: Int32 = nc_set_chunk_cache(4 << 20, 101, 0.75)

  /// HDF5's `H5Eset_auto2`. NetCDF turns HDF5's own error printing off for the thread that comes first
  /// only; on others it would fill standard error when the library merely looks whether something is there.
  private static let silence: SetAutomaticErrors? =
    dlsym(nil, "H5Eset_auto2").map { unsafeBitCast($0, to: SetAutomaticErrors.self) }
  private typealias SetAutomaticErrors =
    @convention(c) (
      Int64, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
    ) -> Int32

  /// What the library says of a status.
  static func message(_ status: Int32) -> String { String(cString: nc_strerror(status)) }
}

/// An attribute of a NetCDF variable or file.
public enum NetCDFAttribute: Sendable, Hashable {
  case text(String)
  case integers([Int32])
  case floats([Float])
  case doubles([Double])

  /// Its text, nil for numbers.
  public var text: String? { if case .text(let text) = self { text } else { nil } }
  /// Its numbers, empty for text.
  public var numbers: [Double] {
    switch self {
    case .text: []
    case .integers(let values): values.map(Double.init)
    case .floats(let values): values.map(Double.init)
    case .doubles(let values): values
    }
  }
}

/// Storage types that Apus writes.
public enum NetCDFType: Sendable {
  case float, double, int32, text

  var code: nc_type {
    switch self {
    case .float: NC_FLOAT
    case .double: NC_DOUBLE
    case .int32: NC_INT
    case .text: NC_STRING
    }
  }
}
