import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// The mean, minimum or maximum of a variable over the 24 hours that end at a valid time: of forecast and truth at the
/// same hours, those of whichever has fewer.
struct DailySource {
  let source: SuiteSource

  /// - Throws: `ApusError` (`inputMissing`) where no day has all its times.
  init(_ variable: String, _ base: SuiteSource, _ statistic: DailyStatistic) throws {
    typealias Case = EnsembleArchive.Case
    let present = Set(base.cases + base.withoutTruth)
    // The distance of the forecasts' times, and of the truth's.
    func step(_ times: [Instant]) -> Int? {
      let seconds = Set(times.map(\.seconds)).sorted()
      return zip(seconds, seconds.dropFirst()).map { $1 - $0 }.min().map { $0 / 3600 }
    }
    let hours = Dictionary(grouping: present, by: \.initial).values
      .compactMap { step($0.compactMap(\.valid)) }.min()
    let truthHours = step(base.truthTimes)
    let common = DailyStatistic.commonStep(hours ?? 0, truthHours ?? 0)
    let truthTimes = Set(base.truthTimes)
    func day(_ item: Case) -> [Case]? {
      guard let valid = item.valid, let common else { return nil }
      let times = DailyStatistic.validTimes(endingAt: valid, stepHours: common)
      let parts = times.map { Case(initial: item.initial, valid: $0) }
      return !parts.isEmpty && parts.allSatisfy(present.contains) ? parts : nil
    }
    func truthDay(_ valid: Instant) -> [Instant]? {
      guard let common else { return nil }
      let times = DailyStatistic.validTimes(endingAt: valid, stepHours: common)
      return !times.isEmpty && times.allSatisfy(truthTimes.contains) ? times : nil
    }
    let whole = (base.cases + base.withoutTruth).filter { item in
      guard day(item) != nil else { return false }
      // Days from the start on: the 24 hours must not begin before it.
      return item.leadHours.map { $0 >= 24 && $0.truncatingRemainder(dividingBy: 24) == 0 } ?? true
    }
    let known = whole.filter { $0.valid.flatMap(truthDay) != nil }
    guard !known.isEmpty else {
      throw ApusError(
        .inputMissing, "no day has all its times in forecast and truth", file: base.file, variable: variable,
        found:
          "times \(hours.map { "\($0) h" } ?? "unknown") apart in the forecast, \(truthHours.map { "\($0) h" } ?? "unknown") in the truth",
        expected: "every time of the 24 hours that end at a valid time, two or more that both have",
        advice: "Write the forecasts every 6 h, or at times that the truth has, too.")
    }
    let days = Dictionary(uniqueKeysWithValues: known.map { ($0, day($0) ?? []) })
    @Sendable func truth(_ times: [Instant]) throws -> [Double] {
      let fields = try times.map { time in (try base.truth(at: time) ?? []).map { Float($0) } }
      return try statistic.over(fields).map(Double.init)
    }
    let truthDays = Dictionary(
      uniqueKeysWithValues: base.truthTimes.compactMap { time in truthDay(time).map { (time, $0) } })
    source = SuiteSource(
      variable: variable, units: base.units, grid: base.grid, members: base.members,
      repeatedMember: base.repeatedMember, cases: known,
      withoutTruth: whole.filter { $0.valid.flatMap(truthDay) == nil },
      truthTimes: truthDays.keys.sorted(), file: base.file,
      values: { item, rows, range in
        let parts = try (days[item] ?? []).map { try base.members($0, rows: rows, members: range) }
        let (members, points) = (parts[0].memberCount, parts[0].pointCount)
        let result = AlignedBuffer<Float>(members * points)
        for member in 0..<members {
          let field = try statistic.over(parts.map { $0.member(member).map { Float($0) } })
          for point in 0..<points { result.pointer[member * points + point] = field[point] }
        }
        return EnsembleValues(result, members: members)
      },
      truth: { item in
        guard let valid = item.valid, let times = truthDays[valid] else {
          throw ApusError(.inputMissing, "no truth at \(item)", variable: variable)
        }
        return try truth(times)
      }, truthAtTime: { time in try truthDays[time].map(truth) })
  }
}
