import Foundation

/// A place between the points of a grid: fields have there what the four points around it have, bilinearly. Beyond the
/// last row the row itself is taken.
public struct BilinearPlace: Sendable, Hashable {
  private let points: [Int]
  private let shares: [Float]

  /// A place on the sphere.
  /// - Parameters:
  ///   - latitude: [degrees north].
  ///   - longitude: [degrees east], any turn.
  public init(_ grid: SphereGrid, latitude: Double, longitude: Double) {
    let latitudes = grid.latitudes
    let south = latitudes.firstIndex { $0 <= latitude } ?? latitudes.count - 1
    let north = max(south - 1, 0)
    let span = latitudes[north] - latitudes[south]
    let y = span > 0 ? min(max((latitudes[north] - latitude) / span, 0), 1) : 0
    let columns = grid.longitudeCount
    var position = longitude / 360 * Double(columns)
    position -= (position / Double(columns)).rounded(.down) * Double(columns)
    let west = min(Int(position), columns - 1)
    let east = (west + 1) % columns
    let x = position - Double(west)
    points = [north * columns + west, north * columns + east, south * columns + west, south * columns + east]
    shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y].map { Float($0) }
  }

  /// A field's value at the place; `field` is [latitude][longitude] of the grid.
  public func value(_ field: UnsafeBufferPointer<Float>) -> Float {
    zip(points, shares).reduce(0) { $0 + field[$1.0] * $1.1 }
  }
}
