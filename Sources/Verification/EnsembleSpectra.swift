import Basics
import Sphere

/// Power per degree of members, their mean and the truth, see `PowerSpectrum`.
public struct EnsembleSpectra: Sendable {
  /// Mean over the members of the members' spectra, by degree, in the variable's unit squared.
  public let memberMean: [Double]
  /// Spectrum of every member, [member][degree].
  public let members: [[Double]]
  /// Spectrum of the ensemble mean: below the members' where the ensemble has lost predictability.
  public let ensembleMean: [Double]
  /// Spectrum of the truth, where given.
  public let truth: [Double]?

  /// Computes the spectra of one time.
  /// - Parameters:
  ///   - ensemble: [member][point of `transform.grid`]; a field with NaN has NaN power.
  ///   - transform: gives grid and degrees.
  public init(
    _ ensemble: EnsembleValues, truth: [Double]? = nil, transform: SphericalTransform<Double>,
    convention: PowerSpectrum.Convention = .standard, threads: Int = Parallel.defaultThreads
  ) throws {
    let (count, points) = (ensemble.memberCount, ensemble.pointCount)
    let degrees = transform.degrees
    let result = AlignedBuffer<Double>(count * degrees)
    try Parallel.forEach(count, threads: threads) { member, _ in
      let power = EnsembleSpectra.power(ensemble.member(member), transform, convention)
      for l in 0..<degrees { result.pointer[member * degrees + l] = power[l] }
    }
    let spectra = result.array
    members = (0..<count).map { Array(spectra[$0 * degrees..<($0 + 1) * degrees]) }
    memberMean = (0..<degrees).map { l in
      (0..<count).reduce(0) { $0 + spectra[$1 * degrees + l] } / Double(count)
    }
    let mean = (0..<points).map { point in
      (0..<count).reduce(0) { $0 + ensemble[$1, point] } / Double(count)
    }
    ensembleMean = EnsembleSpectra.power(mean, transform, convention)
    self.truth = truth.map { EnsembleSpectra.power($0, transform, convention) }
  }

  /// Power per degree of one field [point of `transform.grid`].
  public static func power(
    _ field: [Double], _ transform: SphericalTransform<Double>, _ convention: PowerSpectrum.Convention
  ) -> [Double] {
    guard !field.contains(where: \.isNaN) else {
      return [Double](repeating: .nan, count: transform.degrees)
    }
    return PowerSpectrum.perDegree(
      coefficients: transform.forward(field, count: 1), degrees: transform.degrees,
      orders: transform.orders, convention: convention)
  }
}
