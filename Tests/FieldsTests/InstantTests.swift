import Fields
import Testing

@Suite struct InstantTests {
  @Test func everyDayOfFourCenturiesComesBack() {
    var day = Instant(year: 1800, month: 1, day: 1)
    let end = Instant(year: 2200, month: 1, day: 1)
    var (year, month, date) = (1800, 1, 1)
    while day < end {
      let found = day.calendarDate
      #expect(found == (year, month, date))
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let length = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
      date += 1
      if date > length { (date, month) = (1, month + 1) }
      if month > 12 { (month, year) = (1, year + 1) }
      day = day.adding(hours: 24)
    }
  }

  @Test(arguments: ["2026-02-01T06:00:00Z", "2026-02-01T06", "2026-02-01 06:00", "2026020106"])
  func spellingsOfOneMoment(text: String) {
    #expect(Instant(text) == Instant(year: 2026, month: 2, day: 1, hour: 6))
  }

  @Test(arguments: [
    "2026-02-30", "yesterday", "2026-13-01", "2026-02-01T25", "", "2026-02",
    "2026-02-01T1e30", "2026-02-01Tnan", "999999999999999-01-01",
  ])
  func noDates(text: String) { #expect(Instant(text) == nil) }

  @Test func fractionOfTheYear() {
    #expect(Instant(year: 2025, month: 1, day: 1).yearFraction == 0)
    #expect(abs(Instant(year: 2025, month: 7, day: 2, hour: 12).yearFraction - 0.5) < 1e-12)
  }
}
