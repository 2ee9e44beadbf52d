import Basics
import Fields
import Testing

@Suite struct DailyStatisticTests {
  @Test func names() {
    for statistic in DailyStatistic.allCases {
      let found = DailyStatistic.split("t2m_daily_\(statistic.rawValue)")
      #expect(found?.base == "t2m")
      #expect(found?.statistic == statistic)
    }
    let speed = DailyStatistic.split("wind_speed10m_daily_maximum")
    #expect(speed?.base == "wind_speed10m")
    #expect(speed.map { DerivedVariable.named($0.base) != nil } == true)
    #expect(DailyStatistic.mean.cellMethod == "time: mean")
  }

  @Test(arguments: [
    "t2m", "t2m_daily", "t2m_daily_max", "_daily_mean", "t2m_daily_mean_", "t2m_dailymean", "",
  ])
  func noNames(name: String) { #expect(DailyStatistic.split(name) == nil) }

  @Test func timesOfADay() {
    let end = Instant(year: 2026, month: 3, day: 1)
    let expected = [6, 12, 18, 24].map { Instant(year: 2026, month: 2, day: 28).adding(hours: $0) }
    #expect(DailyStatistic.validTimes(endingAt: end, stepHours: 6) == expected)
    #expect(DailyStatistic.validTimes(endingAt: end, stepHours: 1).count == 24)
    for step in [24, 48] { #expect(DailyStatistic.validTimes(endingAt: end, stepHours: step) == [end]) }
    for step in [0, -6] { #expect(DailyStatistic.validTimes(endingAt: end, stepHours: step) == []) }
    // Every time is later than 24 h before the end, also for steps that do not divide a day.
    let uneven = DailyStatistic.validTimes(endingAt: end, stepHours: 5)
    #expect(uneven.first == end.adding(hours: -20))
    #expect(uneven.last == end)
  }

  @Test func values() throws {
    let day: [[Float]] = [[280, 1, .nan], [285, 1, 3], [295, 1, 4], [284, 1, 5]]
    #expect(try DailyStatistic.mean.over(day).prefix(2) == [286, 1])
    #expect(try DailyStatistic.minimum.over(day).prefix(2) == [280, 1])
    #expect(try DailyStatistic.maximum.over(day).prefix(2) == [295, 1])
    // A missing value is missing whenever it comes.
    for statistic in DailyStatistic.allCases {
      for turn in 0..<4 {
        let turned = Array(day[turn...] + day[..<turn])
        #expect(try statistic.over(turned)[2].isNaN)
        #expect(try statistic.over(turned)[0] == statistic.over(day)[0])
      }
    }
  }

  /// Summed in double precision: single precision would lose the last digit of temperatures in K.
  @Test func meanOfManyEqualValues() throws {
    #expect(try DailyStatistic.mean.over([[Float]](repeating: [300.1], count: 24)) == [300.1])
  }

  @Test func faults() {
    #expect(throws: ApusError.self) { try DailyStatistic.mean.over([]) }
    let error = #expect(throws: ApusError.self) { try DailyStatistic.maximum.over([[1, 2], [1]]) }
    #expect(error?.kind == .badData)
  }
}
