import Basics
import Foundation

/// Multivariate scores on tiles of the sphere, where many points together say whether the fields look right: a score
/// of the whole globe hardly notices (spec/emulators.md 6.2).
///
/// A tile is a cell of latitude and longitude with at most `pointLimit` of its points, taken evenly; tiles are as
/// wide in kilometres everywhere. With p points of a tile, x_i its members and y its truth:
/// - energy score: 1/M sum |x_i - y| - 1/(2 M (M - 1)) sum_ij |x_i - x_j|, |z| = sqrt(mean of z^2) (fair);
/// - variogram score of order 1/2: sum_jk w_jk (|y_j - y_k|^(1/2) - 1/M sum_i |x_ij - x_ik|^(1/2))^2, w_jk 1 over the
///   distance, scaled to sum 1 (Scheuerer and Hamill 2015);
/// - average rank and band depth rank of the truth among the pool of truth and members (Thorarinsdottir et al. 2016).
public struct TileScores: Sendable {
  /// One tile.
  struct Tile: Sendable {
    let points: [Int]
    /// Area of the cell, for means over tiles.
    let weight: Double
    /// [j][k] weights of the variogram score.
    let pairWeights: [Double]
  }

  /// What tiles say of one case.
  public struct Result: Sendable {
    /// Mean over tiles of the fair energy score; NaN for a single member.
    public var energyScore: Double
    /// Mean over tiles of the variogram score.
    public var variogramScore: Double
    /// Average ranks of the truth.
    public var averageRanks: RankHistogram
    /// Band depth ranks of the truth.
    public var bandDepthRanks: RankHistogram
  }

  let tiles: [Tile]
  let memberLimit: Int

  /// Cuts a grid into tiles.
  /// - Parameters:
  ///   - degrees: height of a tile, and its width at the equator.
  ///   - pointLimit: most points of a tile.
  ///   - memberLimit: the first so many members count; cost grows with their square.
  public init(
    latitudes: [Double], longitudes: [Double], degrees: Double = 20, pointLimit: Int = 36,
    memberLimit: Int = 64
  ) {
    self.memberLimit = memberLimit
    let bands = max(1, Int((180 / degrees).rounded()))
    var tiles: [Tile] = []
    let radian = Double.pi / 180
    for band in 0..<bands {
      let (north, south) = (
        90 - 180 * Double(band) / Double(bands), 90 - 180 * Double(band + 1) / Double(bands)
      )
      let isLast = band == bands - 1
      let rows = latitudes.indices.filter {
        latitudes[$0] <= north && (latitudes[$0] > south || isLast && latitudes[$0] >= south)
      }
      let centre = cos((north + south) / 2 * radian)
      let count = max(1, Int((360 / degrees * centre).rounded()))
      for cell in 0..<count {
        let columns = longitudes.indices.filter { column in
          let east = longitudes[column] - 360 * (longitudes[column] / 360).rounded(.down)
          return min(count - 1, Int(east / 360 * Double(count))) == cell
        }
        let all = rows.flatMap { row in columns.map { row * longitudes.count + $0 } }
        guard all.count > 1 else { continue }
        let step = max(1, (all.count + pointLimit - 1) / pointLimit)
        let points = stride(from: 0, to: all.count, by: step).map { all[$0] }
        guard points.count > 1 else { continue }
        tiles.append(
          Tile(
            points: points, weight: centre / Double(count),
            pairWeights: Variogram.weights(points, latitudes: latitudes, longitudes: longitudes)))
      }
    }
    self.tiles = tiles
  }

  /// Scores one case; tiles with a missing value are left out.
  /// - Parameter ties: draws among equal ranks.
  public func score(
    _ ensemble: EnsembleValues, truth: [Double], ties: Philox, threads: Int = Parallel.defaultThreads
  ) throws -> Result {
    let members = min(ensemble.memberCount, memberLimit)
    let values = AlignedBuffer<Double>(tiles.count * 2)
    let ranks = AlignedBuffer<Int32>(tiles.count * 2)
    try Parallel.forEach(tiles.count, threads: threads) { number, _ in
      let tile = self.tiles[number]
      let d = tile.points.count
      // Row 0 is the truth; differences from it keep the digits.
      var pool = [Double](repeating: 0, count: (members + 1) * d)
      for (j, point) in tile.points.enumerated() {
        for i in 0..<members { pool[(i + 1) * d + j] = ensemble[i, point] - truth[point] }
      }
      guard !pool.contains(where: \.isNaN) else {
        for i in 0..<2 {
          values.pointer[2 * number + i] = .nan
          ranks.pointer[2 * number + i] = -1
        }
        return
      }
      values.pointer[2 * number] = Self.energy(pool, members, d)
      // The variogram needs the fields themselves.
      for j in 0..<d { for i in 0...members { pool[i * d + j] += truth[tile.points[j]] } }
      values.pointer[2 * number + 1] = Variogram.score(pool, members, d, tile.pairWeights)
      let (average, depth) = Self.preRanks(pool, members, d)
      ranks.pointer[2 * number] = Self.rank(average, ties, UInt64(2 * number))
      ranks.pointer[2 * number + 1] = Self.rank(depth, ties, UInt64(2 * number + 1))
    }
    func mean(_ place: Int) -> Double {
      var (sum, weight) = (0.0, 0.0)
      for (number, tile) in tiles.enumerated() where !values.pointer[2 * number + place].isNaN {
        sum += tile.weight * values.pointer[2 * number + place]
        weight += tile.weight
      }
      return weight > 0 ? sum / weight : .nan
    }
    func histogram(_ place: Int) -> RankHistogram {
      RankHistogram(members: members, ranks: tiles.indices.map { ranks.pointer[2 * $0 + place] })
    }
    return Result(
      energyScore: mean(0), variogramScore: mean(1), averageRanks: histogram(0),
      bandDepthRanks: histogram(1))
  }

  static func energy(_ pool: [Double], _ members: Int, _ d: Int) -> Double {
    func norm(_ a: Int, _ b: Int) -> Double {
      var sum = 0.0
      for j in 0..<d {
        let x = pool[a * d + j] - pool[b * d + j]
        sum += x * x
      }
      return (sum / Double(d)).squareRoot()
    }
    guard members > 1 else { return .nan }
    var (error, apart) = (0.0, 0.0)
    for i in 1...members {
      error += norm(i, 0)
      for k in i + 1..<max(members + 1, i + 1) { apart += norm(i, k) }
    }
    let m = Double(members)
    return error / m - apart / (m * (m - 1))
  }

  /// Average rank over the points, and band depth, of the truth (first) and every member.
  static func preRanks(_ pool: [Double], _ members: Int, _ d: Int) -> (average: [Double], depth: [Double]) {
    let n = members + 1
    var average = [Double](repeating: 0, count: n)
    var depth = average
    for j in 0..<d {
      let order = (0..<n).sorted { pool[$0 * d + j] < pool[$1 * d + j] }
      var place = 0
      while place < n {
        // Equal values share the mean of their ranks.
        var end = place + 1
        while end < n && pool[order[end] * d + j] == pool[order[place] * d + j] { end += 1 }
        let rank = Double(place + end - 1) / 2 + 1
        for k in place..<end {
          average[order[k]] += rank
          depth[order[k]] += (Double(n) - rank) * (rank - 1)
        }
        place = end
      }
    }
    return (average, depth)
  }

  /// Members below the truth, equal ones by chance.
  static func rank(_ values: [Double], _ ties: Philox, _ number: UInt64) -> Int32 {
    let own = values[0]
    let below = values.dropFirst().count { $0 < own }
    let equal = values.dropFirst().count { $0 == own }
    return Int32(below + (equal == 0 ? 0 : ties.integer(below: equal + 1, number)))
  }
}
