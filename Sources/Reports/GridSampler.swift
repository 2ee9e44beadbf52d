import Sphere

/// Values of a field between its grid points, bilinear in latitude and longitude, periodic in longitude.
/// Beyond the first and last row of a grid without poles it runs towards the mean of that row.
struct GridSampler {
  /// Where a latitude lies between rows: row `upper` (-1 is the north pole), fraction of the way south.
  struct Row {
    let upper: Int
    let fraction: Double
  }

  private let latitudes: [Double]
  private let rows: Int
  private let columns: Int
  private let values: [Float]
  private let northPole: Float
  private let southPole: Float

  init(_ values: [Float], on grid: SphereGrid) {
    self.values = values
    latitudes = grid.latitudes
    rows = grid.latitudeCount
    columns = grid.longitudeCount
    func mean(ofRow row: Int) -> Float {
      let finite = values[row * grid.longitudeCount..<(row + 1) * grid.longitudeCount].filter(\.isFinite)
      return finite.isEmpty ? .nan : Float(finite.reduce(0.0) { $0 + Double($1) } / Double(finite.count))
    }
    northPole = mean(ofRow: 0)
    southPole = mean(ofRow: rows - 1)
  }

  func row(at latitude: Double) -> Row {
    if latitude >= latitudes[0] {
      let span = 90 - latitudes[0]
      return Row(upper: -1, fraction: span > 1e-6 ? min(max((90 - latitude) / span, 0), 1) : 1)
    }
    var (low, high) = (0, rows)
    while high - low > 1 {
      let middle = (low + high) / 2
      if latitudes[middle] >= latitude { low = middle } else { high = middle }
    }
    let south = low + 1 < rows ? latitudes[low + 1] : -90
    let span = latitudes[low] - south
    return Row(upper: low, fraction: span > 1e-6 ? min(max((latitudes[low] - latitude) / span, 0), 1) : 0)
  }

  private func value(_ row: Int, _ column: Int) -> Float {
    if row < 0 { return northPole }
    if row >= rows { return southPole }
    return values[row * columns + column]
  }

  /// The value at a longitude [degrees east, any turn]; NaN where the nearest grid point has none. The
  /// values that are there stand in for other neighbours that are missing.
  func value(at row: Row, longitude: Double) -> Double {
    var position = longitude / 360 * Double(columns)
    position -= (position / Double(columns)).rounded(.down) * Double(columns)
    let west = min(Int(position), columns - 1)
    let east = west + 1 == columns ? 0 : west + 1
    let (x, y) = (position - Double(west), row.fraction)
    let corners = (
      Double(value(row.upper, west)), Double(value(row.upper, east)), Double(value(row.upper + 1, west)),
      Double(value(row.upper + 1, east))
    )
    let north = corners.0 + (corners.1 - corners.0) * x
    let south = corners.2 + (corners.3 - corners.2) * x
    let result = north + (south - north) * y
    if result.isFinite { return result }
    let nearest = y < 0.5 ? (x < 0.5 ? corners.0 : corners.1) : (x < 0.5 ? corners.2 : corners.3)
    guard nearest.isFinite else { return .nan }
    var (sum, weight) = (0.0, 0.0)
    for (corner, share) in [
      (corners.0, (1 - x) * (1 - y)), (corners.1, x * (1 - y)), (corners.2, (1 - x) * y), (corners.3, x * y),
    ] where corner.isFinite {
      sum += corner * share
      weight += share
    }
    return weight > 0 ? sum / weight : nearest
  }
}
