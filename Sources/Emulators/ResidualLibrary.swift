import Basics
import Fields

/// Residuals of hindcasts: one label a start and lead time, less the mean of its seeds, in standardised anomalies.
///
/// A draw takes the residuals of one start at all its lead times, so it is coherent between channels, points and lead
/// times as the hindcasts were.
public struct ResidualLibrary: Sendable {
  /// Starts that have every lead time.
  public let starts: Int
  /// [start][lead time][channel][point].
  let residuals: AlignedBuffer<Float>
  let fieldSize: Int
  let leads: Int

  init(starts: Int, leads: Int, fieldSize: Int, residuals: AlignedBuffer<Float>) {
    (self.starts, self.leads, self.fieldSize, self.residuals) = (starts, leads, fieldSize, residuals)
  }

  /// Of every start with all lead times, the residual of one random label.
  /// - Parameter residual: what is kept of a label y, given the mean of its seeds and their variance's place.
  init(
    _ set: HindcastSet, _ draw: LabelDraw, seed: UInt64, seeds count: Int,
    residual: (
      _ lead: Int, _ label: UnsafePointer<Float>, _ seeds: [UnsafePointer<Float>],
      _ result: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    var byStart: [Instant: [Int: Int]] = [:]
    for (index, item) in set.cases.enumerated() { byStart[item.initial, default: [:]][item.lead] = index }
    leads = set.domain.leadHours.count
    fieldSize = set.domain.fieldSize
    let whole = byStart.filter { $0.value.count == set.domain.leadHours.count }.keys.sorted()
    starts = whole.count
    residuals = AlignedBuffer(starts * leads * fieldSize)
    for (number, start) in whole.enumerated() {
      // The same seeds and label at all lead times.
      let stream = Philox(seed: seed, purpose: .emulation, UInt64(number), 0, 10)
      let (seeds, label) = draw.choose(set.members, stream, seeds: count)
      for lead in 0..<leads {
        guard let index = byStart[start]?[lead] else { continue }
        residual(
          lead, label.map { set.member(index, $0) } ?? set.truth(index), seeds.map { set.member(index, $0) },
          residuals.pointer + (number * leads + lead) * fieldSize)
      }
    }
  }

  /// The residual that a draw takes: starts in random order, again and again.
  func residual(_ draw: EmulatorDraw) -> UnsafePointer<Float> {
    let member = Int(draw.key.member)
    let order = Philox(
      seed: draw.key.seed, purpose: .emulation, draw.key.initialHours, UInt64(member / max(starts, 1)), 11
    ).permutation(starts)
    let start = order[member % starts]
    return UnsafePointer(residuals.pointer + (start * leads + draw.lead) * fieldSize)
  }
}

/// The mean of the seeds plus the residual of a past forecast: a baseline with the right covariances of the average
/// day, and nothing of today's (spec/emulators.md 5c).
public struct ResidualBootstrap: Emulator {
  /// See `Emulator`.
  public let domain: EmulatorDomain
  /// See `Emulator`.
  public let seedCounts: [Int]
  /// One a number of seeds.
  let libraries: [ResidualLibrary]

  init(domain: EmulatorDomain, seedCounts: [Int], libraries: [ResidualLibrary]) {
    (self.domain, self.seedCounts, self.libraries) = (domain, seedCounts, libraries)
  }

  /// Gathers residuals of hindcasts.
  /// - Throws: `ApusError` of kind `badData` where no start has every lead time.
  public static func fit(_ set: HindcastSet, _ draw: LabelDraw, seed: UInt64) throws -> ResidualBootstrap {
    let size = set.domain.fieldSize
    let contrast = AlignedBuffer<Float>(size)
    let libraries = draw.seedCounts.map { count in
      ResidualLibrary(set, draw, seed: seed, seeds: count) { _, label, seeds, result in
        SeedConditioning(size: size).fill(
          seeds, Philox(seed: seed, purpose: .emulation), mean: result, contrast: contrast.pointer)
        for i in 0..<size { result[i] = label[i] - result[i] }
      }
    }
    guard libraries.allSatisfy({ $0.starts > 0 }) else {
      throw ApusError(
        .badData, "no hindcast has all lead times", expected: "\(set.domain.leadHours) h from one start")
    }
    return ResidualBootstrap(domain: set.domain, seedCounts: draw.seedCounts, libraries: libraries)
  }

  /// See `Emulator`.
  public var operationsPerDraw: Double? { nil }
  /// See `Emulator`.
  public func makeGenerator() -> any MemberGenerator { Generator(self) }

  private final class Generator: MemberGenerator {
    private let plan: ResidualBootstrap
    private let contrast: AlignedBuffer<Float>

    init(_ plan: ResidualBootstrap) {
      self.plan = plan
      contrast = AlignedBuffer(plan.domain.fieldSize)
    }

    func generate(_ draw: EmulatorDraw, into result: UnsafeMutablePointer<Float>) {
      SeedConditioning(size: plan.domain.fieldSize).fill(
        draw.seeds, draw.stream, mean: result, contrast: contrast.pointer)
      let number = plan.seedCounts.firstIndex(of: draw.seeds.count) ?? 0
      let residual = plan.libraries[number].residual(draw)
      for i in 0..<plan.domain.fieldSize { result[i] += residual[i] }
    }
  }
}
