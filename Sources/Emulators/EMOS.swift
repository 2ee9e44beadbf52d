import Basics
import Fields
import Foundation
import Sphere

/// Ensemble model output statistics (Gneiting et al. 2005), semi-local by rows of latitude (Lerch and Baran 2017), with
/// the dependence between points, channels and lead times of past cases (Schaake shuffle, Clark et al. 2004, in the
/// form that draws one member at a time):
///
///     y ~ N(a + b m, c^2 + d^2 s^2),    member = a + b m + sqrt(c^2 + d^2 s^2) z
///
/// m and s^2 are mean and variance of the seeds, in standardised anomalies; a, b, c, d minimise the CRPS of the
/// training cases (closed form of the normal distribution), by number of seeds, lead time, channel and row. z has the
/// ranks, among all past cases, of a past case's own departure from its normal distribution, turned into a standard
/// normal: the marginals are the fitted ones, whatever the past, until `SpectralFinish` gives members their spectrum.
public struct EMOS: Emulator {
  /// See `Emulator`.
  public let domain: EmulatorDomain
  /// See `Emulator`.
  public let seedCounts: [Int]
  /// [number of seeds][lead time][channel][row].
  let lines: [[[[SIMD4<Double>]]]]
  /// z of past cases, one library a number of seeds.
  let libraries: [ResidualLibrary]

  init(
    domain: EmulatorDomain, seedCounts: [Int], lines: [[[[SIMD4<Double>]]]], libraries: [ResidualLibrary]
  ) {
    (self.domain, self.seedCounts, self.lines, self.libraries) = (domain, seedCounts, lines, libraries)
  }

  /// Fits it to hindcasts and their truth (or, for `draw` without truth, to members).
  /// - Throws: `ApusError` of kind `badData` where no start has every lead time.
  public static func fit(_ set: HindcastSet, _ draw: LabelDraw, seed: UInt64, threads: Int) throws -> EMOS {
    let domain = set.domain
    var lines: [[[[SIMD4<Double>]]]] = []
    var libraries: [ResidualLibrary] = []
    let (rows, v) = (domain.grid.latitudeCount, domain.channels.count)
    for (number, count) in draw.seedCounts.enumerated() {
      let choices = set.cases.indices.map { index in
        draw.choose(
          set.members, Philox(seed: seed, purpose: .emulation, UInt64(index), UInt64(number), 20),
          seeds: count)
      }
      let leads = domain.leadHours.count
      let fitted = AlignedBuffer<SIMD4<Double>>(leads * v * rows)
      try Parallel.forEach(leads * v * rows, threads: threads) { place, _ in
        let (lead, channel, row) = (place / (v * rows), place / rows % v, place % rows)
        fitted.pointer[place] = EMOS.fitRow(
          set, choices, cases: set.cases.indices.filter { set.cases[$0].lead == lead }, channel: channel,
          row: row)
      }
      let own = (0..<leads).map { lead in
        (0..<v).map { channel in
          (0..<rows).map { row in fitted.pointer[(lead * v + channel) * rows + row] }
        }
      }
      lines.append(own)
      let library = ResidualLibrary(set, draw, seed: seed, seeds: count) { lead, label, seeds, result in
        EMOS.eachPoint(domain, own[lead], seeds) { i, centre, deviation in
          result[i] = (label[i] - Float(centre)) / Float(deviation)
        }
      }
      guard library.starts > 0 else {
        throw ApusError(
          .badData, "no hindcast has all lead times", expected: "\(domain.leadHours) h from one start")
      }
      EMOS.turnIntoNormals(library)
      libraries.append(library)
    }
    return EMOS(domain: domain, seedCounts: draw.seedCounts, lines: lines, libraries: libraries)
  }

  /// Calls `body` with centre and deviation of the predictive distribution at every point.
  private static func eachPoint(
    _ domain: EmulatorDomain, _ lines: [[SIMD4<Double>]], _ seeds: [UnsafePointer<Float>],
    _ body: (_ i: Int, _ centre: Double, _ deviation: Double) -> Void
  ) {
    let columns = domain.grid.longitudeCount
    var i = 0
    for channel in 0..<domain.channels.count {
      for row in 0..<domain.grid.latitudeCount {
        let p = lines[channel][row]
        for _ in 0..<columns {
          let (m, s2) = moments(seeds, i)
          body(i, p.x + p.y * m, max(p.z * p.z + p.w * p.w * s2, 1e-6).squareRoot())
          i += 1
        }
      }
    }
  }

  private static func moments(_ seeds: [UnsafePointer<Float>], _ i: Int) -> (mean: Double, variance: Double) {
    var (sum, squares) = (0.0, 0.0)
    for seed in seeds { sum += Double(seed[i]) }
    let mean = sum / Double(seeds.count)
    for seed in seeds { squares += (Double(seed[i]) - mean) * (Double(seed[i]) - mean) }
    return (mean, seeds.count > 1 ? squares / Double(seeds.count - 1) : 0)
  }

  /// Minimum-CRPS parameters of one row: regression first, then Newton-like descent on all four.
  private static func fitRow(
    _ set: HindcastSet, _ choices: [(seeds: [Int], label: Int?)], cases: [Int], channel: Int, row: Int
  ) -> SIMD4<Double> {
    let columns = set.domain.grid.longitudeCount
    let start = channel * set.domain.grid.pointCount + row * columns
    var (m, s, y): ([Double], [Double], [Double]) = ([], [], [])
    for index in cases {
      let seeds = choices[index].seeds.map { set.member(index, $0) }
      let label = choices[index].label.map { set.member(index, $0) } ?? set.truth(index)
      // Every second point: neighbours tell the same.
      for i in stride(from: start + index % 2, to: start + columns, by: 2) {
        let (mean, variance) = moments(seeds, i)
        m.append(mean)
        s.append(variance)
        y.append(Double(label[i]))
      }
    }
    let n = Double(max(y.count, 1))
    let (meanM, meanY) = (m.reduce(0, +) / n, y.reduce(0, +) / n)
    var (covariance, variance) = (0.0, 1e-12)
    for i in m.indices {
      covariance += (m[i] - meanM) * (y[i] - meanY)
      variance += (m[i] - meanM) * (m[i] - meanM)
    }
    let slope = covariance / variance
    var error = 0.0
    for i in m.indices {
      let e = y[i] - meanY - slope * (m[i] - meanM)
      error += e * e / n
    }
    let spread = s.reduce(0, +) / n
    // Half of the error variance from the seeds' spread to begin with.
    var p = SIMD4(
      meanY - slope * meanM, slope, (0.5 * error).squareRoot(),
      spread > 0 ? (0.5 * error / spread).squareRoot() : 0)
    /// Mean CRPS and its gradient.
    func loss(_ p: SIMD4<Double>) -> (Double, SIMD4<Double>) {
      var (total, gradient) = (0.0, SIMD4<Double>.zero)
      for i in y.indices {
        let sigma = max(p.z * p.z + p.w * p.w * s[i], 1e-8).squareRoot()
        let z = (y[i] - p.x - p.y * m[i]) / sigma
        let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
        let twice = erf(z / 2.0.squareRoot())  // 2 Phi - 1
        total += sigma * (z * twice + 2 * density - 1 / Double.pi.squareRoot())
        let (byCentre, bySigma) = (-twice, 2 * density - 1 / Double.pi.squareRoot())
        gradient += SIMD4(byCentre, byCentre * m[i], bySigma * p.z / sigma, bySigma * p.w * s[i] / sigma)
      }
      return (total / n, gradient / n)
    }
    // The CRPS's curvature in units of the deviation: steps of that size, halved where they do not help.
    let scale = max(error, 1e-8).squareRoot()
    var step = SIMD4(scale, scale / max(variance / n, 1e-6), scale, spread > 0 ? scale / spread : 0)
    var (value, gradient) = loss(p)
    for _ in 0..<40 {
      let next = p - step * gradient
      let (newValue, newGradient) = loss(next)
      if newValue < value {
        if value - newValue < 1e-7 * value { return next }
        (p, value, gradient) = (next, newValue, newGradient)
        step *= 1.2
      } else {
        step *= 0.4
      }
    }
    return p
  }

  /// Replaces every number by the standard normal of its rank among the starts, point by point.
  private static func turnIntoNormals(_ library: ResidualLibrary) {
    let starts = library.starts
    let scores = (0..<starts).map { Float(NormalQuantile.value((Double($0) + 0.5) / Double(starts))) }
    let stride = library.leads * library.fieldSize
    for place in 0..<stride {
      let values = (0..<starts).map { library.residuals.pointer[$0 * stride + place] }
      for (rank, start) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() {
        library.residuals.pointer[start * stride + place] = scores[rank]
      }
    }
  }

  /// See `Emulator`.
  public var operationsPerDraw: Double? { nil }
  /// See `Emulator`.
  public func makeGenerator() -> any MemberGenerator { Generator(self) }

  private final class Generator: MemberGenerator {
    private let plan: EMOS
    init(_ plan: EMOS) { self.plan = plan }

    func generate(_ draw: EmulatorDraw, into result: UnsafeMutablePointer<Float>) {
      let number = plan.seedCounts.firstIndex(of: draw.seeds.count) ?? 0
      let z = plan.libraries[number].residual(draw)
      EMOS.eachPoint(plan.domain, plan.lines[number][draw.lead], draw.seeds) { i, centre, deviation in
        result[i] = Float(centre + deviation * Double(z[i]))
      }
    }
  }
}

/// Quantiles of the standard normal distribution.
enum NormalQuantile {
  /// The x with Phi(x) = p, by bisection and Newton's method, to rounding.
  static func value(_ p: Double) -> Double {
    var (low, high) = (-40.0, 40.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
