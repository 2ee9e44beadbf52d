import Basics
import Foundation

/// The scores of eight points from their sorted members: the formulae of `PointScore` and `EventScore`, lane by lane.
struct ScoreColumn {
  /// Members in ascending order, M rows; lanes with a missing member hold zeros.
  let rows: UnsafePointer<Lanes>
  let members: Int
  /// Truth; NaN where missing.
  let truth: Lanes
  /// Lanes with all members.
  let isComplete: SIMDMask<SIMD8<Int64>>

  typealias Mask = SIMDMask<SIMD8<Int64>>

  @inline(__always) static func absolute(_ x: Lanes) -> Lanes { x.replacing(with: -x, where: x .< 0) }

  @inline(__always) static func positivePart(_ x: Lanes) -> Lanes { x.replacing(with: 0, where: x .< 0) }

  /// What ranks are drawn from.
  struct Ranks {
    var below = Lanes.zero
    var equal = Lanes.zero
  }

  /// Scores of the members and the truth alone, written to their places of `fields`.
  @inline(__always)
  func scores(alpha: Double, into fields: UnsafeMutablePointer<Lanes>) -> (ranks: Ranks, mean: Lanes) {
    let m = Double(members)
    let empirical = 1 / (m * m)
    let fair = members > 1 ? 1 / (m * (m - 1)) : .nan
    let almostFair = (m - 1 + alpha) / m * fair
    // Differences from the truth and from the least member: no cancellation for pressures.
    let least = rows[0]
    var (absoluteError, differences, sum) = (Lanes.zero, Lanes.zero, Lanes.zero)
    var best = Lanes(repeating: .infinity)
    var ranks = Ranks()
    var factor = Double(1 - members)
    for k in 0..<members {
      let x = rows[k]
      let error = Self.absolute(x - truth)
      absoluteError += error
      best.replace(with: error, where: error .< best)
      let excess = x - least
      differences += excess * factor
      factor += 2
      sum += excess
      ranks.below.replace(with: ranks.below + 1, where: x .< truth)
      ranks.equal.replace(with: ranks.equal + 1, where: x .== truth)
    }
    let average = sum / m
    var squares = Lanes.zero
    for k in 0..<members {
      let d = rows[k] - least - average
      squares += d * d
    }
    let mean = least + average
    let first = absoluteError / m
    let error = mean - truth
    let known = isComplete .& (truth .== truth)
    @inline(__always) func put(_ score: Int, _ value: Lanes, _ mask: Mask) {
      fields[score] = Lanes(repeating: .nan).replacing(with: value, where: mask)
    }
    put(Place.crps, first - differences * empirical, known)
    put(Place.crpsFair, first - differences * fair, known)
    put(Place.crpsAlmostFair, first - differences * almostFair, known)
    put(Place.meanSquareError, error * error, known)
    put(Place.meanAbsoluteError, Self.absolute(error), known)
    put(Place.bias, error, known)
    let variance = squares / (m - 1)
    // Spread and error of the same points, or their ratio would mean nothing.
    put(Place.variance, members > 1 ? variance : Lanes(repeating: .nan), known)
    put(Place.bestMember, best * best, known)
    let deviation = (squares / m).squareRoot()
    let above = rows[members - 1] - mean
    let under = mean - least
    put(
      Place.gain, above.replacing(with: under, where: under .> above) / deviation,
      isComplete .& (deviation .> 0))
    let outside = Lanes.zero.replacing(with: 1, where: (truth .< least) .| (truth .> rows[members - 1]))
    put(Place.outlier, outside, known)
    var logScore = Lanes.zero
    if members > 1 {
      for lane in 0..<8 {
        logScore[lane] =
          0.5 * (log(2 * .pi * variance[lane]) + error[lane] * error[lane] / variance[lane])
      }
      put(Place.logScore, logScore, known .& (variance .> 0))
    } else {
      fields[Place.logScore] = Lanes(repeating: .nan)
    }
    return (ranks, mean)
  }

  /// Scores of an event; returns the number of members beyond the threshold.
  ///
  /// Members before the first beyond the threshold add nothing but their number, so a rare event costs few rows.
  @inline(__always)
  func event(
    threshold t: Lanes, isBelow: Bool, control: Lanes?, logarithms: UnsafePointer<Double>,
    into fields: UnsafeMutablePointer<Lanes>
  ) -> (beyond: Lanes, came: Mask, known: Mask) {
    let m = Double(members)
    // A cold tail is a warm one with the signs turned.
    let sign: Double = isBelow ? -1 : 1
    let truthExcess = (truth - t) * sign
    let y = Self.positivePart(truthExcess)
    @inline(__always) func excess(_ k: Int) -> Lanes { (rows[isBelow ? members - 1 - k : k] - t) * sign }
    // The first row with a lane beyond.
    var (low, high) = (0, members)
    while low < high {
      let middle = (low + high) / 2
      if any(excess(middle) .> 0) { high = middle } else { low = middle + 1 }
    }
    var beyond = Lanes.zero
    // sums over members beyond of excess, rank x excess and |excess - y|
    var (sum, weighted, apart, nearest) = (Lanes.zero, Lanes.zero, Lanes.zero, excess(members - 1))
    for k in low..<members {
      let z = excess(k)
      let isBeyond = z .> 0
      beyond.replace(with: beyond + 1, where: isBeyond)
      let part = z.replacing(with: 0, where: .!isBeyond)
      sum += part
      weighted += part * Double(k)
      apart += Self.absolute(part - y).replacing(with: 0, where: .!isBeyond)
    }
    nearest = Self.absolute(nearest - truthExcess)
    let known = isComplete .& (truth .== truth) .& (t .== t)
    let came = truthExcess .> 0
    @inline(__always) func put(_ score: Int, _ value: Lanes, _ mask: Mask) {
      fields[score] = Lanes(repeating: .nan).replacing(with: value, where: mask)
    }
    // sum (2 k - M + 1) z_(k) over all members
    let differences = weighted * 2 - sum * (m - 1)
    let first = (apart + y * (Lanes(repeating: m) - beyond)) / m
    put(EventPlace.twcrps, first - differences / (m * m), known)
    put(
      EventPlace.twcrpsFair,
      members > 1 ? first - differences / (m * (m - 1)) : Lanes(repeating: .nan), known)
    // The same over the `beyond` members alone, whose ranks begin at M - beyond.
    let inner = weighted * 2 - sum * (Lanes(repeating: 2 * m - 1) - beyond)
    let some = beyond .> 0
    let ow = (apart / beyond - inner / (beyond * beyond)).replacing(with: nearest, where: .!some)
    put(EventPlace.owcrps, ow, known .& came)
    let p = beyond / m
    let o = Lanes.zero.replacing(with: 1, where: came)
    let brier = (p - o) * (p - o)
    put(EventPlace.brier, brier, known)
    put(
      EventPlace.brierFair,
      members > 1
        ? brier - beyond * (Lanes(repeating: m) - beyond) / (m * m * (m - 1)) : Lanes(repeating: .nan), known)
    // Of the points of the Brier score, which is compared with them.
    put(EventPlace.probability, p, known)
    put(EventPlace.frequency, o, known)
    if let control {
      put(
        EventPlace.twmaeControl, Self.absolute(Self.positivePart((control - t) * sign) - y),
        known .& (control .== control))
    } else {
      fields[EventPlace.twmaeControl] = Lanes(repeating: .nan)
    }
    var score = Lanes.zero
    for lane in 0..<8 {
      let k = Int(beyond[lane])
      score[lane] = logarithms[came[lane] ? k : members - k]
    }
    put(EventPlace.logScore, score, known)
    return (beyond, came, known)
  }

  /// Adds alpha_i and beta_i of `CRPSDecomposition` for each region with weights here.
  @inline(__always)
  func decompose(
    weights: UnsafePointer<Lanes>, regions: UnsafePointer<Int>, regionCount: Int,
    into sums: UnsafeMutablePointer<Lanes>
  ) {
    let known = isComplete .& (truth .== truth)
    let zero = Lanes.zero
    let rowLength = 2 * (members + 1)
    for i in 0...members {
      let (a, b): (Lanes, Lanes)
      if i == 0 {
        (a, b) = (zero, Self.positivePart(rows[0] - truth))
      } else if i == members {
        (a, b) = (Self.positivePart(truth - rows[members - 1]), zero)
      } else {
        let (low, high) = (rows[i - 1], rows[i])
        let y = truth.replacing(with: low, where: truth .< low).replacing(with: high, where: truth .> high)
        (a, b) = (y - low, high - y)
      }
      let (alpha, beta) = (a.replacing(with: 0, where: .!known), b.replacing(with: 0, where: .!known))
      for r in 0..<regionCount {
        let place = sums + regions[r] * rowLength + 2 * i
        place[0] += weights[regions[r]] * alpha
        place[1] += weights[regions[r]] * beta
      }
    }
  }

  /// Places in the fields, known to the compiler.
  enum Place {
    static let crps = 0, crpsFair = 1, crpsAlmostFair = 2, meanSquareError = 3, meanAbsoluteError = 4,
      bias = 5
    static let variance = 6, control = 7, controlAbsolute = 8, persistence = 9, climatology = 10
    static let climatologyCRPS = 11, logScore = 12, bestMember = 13, gain = 14, outlier = 15
    static let anomalyProduct = 16, forecastAnomaly = 17, truthAnomaly = 18
    static let crpsFairBesideClimate = 19, pointsScored = 20
    static let count = 21
  }
  enum EventPlace {
    static let twcrps = 0, twcrpsFair = 1, owcrps = 2, twmaeControl = 3, brier = 4, brierFair = 5
    static let logScore = 6, probability = 7, frequency = 8
    static let count = 9
  }
}
