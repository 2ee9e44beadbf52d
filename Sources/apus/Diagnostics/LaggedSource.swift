import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// Forecasts of one valid time from several initial times as one ensemble (Brenowitz et al. 2024): for a nominal lead
/// time l and lags m, the members of the forecasts that start at valid time - (l + m). Those of lag 0 come first, with their
/// own numbers, so that the control is that of lead time l; then the others from the shortest lead time on.
struct LaggedSource {
  let source: SuiteSource

  /// - Parameter lags: hours, for example -24, -12, 0, 12, 24; 0 among them.
  /// - Throws: `ApusError` (`inputMissing`) where no valid time has all of them.
  init(_ base: SuiteSource, lags: [Int]) throws {
    typealias Case = EnsembleArchive.Case
    let ordered = lags.filter { $0 == 0 } + lags.filter { $0 != 0 }.sorted()
    let present = Set(base.cases)
    var parts: [Case: [Case]] = [:]
    for item in base.cases {
      guard let initial = item.initial, let valid = item.valid else { continue }
      // A longer lead time from an earlier start, a shorter one from a later start; all or none.
      let wanted = ordered.map { Case(initial: initial.adding(hours: -$0), valid: valid) }
      if wanted.allSatisfy(present.contains) { parts[item] = wanted }
    }
    guard !parts.isEmpty else {
      throw ApusError(
        .inputMissing, "no valid time has forecasts of all lags", file: base.file, variable: base.variable,
        found: "\(Set(base.cases.compactMap(\.initial)).count) initial times",
        expected: "lags of \(lags.map { "\($0)" }.joined(separator: ", ")) h",
        advice: "Give more initial times, or lags that are multiples of their distance.")
    }
    let all = parts
    // Those of other lags have numbers that nobody else has.
    let next = (base.members.max() ?? -1) + 1
    let numbers = base.members + (0..<base.members.count * (lags.count - 1)).map { next + $0 }
    source = SuiteSource(
      variable: base.variable, units: base.units, grid: base.grid,
      members: numbers, repeatedMember: base.repeatedMember, cases: base.cases.filter { all[$0] != nil },
      withoutTruth: base.withoutTruth, truthTimes: base.truthTimes, file: base.file,
      values: { item, rows, range in
        // Whole starts one after the other; the range is cut out of them.
        let wanted = range ?? 0..<base.members.count * lags.count
        let starts = try (all[item] ?? []).enumerated().map { number, part in
          let own = number * base.members.count..<(number + 1) * base.members.count
          let taken = own.clamped(to: wanted)
          return taken.isEmpty
            ? nil
            : try base.members(
              part, rows: rows,
              members: taken.count == own.count
                ? nil : taken.lowerBound - own.lowerBound..<taken.upperBound - own.lowerBound)
        }.compactMap { $0 }
        let points = starts[0].pointCount
        let result = AlignedBuffer<Float>(wanted.count * points)
        var place = 0
        for start in starts {
          for member in 0..<start.memberCount {
            for point in 0..<points { result.pointer[place * points + point] = Float(start[member, point]) }
            place += 1
          }
        }
        return EnsembleValues(result, members: wanted.count)
      },
      truth: { try base.truth($0) }, truthAtTime: { try base.truth(at: $0) })
  }
}
