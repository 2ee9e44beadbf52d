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
/// z would have several times the truth's power at l > 20. g makes the mean power of draws that of their labels, degree by
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

  /// Measures g: the root of the labels' mean power over the draws', over up to 48 cases a lead time.
  /// - Throws: what the parallel loop throws; nothing of its own.
  public static func fit(
    _ emulator: any Emulator, _ set: HindcastSet, _ draw: LabelDraw, seed: UInt64, threads: Int
  ) throws -> SpectralFinish {
    let domain = emulator.domain
    let plain = SpectralFinish(domain, gains: nil)
    let (v, degrees, leads) = (domain.channels.count, domain.degrees, domain.leadHours.count)
    var jobs: [(seeds: Int, index: Int)] = []
    for seeds in emulator.seedCounts.indices {
      for lead in 0..<leads {
        let cases = set.cases.indices.filter { set.cases[$0].lead == lead }
        let count = min(48, cases.count)
        jobs += (0..<count).map { (seeds, cases[$0 * cases.count / count]) }
      }
    }
    // Power of label and draw by job, [2][channel][degree].
    let size = 2 * v * degrees
    let powers = AlignedBuffer<Double>(jobs.count * size)
    let tools = Tools(
      generators: (0..<threads).map { _ in emulator.makeGenerator() },
      spaces: (0..<threads).map { _ in plain.makeWorkspace() })
    let work = jobs
    try Parallel.forEach(work.count, threads: threads) { number, thread in
      let (seeds, index) = work[number]
      let item = set.cases[index]
      let stream = Philox(seed: seed, purpose: .emulation, UInt64(index), UInt64(seeds), 30)
      let (chosen, label) = draw.choose(set.members, stream, seeds: emulator.seedCounts[seeds])
      let scale = Standardisation(domain.climate, at: item.valid)
      let space = tools.spaces[thread]
      let field = AlignedBuffer<Float>(domain.fieldSize)
      for part in 0..<2 {
        if part == 0 {
          let y = label.map { set.member(index, $0) } ?? set.truth(index)
          field.pointer.update(from: y, count: domain.fieldSize)
        } else {
          tools.generators[thread].generate(
            EmulatorDraw(
              seeds: chosen.map { set.member(index, $0) }, lead: item.lead, validTime: item.valid,
              seed: seed, initial: item.initial, member: 1), into: field.pointer)
        }
        for i in 0..<domain.fieldSize { field.pointer[i] *= scale.deviation.pointer[i] }
        plain.transform.forward(
          field.pointer, count: v, into: space.spectrum.pointer, space.transform)
        let target = powers.pointer + number * size + part * v * degrees
        plain.transform.eachRow(v) { l, m, row in
          let twice = m == 0 ? 1.0 : 2
          for c in 0..<v {
            let x = Double(space.spectrum.pointer[row + c])
            target[c * degrees + l] += twice * x * x
          }
        }
      }
    }
    var sums = emulator.seedCounts.map { _ in
      [[Double]](repeating: [Double](repeating: 0, count: size), count: leads)
    }
    for (number, job) in work.enumerated() {
      for i in 0..<size { sums[job.seeds][set.cases[job.index].lead][i] += powers.pointer[number * size + i] }
    }
    let gains = sums.map { leads in
      leads.map { sums in
        (0..<v).map { c in
          (0..<degrees).map { l -> Double in
            let (label, drawn) = (sums[c * degrees + l], sums[(v + c) * degrees + l])
            guard drawn > 0 else { return 1 }
            return min(max((label / drawn).squareRoot(), range.lowerBound), range.upperBound)
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
  }
}
