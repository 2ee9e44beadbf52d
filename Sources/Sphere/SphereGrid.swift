import Basics
import Foundation

/// A regular grid on the sphere: rows of equal latitude from north to south, columns from 0 degrees east.
public struct SphereGrid: Sendable, Hashable, CustomStringConvertible {
  /// How the latitudes are chosen.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Roots of the Legendre polynomial; makani's `legendre-gauss`, CDO's `gaussian`.
    case gaussian
    /// Equal steps including both poles; makani's `equiangular`, CDO's `lonlat`.
    case equiangular
  }

  /// How the latitudes are chosen.
  public let kind: Kind
  /// Number of rows.
  public let latitudeCount: Int
  /// Number of columns.
  public let longitudeCount: Int
  /// Colatitudes [radian] of the rows, north to south.
  public let colatitudes: [Double]
  /// Quadrature weights of the rows over cos(colatitude); they sum to 2.
  public let quadratureWeights: [Double]

  /// Latitudes [degrees north] of the rows, north to south.
  public var latitudes: [Double] { colatitudes.map { 90 - $0 * 180 / .pi } }
  /// Longitudes [degrees east] of the columns, from 0.
  public var longitudes: [Double] { (0..<longitudeCount).map { 360 * Double($0) / Double(longitudeCount) } }
  /// Number of grid points.
  public var pointCount: Int { latitudeCount * longitudeCount }
  /// Area weight of each row so that the mean over all points of (weight x value) is the area mean;
  /// from the quadrature, hence exact for band-limited fields.
  public var areaWeights: [Double] {
    quadratureWeights.map { $0 * Double(latitudeCount) / 2 }
  }
  /// Share of each row's points in an area mean, from the quadrature: sum 1 over all points of the grid.
  public var areaShares: [Double] { quadratureWeights.map { $0 / (2 * Double(longitudeCount)) } }
  /// Weight cos(latitude) of each row, normalised to mean 1: what scores use (spec/hens.md 2.4).
  public var cosineWeights: [Double] {
    let raw = colatitudes.map { sin($0) }
    let mean = raw.reduce(0, +) / Double(latitudeCount)
    return raw.map { $0 / mean }
  }
  /// Highest degree l that the quadrature transforms exactly and the longitudes resolve, exclusive.
  public var defaultDegreeCount: Int {
    let rows = kind == .gaussian ? latitudeCount : (latitudeCount + 1) / 2
    return min(rows, longitudeCount / 2 + 1)
  }

  /// In words.
  public var description: String { "\(kind.rawValue) \(latitudeCount) x \(longitudeCount)" }

  /// A grid of the given kind and size.
  /// - Throws: `ApusError` where there are fewer than 2 rows (3 with poles) or 2 columns.
  public init(_ kind: Kind, latitudes: Int, longitudes: Int) throws {
    guard latitudes >= (kind == .equiangular ? 3 : 2), longitudes >= 2 else {
      throw ApusError(
        .badData, "grid is too small", found: "\(kind.rawValue) \(latitudes) x \(longitudes)",
        expected: "at least 3 x 2")
    }
    self.kind = kind
    latitudeCount = latitudes
    longitudeCount = longitudes
    switch kind {
    case .gaussian: (colatitudes, quadratureWeights) = Quadrature.gaussLegendre(latitudes)
    case .equiangular: (colatitudes, quadratureWeights) = Quadrature.clenshawCurtis(latitudes)
    }
  }

  /// The grid that these coordinates belong to, whichever way they run; files keep coordinates as
  /// float32, hence a tolerance of 1e-3 degrees.
  /// - Parameters:
  ///   - latitudes: [degrees north], either order.
  ///   - longitudes: [degrees east], from 0 or from -180, increasing.
  ///   - file: named in the error.
  /// - Throws: `ApusError` of kind `badData` where no supported grid fits.
  public static func detect(latitudes: [Double], longitudes: [Double], file: String? = nil) throws
    -> SphereGrid
  {
    let columns = longitudes.count
    let southward = (latitudes.first ?? 0) > (latitudes.last ?? 0) ? latitudes : latitudes.reversed()
    func fits(_ grid: SphereGrid) -> Bool {
      zip(grid.latitudes, southward).allSatisfy { abs($0 - $1) < 1e-3 }
    }
    let step = 360 / Double(max(columns, 1))
    let regular = zip(longitudes, longitudes.dropFirst()).allSatisfy { abs($1 - $0 - step) < 1e-3 }
    let origin = (longitudes.first ?? 0) / step
    if regular, columns >= 2, abs(origin - origin.rounded()) < 1e-3 {
      for kind in Kind.allCases {
        if let grid = try? SphereGrid(kind, latitudes: southward.count, longitudes: columns), fits(grid) {
          return grid
        }
      }
    }
    let span =
      "\(latitudes.first ?? 0)...\(latitudes.last ?? 0) x \(longitudes.first ?? 0)...\(longitudes.last ?? 0)"
    throw ApusError(
      .badData, "unknown grid", file: file,
      found: "\(latitudes.count) latitudes x \(columns) longitudes (\(span) degrees)",
      expected: "a global Gaussian grid, or a global regular grid with both poles",
      advice: "Interpolate first, for example with: cdo remapbil,grids/gaussian_48x96.txt in.nc out.nc")
  }
}
