import Basics

/// The energy score of whole fields (Gneiting and Raftery 2007):
/// ES = 1/M sum_i |x_i - y| - 1/(2 M^2) sum_ij |x_i - x_j|, where |z| is the root of the area-weighted mean
/// square of the field z. With a single point it is the empirical CRPS.
public enum EnergyScore {
  /// The score of one time, in the variable's unit; O(M^2 x points).
  ///
  /// Points where the truth or any member is NaN are left out and the weights renormalised; NaN where
  /// nothing is left.
  public static func value(
    _ ensemble: EnsembleValues, truth: [Double], weights: AreaWeights, threads: Int = Parallel.defaultThreads
  ) throws -> Double {
    try values(ensemble, truth: truth, weights: weights, threads: threads).empirical
  }

  /// The same with its fair form, 1/(2 M (M - 1)) in place of 1/(2 M^2), NaN for a single member.
  public static func values(
    _ ensemble: EnsembleValues, truth: [Double], weights: AreaWeights, threads: Int = Parallel.defaultThreads
  ) throws -> (empirical: Double, fair: Double) {
    precondition(ensemble.pointCount == truth.count && weights.pointCount == truth.count)
    let (members, points) = (ensemble.memberCount, ensemble.pointCount)
    // Tiles of points small enough for the cache; each row of pairs is summed by one thread, tile after
    // tile, so that the order of every sum is fixed.
    let width = max(16, min(1024, (1 << 17) / (members + 1)) / 8 * 8)
    let tile = AlignedBuffer<Lanes>(members * width / 8)
    let toTruth = AlignedBuffer<Double>(members)
    let toMembers = AlignedBuffer<Double>(members * members)
    var totalWeight = 0.0
    for start in stride(from: 0, to: points, by: width) {
      let count = min(width, points - start)
      var roots = [Double](repeating: 0, count: width)
      for i in 0..<count {
        let point = start + i
        var isMissing = truth[point].isNaN
        for member in 0..<members where !isMissing { isMissing = ensemble[member, point].isNaN }
        let weight = isMissing ? 0 : weights.rows[point / weights.columns]
        roots[i] = weight.squareRoot()
        totalWeight += weight
      }
      let scale = roots
      let rows = width / 8
      try Parallel.forEach(members, threads: threads) { member, _ in
        var sum = Lanes.zero
        for row in 0..<rows {
          var values = Lanes.zero
          for lane in 0..<8 {
            let i = row * 8 + lane
            // Differences from the truth first: scaled values would lose digits for pressures.
            if scale[i] > 0 { values[lane] = (ensemble[member, start + i] - truth[start + i]) * scale[i] }
          }
          tile.pointer[member * rows + row] = values
          sum += values * values
        }
        toTruth.pointer[member] += sum.sum()
      }
      // Row i pairs with all later members; rows i and M - 1 - i together are equally long.
      try Parallel.forEach((members + 1) / 2, threads: threads) { half, _ in
        for i in Set([half, members - 1 - half]).sorted() {
          let left = tile.pointer + i * rows
          for j in i + 1..<max(members, i + 1) {
            let right = tile.pointer + j * rows
            var sum = Lanes.zero
            for row in 0..<rows {
              let d = left[row] - right[row]
              sum += d * d
            }
            toMembers.pointer[i * members + j] += sum.sum()
          }
        }
      }
    }
    guard totalWeight > 0 else { return (.nan, .nan) }
    var (error, difference) = (0.0, 0.0)
    for i in 0..<members {
      error += (toTruth.pointer[i] / totalWeight).squareRoot()
      for j in i + 1..<max(members, i + 1) {
        difference += (toMembers.pointer[i * members + j] / totalWeight).squareRoot()
      }
    }
    let m = Double(members)
    return (
      error / m - difference / (m * m),
      members > 1 ? error / m - difference / (m * (m - 1)) : .nan
    )
  }
}
