import Basics
import Fields
import Foundation
import Sphere

/// The linear-Gaussian emulator, spherical mode by mode: the baseline that every learned one must beat
/// (spec/emulators.md 1.5, the Gaussian process):
///
///     y_lm = b m_lm + sqrt(v) e_lm,    b = cov(y, m) / var(m),    v = var(y) - b cov(y, m)
///
/// for every number of seeds, lead time, channel and degree. For exchangeable Gaussian members about an ensemble mean,
/// b and v are the shrinkage towards the climate and the widened spread of the formula there; with the truth as label
/// they calibrate.
public struct GaussianShrinkage: Emulator {
  /// See `Emulator`.
  public let domain: EmulatorDomain
  /// See `Emulator`.
  public let seedCounts: [Int]
  /// b and sqrt(v), [number of seeds][lead time][channel][degree].
  public let slopes, deviations: [[[[Double]]]]
  private let transform: SphericalTransform<Float>
  /// b as factors by degree, a set for every number of seeds and lead time.
  private let shrinking: SpectralWhitening

  /// An emulator from its numbers.
  public init(
    domain: EmulatorDomain, seedCounts: [Int], slopes: [[[[Double]]]], deviations: [[[[Double]]]]
  ) {
    (self.domain, self.seedCounts, self.slopes, self.deviations) = (domain, seedCounts, slopes, deviations)
    transform = SphericalTransform(grid: domain.grid, degrees: domain.degrees)
    shrinking = SpectralWhitening(transform: transform, deviations: Array(slopes.joined()))
  }

  /// The place of a number of seeds and a lead time among the sets of `whitening` and `shrink`.
  func set(seeds: Int, lead: Int) -> Int {
    (seedCounts.firstIndex(of: seeds) ?? 0) * domain.leadHours.count + lead
  }

  /// What turns white noise into departures from b m, and back: a set for every number of seeds and lead time. No degree has
  /// less than 10^-4 of the largest degree's power.
  public func whitening() -> SpectralWhitening {
    let white = (4 * Double.pi).squareRoot() / Double(domain.degrees)
    return SpectralWhitening(
      transform: transform,
      deviations: deviations.joined().map { lines in
        lines.map { line in
          let floor = max(1e-2 * (line.max() ?? 0), .leastNormalMagnitude)
          return line.map { max($0, floor) / white }
        }
      })
  }

  /// b m of the mean m of seeds, [channel][point]; the two may be the same memory.
  func shrink(
    _ mean: UnsafePointer<Float>, seeds: Int, lead: Int, into result: UnsafeMutablePointer<Float>,
    _ space: SpectralWhitening.Workspace
  ) {
    shrinking.colour(mean, set: set(seeds: seeds, lead: lead), into: result, space)
  }

  /// Fits it to hindcasts; every case is drawn from eight times.
  public static func fit(_ set: HindcastSet, _ draw: LabelDraw, seed: UInt64) -> GaussianShrinkage {
    let domain = set.domain
    let (v, size) = (domain.channels.count, domain.fieldSize)
    let transform = SphericalTransform<Float>(grid: domain.grid, degrees: domain.degrees)
    let space = transform.makeWorkspace(v)
    let (mean, contrast) = (AlignedBuffer<Float>(size), AlignedBuffer<Float>(size))
    let a = AlignedBuffer<Float>(transform.coefficientCount(v))
    let b = AlignedBuffer<Float>(transform.coefficientCount(v))
    var (slopes, deviations): ([[[[Double]]]], [[[[Double]]]]) = ([], [])
    for (number, count) in draw.seedCounts.enumerated() {
      // Sums of m m, y m and y y, and how many, [lead][channel][degree].
      let zero = [[[SIMD4<Double>]]](
        repeating: .init(repeating: .init(repeating: .zero, count: domain.degrees), count: v),
        count: domain.leadHours.count)
      var sums = zero
      for (index, item) in set.cases.enumerated() {
        for repetition in 0..<8 {
          let stream = Philox(
            seed: seed, purpose: .emulation, UInt64(index), UInt64(repetition), UInt64(2 + number))
          let (seeds, label) = draw.choose(set.members, stream, seeds: count)
          SeedConditioning(size: size).fill(
            seeds.map { set.member(index, $0) }, stream, mean: mean.pointer, contrast: contrast.pointer)
          transform.forward(mean.pointer, count: v, into: a.pointer, space)
          let y = label.map { set.member(index, $0) } ?? set.truth(index)
          transform.forward(y, count: v, into: b.pointer, space)
          transform.eachRow(v) { l, m, row in
            let share = (m == 0 ? 1.0 : 2) / Double(2 * l + 1)
            for c in 0..<v {
              let (x, z) = (Double(a.pointer[row + c]), Double(b.pointer[row + c]))
              sums[item.lead][c][l] += share * SIMD4(x * x, z * x, z * z, 0)
            }
          }
          for c in 0..<v { for l in 0..<domain.degrees { sums[item.lead][c][l].w += 1 } }
        }
      }
      let lines = sums.map { $0.map { $0.map { s in s.y / max(s.x, .leastNormalMagnitude) } } }
      slopes.append(lines)
      deviations.append(
        sums.map {
          $0.map {
            $0.map { s in
              (max(0, s.z - s.y * s.y / max(s.x, .leastNormalMagnitude)) / max(s.w, 1)).squareRoot()
            }
          }
        })
    }
    return GaussianShrinkage(
      domain: domain, seedCounts: draw.seedCounts, slopes: slopes, deviations: deviations)
  }

  /// See `Emulator`.
  public var operationsPerDraw: Double? { nil }
  /// See `Emulator`.
  public func makeGenerator() -> any MemberGenerator { Generator(self) }

  private final class Generator: MemberGenerator {
    private let plan: GaussianShrinkage
    private let mean, contrast, spectrum, noise: AlignedBuffer<Float>
    private let space: TransformWorkspace<Float>

    init(_ plan: GaussianShrinkage) {
      self.plan = plan
      let v = plan.domain.channels.count
      mean = AlignedBuffer(plan.domain.fieldSize)
      contrast = AlignedBuffer(plan.domain.fieldSize)
      spectrum = AlignedBuffer(plan.transform.coefficientCount(v))
      noise = AlignedBuffer(plan.transform.coefficientCount(v))
      space = plan.transform.makeWorkspace(v)
    }

    func generate(_ draw: EmulatorDraw, into result: UnsafeMutablePointer<Float>) {
      let (v, transform) = (plan.domain.channels.count, plan.transform)
      SeedConditioning(size: plan.domain.fieldSize).fill(
        draw.seeds, draw.stream, mean: mean.pointer, contrast: contrast.pointer)
      transform.forward(mean.pointer, count: v, into: spectrum.pointer, space)
      SphericalNoise.fill(noise.pointer, transform, count: v, stream: draw.stream, deviation: 1)
      let number = plan.seedCounts.firstIndex(of: draw.seeds.count) ?? 0
      let (slopes, deviations) = (plan.slopes[number][draw.lead], plan.deviations[number][draw.lead])
      transform.eachRow(v) { l, _, row in
        for c in 0..<v {
          let value = slopes[c][l] * Double(spectrum.pointer[row + c])
          spectrum.pointer[row + c] = Float(value + deviations[c][l] * Double(noise.pointer[row + c]))
        }
      }
      transform.inverse(spectrum.pointer, count: v, into: result, space)
    }
  }
}
