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

  /// Whether a longitude lies from `west` eastwards to `east`, round the date line where that is on the way.
  public static func isBetween(_ longitude: Double, west: Double, east: Double) -> Bool {
    if east - west >= 360 { return true }
    func turn(_ x: Double) -> Double { (x - west).truncatingRemainder(dividingBy: 360) }
    let (place, width) = (turn(longitude), turn(east))
    let positive = { (x: Double) in x < 0 ? x + 360 : x }
    return positive(place) <= positive(width)
  }
}
