import Foundation

/// Flat maps of the whole globe. Plane coordinates are in units of the globe's radius, x east from the
/// central meridian, y north from the equator.
public enum MapProjection: String, Sendable, Codable, CaseIterable {
  /// Robinson's compromise projection, from his published table every 5 degrees (Robinson 1974;
  /// Snyder and Voxland 1989, USGS Professional Paper 1453, p. 82), interpolated by cubic pieces.
  case robinson
  /// Longitude and latitude as they are (plate carrée).
  case equirectangular

  /// Half the width of the map.
  public var halfWidth: Double { self == .robinson ? 0.8487 * .pi : .pi }
  /// Half the height of the map.
  public var halfHeight: Double { self == .robinson ? 1.3523 : .pi / 2 }

  // Length of the parallel and distance of the parallel from the equator, 0, 5, ... 90 degrees.
  private static let parallelLength = [
    1.0000, 0.9986, 0.9954, 0.9900, 0.9822, 0.9730, 0.9600, 0.9427, 0.9216, 0.8962, 0.8679, 0.8350, 0.7986,
    0.7597, 0.7186, 0.6732, 0.6213, 0.5722, 0.5322,
  ]
  private static let parallelDistance = [
    0.0000, 0.0620, 0.1240, 0.1860, 0.2480, 0.3100, 0.3720, 0.4340, 0.4958, 0.5571, 0.6176, 0.6769, 0.7346,
    0.7903, 0.8435, 0.8936, 0.9394, 0.9761, 1.0000,
  ]

  /// Cubic Hermite interpolation at |latitude|, slopes from centred differences; `parity` is -1 for a
  /// quantity odd about the equator, +1 for an even one.
  private static func interpolate(_ table: [Double], at latitude: Double, parity: Double) -> Double {
    let position = min(abs(latitude), 90) / 5
    let at = min(Int(position), table.count - 2)
    let t = position - Double(at)
    let last = table.count - 1
    func slope(_ i: Int) -> Double {
      if i == 0 { return (table[1] - parity * table[1]) / 2 }
      if i == last { return table[last] - table[last - 1] }
      return (table[i + 1] - table[i - 1]) / 2
    }
    let (a, b, p, q) = (table[at], table[at + 1], slope(at), slope(at + 1))
    let (t2, t3) = (t * t, t * t * t)
    return (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * p + (3 * t2 - 2 * t3) * b + (t3 - t2) * q
  }

  /// x per radian of longitude on the parallel at `latitude` [degrees].
  func widthPerRadian(at latitude: Double) -> Double {
    switch self {
    case .robinson: 0.8487 * Self.interpolate(Self.parallelLength, at: latitude, parity: 1)
    case .equirectangular: 1
    }
  }

  /// y of the parallel at `latitude` [degrees].
  func height(of latitude: Double) -> Double {
    switch self {
    case .robinson:
      (latitude < 0 ? -1.3523 : 1.3523) * Self.interpolate(Self.parallelDistance, at: latitude, parity: -1)
    case .equirectangular: latitude * .pi / 180
    }
  }

  /// The latitude [degrees] of the parallel at `y`; nil outside the map.
  func latitude(at y: Double) -> Double? {
    guard abs(y) <= halfHeight else { return nil }
    if self == .equirectangular { return y * 180 / .pi }
    var (low, high) = (-90.0, 90.0)
    for _ in 0..<52 {
      let middle = (low + high) / 2
      if height(of: middle) < y { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The place on the map of `longitude` (-180...180, from the central meridian) and `latitude` [degrees].
  public func forward(longitude: Double, latitude: Double) -> (x: Double, y: Double) {
    (longitude * .pi / 180 * widthPerRadian(at: latitude), height(of: latitude))
  }

  /// The longitude (-180...180, from the central meridian) and latitude [degrees] of a place on the map;
  /// nil outside the map.
  public func inverse(x: Double, y: Double) -> (longitude: Double, latitude: Double)? {
    guard let latitude = latitude(at: y) else { return nil }
    let longitude = x / widthPerRadian(at: latitude) * 180 / .pi
    guard abs(longitude) <= 180 + 1e-9 else { return nil }
    return (min(max(longitude, -180), 180), latitude)
  }
}
