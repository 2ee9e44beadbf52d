import Basics
import Sphere

/// What an ensemble's fields say scale by scale: power, error and spread per degree l, and the CRPS of power.
public struct SpectralScores: Sendable, Codable {
  /// Power of the truth, by degree, in the variable's unit squared.
  public var truth: [Double]
  /// Mean over the members of their power.
  public var members: [Double]
  /// Power of the ensemble mean.
  public var ensembleMean: [Double]
  /// Power of the error of the ensemble mean.
  public var error: [Double]
  /// Power of the members' deviations from their mean, with M - 1 in the denominator: 1/(M - 1) sum |x_i - mean|^2.
  public var spread: [Double]
  /// Power of the members' differences from the control, averaged over members; zeros without one.
  public var perturbation: [Double]
  /// Fair CRPS of each degree's power among the members' against the truth's.
  public var crps: [Double]

  /// sqrt((M + 1)/M spread / error) by degree: 1 of a reliable ensemble at that scale.
  public func spreadSkillRatio(members: Int) -> [Double] {
    let factor = Double(members + 1) / Double(members)
    return zip(spread, error).map { (factor * $0 / $1).squareRoot() }
  }

  /// All seven, one after the other, in the order they stand above.
  public var row: [Double] {
    [truth, members, ensembleMean, error, spread, perturbation, crps].flatMap { $0 }
  }

  /// The seven of a row.
  init(row: [Double]) {
    let degrees = row.count / 7
    func field(_ number: Int) -> [Double] { Array(row[number * degrees..<(number + 1) * degrees]) }
    (truth, members, ensembleMean, error) = (field(0), field(1), field(2), field(3))
    (spread, perturbation, crps) = (field(4), field(5), field(6))
  }

  /// `row`, then the ratio of spread to skill.
  public func statistics(members: Int) -> [Double] { row + spreadSkillRatio(members: members) }

  /// Adds another case, so that sums over cases can be kept.
  public mutating func add(_ other: SpectralScores) {
    self = SpectralScores(row: zip(row, other.row).map(+))
  }

  /// The sums over `count` cases as means.
  public func divided(by count: Int) -> SpectralScores {
    SpectralScores(row: row.map { $0 / Double(count) })
  }

  /// Scores of one case; nil where a field has a missing value.
  /// - Parameters:
  ///   - members: their number.
  ///   - transform: gives grid and degrees.
  ///   - control: its place among the members.
  ///   - fields: some members, [member][point]; called for one group of neighbours after the other, so that few need
  ///     be in memory.
  public init?(
    members: Int, truth: [Double], control: Int?, transform: SphericalTransform<Double>,
    convention: PowerSpectrum.Convention = .standard, threads: Int = Parallel.defaultThreads,
    fields: (Range<Int>) throws -> EnsembleValues
  ) throws {
    guard !truth.contains(where: \.isNaN) else { return nil }
    let degrees = transform.degrees
    let length = transform.coefficientCount(1)
    @Sendable func power(_ coefficients: [Double]) -> [Double] {
      PowerSpectrum.perDegree(
        coefficients: coefficients, degrees: degrees, orders: transform.orders, convention: convention)
    }
    let base = transform.forward(truth, count: 1)
    // Transforms of differences from the truth: the large common part would eat the digits.
    let powers = AlignedBuffer<Double>(members * degrees * 2)
    let perturbations = AlignedBuffer<Double>(members * degrees)
    let own = try control.map { control in
      transform.forward(zip(try fields(control..<control + 1).member(0), truth).map(-), count: 1)
    }
    var sum = [Double](repeating: 0, count: length)
    // Groups of eight sums, whatever the threads.
    let (groupSize, parts) = (64, 8)
    for first in stride(from: 0, to: members, by: groupSize) {
      let range = first..<min(members, first + groupSize)
      let group = try fields(range)
      let sums = AlignedBuffer<Double>(parts * length)
      let missing = AlignedBuffer<Int>(parts)
      try Parallel.forEach(parts, threads: threads) { part, _ in
        for place in part * range.count / parts..<(part + 1) * range.count / parts {
          let member = first + place
          let difference = zip(group.member(place), truth).map(-)
          guard !difference.contains(where: \.isNaN) else {
            missing.pointer[part] += 1
            continue
          }
          let a = transform.forward(difference, count: 1)
          let whole = power(zip(a, base).map(+))
          let apart = power(a)
          for l in 0..<degrees {
            powers.pointer[(2 * member) * degrees + l] = whole[l]
            powers.pointer[(2 * member + 1) * degrees + l] = apart[l]
          }
          for i in 0..<length { sums.pointer[part * length + i] += a[i] }
          if let own {
            let p = power(zip(a, own).map(-))
            for l in 0..<degrees { perturbations.pointer[member * degrees + l] = p[l] }
          }
        }
      }
      guard (0..<parts).allSatisfy({ missing.pointer[$0] == 0 }) else { return nil }
      for part in 0..<parts { for i in 0..<length { sum[i] += sums.pointer[part * length + i] } }
    }
    let m = Double(members)
    let mean = sum.map { $0 / m }
    self.truth = power(base)
    error = power(mean)
    ensembleMean = power(zip(mean, base).map(+))
    let errorPower = error
    self.members = (0..<degrees).map { l in
      (0..<members).reduce(0) { $0 + powers.pointer[2 * $1 * degrees + l] } / m
    }
    spread = (0..<degrees).map { l in
      let all = (0..<members).reduce(0) { $0 + powers.pointer[(2 * $1 + 1) * degrees + l] } / m
      return members > 1 ? max(0, all - errorPower[l]) * m / (m - 1) : .nan
    }
    let others = Double(max(1, members - 1))
    perturbation = (0..<degrees).map { l in
      (0..<members).reduce(0) { $0 + perturbations.pointer[$1 * degrees + l] } / others
    }
    let byDegree = EnsembleValues(
      (0..<members).flatMap { member in (0..<degrees).map { powers.pointer[2 * member * degrees + $0] } },
      members: members)
    let scores = try PointwiseScores(byDegree, truth: self.truth, threads: 1)
    crps = members > 1 ? scores.crpsFair : scores.crps
  }
}
