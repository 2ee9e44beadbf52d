import Basics
import Foundation
import Testing
import Verification

/// Intervals of what is pooled over dates, such as the area under a ROC curve.
@Suite struct PooledIntervalTests {
  static let (dates, bins) = (12, 5)

  /// Dates of a few members, by the pass that scores them.
  static func results(_ members: Int) throws -> [CaseResult] {
    let pass = ScorePass(
      regions: ScorePassTests.regions, rows: ScorePassTests.rows, columns: ScorePassTests.columns)
    return try (0..<dates).map { date in
      var none: ScoreMaps?
      return try pass.run(
        ScorePassTests.input(members, seed: 100 + 10 * UInt64(date)), maps: &none, decomposes: true)
    }
  }

  static func layout(_ members: Int) -> PooledLayout {
    PooledLayout(regions: 2, events: 3, members: members, decomposes: true)
  }

  /// Up to 100 members nothing is reduced: the intervals are as wide as those of the same draws made the long way, and
  /// hold the score.
  @Test(arguments: [10, 100]) func intervalsAreThoseOfResampledCounts(members: Int) throws {
    let results = try Self.results(members)
    let layout = Self.layout(members)
    let rows = results.map(layout.row)
    #expect(rows.allSatisfy { $0.count == layout.count })
    let bootstrap = BlockBootstrap(dates: Self.dates, resamples: 300)
    for region in 0..<2 {
      var counts = results[0].events[region][0]
      var ranks = results[0].ranks[region]
      var parts = results[0].decomposition[region]
      for other in results.dropFirst() {
        counts.add(other.events[region][0])
        ranks.add(other.ranks[region])
        parts.add(other.decomposition[region])
      }
      // Components: one number a date each.
      func longWay(_ numbers: (CaseResult) -> [Double], _ statistic: ([Double]) -> Double) -> Interval {
        let columns = results.map(numbers)
        return bootstrap.interval(columns[0].indices.map { place in columns.map { $0[place] } }) { means in
          statistic(means.map { $0 * Double(Self.dates) })
        }
      }
      let ofEvents = try bootstrap.estimates(
        of: counts, bins: Self.bins, rows: rows, columns: layout.event(0, region: region))
      let brier = counts.brierDecomposition
      for (place, value, statistic) in [
        (0, counts.area, { $0.area }), (1, brier.reliability, { $0.brierDecomposition.reliability }),
        (2, brier.resolution, { $0.brierDecomposition.resolution }),
      ] as [(Int, Double, (EventCounts) -> Double)] {
        let expected = longWay({
          ($0.events[region][0].events + $0.events[region][0].nonEvents).map(Double.init)
        }) {
          sums in
          var drawn = EventCounts(members: members)
          for k in 0...members {
            drawn.events[k] = Int(sums[k].rounded())
            drawn.nonEvents[k] = Int(sums[members + 1 + k].rounded())
          }
          return statistic(drawn)
        }
        let found = ofEvents[place]
        #expect(found.lower < value && value < found.upper)
        if found.lower > 0 {
          #expect(abs((found.upper - found.lower) - (expected.upper - expected.lower)) < 1e-9)
        }
      }
      let ofRanks = try bootstrap.estimate(of: ranks, rows: rows, columns: layout.ranks(region: region))
      let expected = longWay({ $0.ranks[region].counts.map(Double.init) }) { sums in
        var drawn = RankHistogram(members: members)
        for (rank, count) in sums.enumerated() { drawn.add(Int(count.rounded()), rank: rank) }
        return drawn.unreliability
      }
      #expect(ofRanks.lower < ranks.unreliability && ranks.unreliability < ofRanks.upper)
      #expect(abs(ofRanks.upper / ofRanks.lower - expected.upper / expected.lower) < 1e-9)
      let ofParts = try bootstrap.estimates(
        of: parts, rows: rows, columns: layout.decomposition(region: region))
      let potential = longWay({
        let parts = $0.decomposition[region]
        return parts.alpha + parts.beta + [parts.below, parts.above, parts.weight]
      }) { sums in
        var drawn = CRPSDecomposition(members: members)
        (drawn.alpha, drawn.beta) = (Array(sums[0...members]), Array(sums[members + 1..<2 * members + 2]))
        (drawn.below, drawn.above, drawn.weight) = (
          sums[2 * members + 2], sums[2 * members + 3], sums[2 * members + 4]
        )
        return drawn.parts.potential
      }
      #expect(
        abs((ofParts[1].upper - ofParts[1].lower) - (potential.upper - potential.lower))
          < 1e-5 * parts.parts.potential)
    }
  }

  @Test func fewerClassesKeepTotalsAndNearlyTheScores() throws {
    let members = 400
    var counts = EventCounts(members: members)
    var parts = CRPSDecomposition(members: members)
    for result in try Self.results(members) {
      counts.add(result.events[0][0])
      parts.add(result.decomposition[0])
    }
    let reduced = counts.reduced(to: 100)
    #expect(reduced.members == 100 && reduced.total == counts.total)
    #expect(reduced.baseRate == counts.baseRate)
    // Probabilities none and all stay alone; the middle keeps its place, where events are called.
    #expect(abs(reduced.area - counts.area) < 0.01)
    #expect(counts.reduced(to: 400) == counts)
    let few = parts.reduced(to: 100)
    #expect(abs(few.alpha.reduce(0, +) - parts.alpha.reduce(0, +)) < 1e-9 * parts.weight)
    #expect(few.alpha[0] == parts.alpha[0] && few.beta[0] == parts.beta[0])
    #expect(few.alpha[100] == parts.alpha[400] && few.beta[100] == parts.beta[400])
    #expect(abs(few.parts.potential / parts.parts.potential - 1) < 0.02)
  }

  /// An event whose forecasts are good and share an error a date, 200 times: the interval of the ROC area holds the area
  /// of endless dates about as often as it says.
  @Test func ninetyFivePercentOfIntervalsHoldTheAreaOfEndlessDates() throws {
    let (members, points, dates, trials) = (20, 50, 40, 200)
    func probability(_ signal: Double) -> Double { erfc(-signal / 2.0.squareRoot()) / 2 }
    func date(_ trial: Int, _ date: Int) -> EventCounts {
      let random = Philox(seed: 21, purpose: .test, UInt64(trial), UInt64(date))
      let normals = random.normals(points + 2)
      let draws = Philox(seed: 22, purpose: .test, UInt64(trial), UInt64(date))
      var (counts, number) = (EventCounts(members: members), UInt64(0))
      func chance() -> Double {
        number += 1
        return draws.uniform(number)
      }
      for point in 0..<points {
        let signal = 0.6 * normals[points] + 0.8 * normals[point]
        let foreseen = (0..<members).count { _ in chance() < probability(signal) }
        let came = chance() < probability(signal + 0.5 * normals[points + 1])
        if came { counts.events[foreseen] += 1 } else { counts.nonEvents[foreseen] += 1 }
      }
      return counts
    }
    func pooled(_ counts: [EventCounts]) -> EventCounts {
      counts.reduce(into: EventCounts(members: members)) { $0.add($1) }
    }
    let truth = pooled((0..<4000).map { date(trials, $0) }).area
    var within = 0
    for trial in 0..<trials {
      let counts = (0..<dates).map { date(trial, $0) }
      let rows = counts.map { ($0.events + $0.nonEvents).map(Float.init) }
      let interval = try BlockBootstrap(dates: dates, blockLength: 1, resamples: 400, seed: UInt64(trial))
        .estimates(of: pooled(counts), bins: 5, rows: rows, columns: 0..<2 * (members + 1))[0]
      if interval.lower <= truth && truth <= interval.upper { within += 1 }
    }
    // 95 % of 200 are 190; resampled dates are a little too alike, which costs a few percent.
    #expect((179...198).contains(within), "\(within) of 200")
  }

  @Test func oneDateAndMissingScoresHaveNoInterval() throws {
    let members = 10
    let result = try #require(try Self.results(members).first)
    let layout = Self.layout(members)
    let one = try BlockBootstrap(dates: 1).estimates(
      of: result.events[0][0], bins: 5, rows: [layout.row(result)], columns: layout.event(0, region: 0))
    #expect(one.allSatisfy { $0.lower.isNaN && $0.upper.isNaN })
    // The third event, above 400 K, never comes: no area.
    let results = try Self.results(members)
    var counts = results[0].events[0][2]
    for other in results.dropFirst() { counts.add(other.events[0][2]) }
    let never = try BlockBootstrap(dates: Self.dates).estimates(
      of: counts, bins: 5, rows: results.map(layout.row), columns: layout.event(2, region: 0))
    #expect(counts.area.isNaN && never[0].lower.isNaN)
  }

  @Test func spreadInBinsIsResampledByDate() throws {
    let results = try Self.results(10)
    let byDate = results.map { $0.spreadBins[0] }
    let sum = byDate.reduce(into: SpreadBins()) { $0.add($1) }
    for bins in byDate {
      let again = SpreadBins(row: bins.row)
      #expect(again.bins.keys.sorted() == bins.bins.keys.sorted())
    }
    let curve = sum.curve(members: 10)
    let intervals = try BlockBootstrap(dates: Self.dates).estimates(of: sum, members: 10, byDate: byDate)
    #expect(intervals.count == 2 * curve.count)
    for (place, bin) in curve.enumerated() where bin.share > 0.1 {
      let (spread, error) = (intervals[place], intervals[curve.count + place])
      #expect(spread.lower <= bin.spread && bin.spread <= spread.upper)
      #expect(error.lower <= bin.error && bin.error <= error.upper)
    }
  }
}
