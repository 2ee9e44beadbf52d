import Fields
import Testing

/// The hours that days of two archives share.
@Suite struct DailyStepTests {
  @Test func theCoarserStepWhereItIsAMultiple() {
    for (first, second, common) in [
      (6, 6, 6), (12, 6, 12), (6, 12, 12), (1, 6, 6), (3, 12, 12), (24, 6, nil), (24, 24, nil), (6, 4, nil),
      (0, 6, nil),
      (6, 0, nil), (8, 12, nil),
    ] as [(Int, Int, Int?)] {
      #expect(DailyStatistic.commonStep(first, second) == common, "\(first), \(second)")
    }
    // Both archives have every time of such a day.
    for first in 1...12 {
      for second in 1...12 {
        guard let common = DailyStatistic.commonStep(first, second) else { continue }
        #expect(common % first == 0 && common % second == 0)
      }
    }
  }
}
