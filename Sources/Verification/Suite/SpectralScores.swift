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

  /// All sums of zero.
  public init(degrees: Int) {
    let zeros = [Double](repeating: 0, count: degrees)
    (truth, members, ensembleMean, error, spread) = (zeros, zeros, zeros, zeros, zeros)
    (perturbation, crps) = (zeros, zeros)
  }

  /// Adds another case, so that sums over cases can be kept.
  public mutating func add(_ other: SpectralScores) {
    func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map(+) }
    truth = sum(truth, other.truth)
    members = sum(members, other.members)
    ensembleMean = sum(ensembleMean, other.ensembleMean)
    error = sum(error, other.error)
    spread = sum(spread, other.spread)
    perturbation = sum(perturbation, other.perturbation)
    crps = sum(crps, other.crps)
  }

  /// The sums over `count` cases as means.
  public func divided(by count: Int) -> SpectralScores {
    var result = self
    let n = Double(count)
    for path: WritableKeyPath<SpectralScores, [Double]> in [
      \.truth, \.members, \.ensembleMean, \.error, \.spread, \.perturbation, \.crps,
    ] {
      result[keyPath: path] = result[keyPath: path].map { $0 / n }
    }
    return result
  }

  /// Scores of one case; nil where a field has a missing value.
  /// - Parameters:
  ///   - transform: gives grid and degrees.
  ///   - control: its place among the members.
  public init?(
    _ ensemble: EnsembleValues, truth: [Double], control: Int?, transform: SphericalTransform<Double>,
    convention: PowerSpectrum.Convention = .standard, threads: Int = Parallel.defaultThreads
  ) throws {
    guard !truth.contains(where: \.isNaN) else { return nil }
    let (members, degrees) = (ensemble.memberCount, transform.degrees)
    let length = transform.coefficientCount(1)
    @Sendable func power(_ coefficients: [Double]) -> [Double] {
      PowerSpectrum.perDegree(
        coefficients: coefficients, degrees: degrees, orders: transform.orders, convention: convention)
    }
    let base = transform.forward(truth, count: 1)
    // Transforms of differences from the truth: the large common part would eat the digits.
    let groups = min(16, members)
    let powers = AlignedBuffer<Double>(members * degrees * 2)
    let sums = AlignedBuffer<Double>(groups * length)
    let own = control.map { control in
      transform.forward(zip(ensemble.member(control), truth).map(-), count: 1)
    }
    let perturbations = AlignedBuffer<Double>(members * degrees)
    let missing = AlignedBuffer<Int>(groups)
    try Parallel.forEach(groups, threads: threads) { group, _ in
      for member in group * members / groups..<(group + 1) * members / groups {
        let difference = zip(ensemble.member(member), truth).map(-)
        guard !difference.contains(where: \.isNaN) else {
          missing.pointer[group] += 1
          continue
        }
        let a = transform.forward(difference, count: 1)
        let whole = power(zip(a, base).map(+))
        let apart = power(a)
        for l in 0..<degrees {
          powers.pointer[(2 * member) * degrees + l] = whole[l]
          powers.pointer[(2 * member + 1) * degrees + l] = apart[l]
        }
        for i in 0..<length { sums.pointer[group * length + i] += a[i] }
        if let own {
          let p = power(zip(a, own).map(-))
          for l in 0..<degrees { perturbations.pointer[member * degrees + l] = p[l] }
        }
      }
    }
    guard (0..<groups).allSatisfy({ missing.pointer[$0] == 0 }) else { return nil }
    let m = Double(members)
    let mean = (0..<length).map { i in (0..<groups).reduce(0) { $0 + sums.pointer[$1 * length + i] } / m }
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
