import Sphere

/// A part of the globe that scores are averaged over.
public struct Region: Sendable {
  /// Its name in files.
  public let name: String
  /// Weight of every point, [point]: cos(latitude) within the region, 0 outside; not scaled.
  public let weights: [Double]

  /// Points of a grid that `contains` holds of.
  /// - Parameters:
  ///   - latitudes: of the rows [degrees north].
  ///   - longitudes: of the columns [degrees east].
  ///   - share: [point], 0...1: how much of a point counts, such as its land; nil: all.
  public init(
    _ name: String, latitudes: [Double], longitudes: [Double], share: [Double]? = nil,
    where contains: (_ latitude: Double, _ longitude: Double) -> Bool
  ) {
    self.name = name
    let rows = AreaWeights(latitudes: latitudes, columns: longitudes.count).rows
    var weights: [Double] = []
    weights.reserveCapacity(latitudes.count * longitudes.count)
    for (row, latitude) in latitudes.enumerated() {
      for longitude in longitudes {
        let part = share?[weights.count] ?? 1
        weights.append(contains(latitude, longitude) && part > 0 ? rows[row] * part : 0)
      }
    }
    self.weights = weights
  }
}
