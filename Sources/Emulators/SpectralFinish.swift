import Basics
import Fields
import Foundation
import Sphere

/// What turns standardised anomalies that were drawn into fields: the climate of the valid time, and a gain by degree.
///
///     x = mean(t) + iSHT(g_cl SHT(deviation(t) z)),   l < degrees
///
/// Multiplying by the climate's deviation, which differs tenfold between the tropics and the storm tracks, moves power from
/// the large scales of a steep spectrum to the small ones, where there is next to none: z500 drawn with the right spectrum of
/// z would have several times the truth's power at l > 20. g makes the mean power of draws that of the truth, degree by
/// degree, on the hindcasts that were learnt from.
public struct SpectralFinish: Sendable {
  /// g [number of seeds][lead time][channel][degree]; nil for 1.
  public let gains: [[[[Double]]]]?
  private let domain: EmulatorDomain
  private let transform: SphericalTransform<Float>
  /// g, or 1, as factors by degree, a set for every number of seeds and lead time.
  private let factors: SpectralWhitening

  /// Gains stay within these.
  static let range = 0.25...2.0

  /// The last step for a domain.
  public init(_ domain: EmulatorDomain, gains: [[[[Double]]]]?) {
    (self.domain, self.gains) = (domain, gains)
    transform = SphericalTransform(grid: domain.grid, degrees: domain.degrees)
    let ones = [[Double]](
      repeating: .init(repeating: 1, count: domain.degrees), count: domain.channels.count)
    factors = SpectralWhitening(transform: transform, deviations: gains.map { Array($0.joined()) } ?? [ones])
  }

  /// Scratch of one thread.
  public func makeWorkspace() -> SpectralWhitening.Workspace { factors.makeWorkspace() }

  /// Standardised anomalies [channel][point] to fields in physical units, in place.
  /// - Parameters:
  ///   - scale: of the valid time.
  ///   - seeds: place of the number of seeds among the emulator's.
  ///   - lead: place of the lead time in the domain's.
  public func apply(
    _ z: UnsafeMutablePointer<Float>, _ scale: Standardisation, seeds: Int, lead: Int,
    _ space: SpectralWhitening.Workspace
  ) {
    let size = domain.fieldSize
    for i in 0..<size { z[i] *= scale.deviation.pointer[i] }
    let set = gains == nil ? 0 : seeds * domain.leadHours.count + lead
    factors.colour(z, set: set, into: z, space)
    for i in 0..<size { z[i] += scale.mean.pointer[i] }
  }

  /// Measures g: the root of the truth's mean power over the draws'.
  ///
  /// Draws of members get the truth's power too, not their labels': what forecasters add to the small scales is not worth
  /// imitating. The truth's is the mean over all valid times, since it does not depend on the lead time; the draws' that over
  /// up to 144 cases of a number of seeds and a lead time.
  /// - Throws: what the parallel loop throws; nothing of its own.
  public static func fit(
    _ emulator: any Emulator, _ set: HindcastSet, _ draw: LabelDraw, seed: UInt64, threads: Int
  ) throws -> SpectralFinish {
    let domain = emulator.domain
    let plain = SpectralFinish(domain, gains: nil)
    let (v, degrees, leads) = (domain.channels.count, domain.degrees, domain.leadHours.count)
    var truths: [Int] = []
    var seen: Set<Instant> = []
    for (index, item) in set.cases.enumerated() where seen.insert(item.valid).inserted {
      truths.append(index)
    }
    // Fields whose power is summed: truths (no number of seeds), then draws.
    var jobs: [(seeds: Int?, index: Int)] = truths.map { (nil, $0) }
    for seeds in emulator.seedCounts.indices {
      for lead in 0..<leads {
        let cases = set.cases.indices.filter { set.cases[$0].lead == lead }
        let count = min(144, cases.count)
        jobs += (0..<count).map { (seeds, cases[$0 * cases.count / count]) }
      }
    }
    // [job][channel][degree].
    let size = v * degrees
    let powers = AlignedBuffer<Double>(jobs.count * size)
    let tools = Tools(
      generators: (0..<threads).map { _ in emulator.makeGenerator() },
      spaces: (0..<threads).map { _ in plain.makeWorkspace() },
      fields: (0..<threads).map { _ in AlignedBuffer(domain.fieldSize) })
    let work = jobs
    try Parallel.forEach(work.count, threads: threads) { number, thread in
      let (seeds, index) = work[number]
      let item = set.cases[index]
      let (space, field) = (tools.spaces[thread], tools.fields[thread].pointer)
      if let seeds {
        let stream = Philox(seed: seed, purpose: .emulation, UInt64(index), UInt64(seeds), 30)
        let chosen = draw.choose(set.members, stream, seeds: emulator.seedCounts[seeds]).seeds
        tools.generators[thread].generate(
          EmulatorDraw(
            seeds: chosen.map { set.member(index, $0) }, lead: item.lead, validTime: item.valid,
            seed: seed, initial: item.initial, member: 1), into: field)
      } else {
        field.update(from: set.truth(index), count: domain.fieldSize)
      }
      let scale = Standardisation(domain.climate, at: item.valid)
      for i in 0..<domain.fieldSize { field[i] *= scale.deviation.pointer[i] }
      plain.transform.forward(field, count: v, into: space.spectrum.pointer, space.transform)
      plain.transform.addPower(
        of: space.spectrum.pointer, count: v, to: powers.pointer + number * size)
    }
    /// Mean power of some jobs, [channel][degree].
    func mean(_ numbers: [Int]) -> [Double] {
      (0..<size).map { i in
        numbers.reduce(0) { $0 + powers.pointer[$1 * size + i] } / Double(max(numbers.count, 1))
      }
    }
    let truth = mean(Array(truths.indices))
    let gains = emulator.seedCounts.indices.map { seeds in
      (0..<leads).map { lead in
        let drawn = mean(
          work.indices.filter { work[$0].seeds == seeds && set.cases[work[$0].index].lead == lead })
        return (0..<v).map { c in
          (c * degrees..<(c + 1) * degrees).map { i -> Double in
            guard drawn[i] > 0 else { return 1 }
            return min(max((truth[i] / drawn[i]).squareRoot(), range.lowerBound), range.upperBound)
          }
        }
      }
    }
    return SpectralFinish(domain, gains: gains)
  }

  /// Used by one thread each.
  private struct Tools: @unchecked Sendable {
    let generators: [any MemberGenerator]
    let spaces: [SpectralWhitening.Workspace]
    let fields: [AlignedBuffer<Float>]
  }
}
