import Foundation

/// The variogram score of order 1/2 of some points (Scheuerer and Hamill 2015):
/// sum_jk w_jk (|y_j - y_k|^(1/2) - 1/M sum_i |x_ij - x_ik|^(1/2))^2, w_jk 1 over the distance, scaled to sum 1.
enum Variogram {
  /// [j][k] weights of points of a grid; two points at one place (a pole) have none, they say nothing of structure.
  static func weights(_ points: [Int], latitudes: [Double], longitudes: [Double]) -> [Double] {
    let radian = Double.pi / 180
    let directions = points.map { point in
      let (latitude, longitude) = (
        latitudes[point / longitudes.count] * radian, longitudes[point % longitudes.count] * radian
      )
      return SIMD3(cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude))
    }
    var pairs = [Double](repeating: 0, count: points.count * points.count)
    var sum = 0.0
    for j in points.indices {
      for k in points.indices where k != j {
        let distance = acos(min(1, max(-1, (directions[j] * directions[k]).sum())))
        guard distance > 1e-6 else { continue }
        pairs[j * points.count + k] = 1 / distance
        sum += 1 / distance
      }
    }
    return pairs.map { $0 / max(sum, .leastNormalMagnitude) }
  }

  /// The score; `pool` is [truth, then members][point].
  static func score(_ pool: [Double], _ members: Int, _ d: Int, _ weights: [Double]) -> Double {
    var score = 0.0
    for j in 0..<d { score += row(j, pool, members, d, weights) }
    return score
  }

  /// The pairs of point j with those after it, both ways.
  static func row(_ j: Int, _ pool: [Double], _ members: Int, _ d: Int, _ weights: [Double]) -> Double {
    var score = 0.0
    for k in j + 1..<max(d, j + 1) where weights[j * d + k] > 0 {
      var mean = 0.0
      for i in 1...members { mean += abs(pool[i * d + j] - pool[i * d + k]).squareRoot() }
      let difference = abs(pool[j] - pool[k]).squareRoot() - mean / Double(members)
      score += 2 * weights[j * d + k] * difference * difference
    }
    return score
  }
}
