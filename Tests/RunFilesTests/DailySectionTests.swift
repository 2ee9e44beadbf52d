import Basics
import Fields
import RunFiles
import Testing

@Suite struct DailySectionTests {
  func parse(_ section: String) throws -> EnsembleRunFile {
    let text = RunFileTexts.ensemble.split(separator: "\n").filter { !$0.hasPrefix("initial_times") }
    return try EnsembleRunFile.parse(
      (text + ["daily: \(section)"]).joined(separator: "\n"), file: "daily.yml")
  }

  @Test func valuesAndDefaults() throws {
    let run = try parse("{from: 2026-02-01, analysis_hours: [12, 0], keep_days: 30, log_file: log/daily.log}")
    let daily = try #require(run.daily)
    #expect(daily.analysisHours == [0, 12])
    #expect(daily.from?.stamp == "20260201T00")
    #expect(daily.keepDays == 30 && daily.keepRuns == nil)
    #expect(daily.catchUpDays == 3 && daily.waitMinutes == 0 && daily.pollSeconds == 60)
    #expect(daily.productDirectory == nil)
    #expect(run.initialTimes.instants.isEmpty)
    #expect(try EnsembleRunFile.parse(run.canonicalText(), file: "daily.yml") == run)
  }

  @Test(arguments: [
    ("{keep_dais: 3}", "Did you mean 'keep_days'?"),
    ("{analysis_hours: [0, 24]}", "analysis_hours"),
    ("{analysis_hours: [0, 0]}", "an hour given twice"),
    ("{keep_days: 2}", "is shorter than catch_up_days"),
    ("{keep_runs: 6, analysis_hours: [0, 12]}", "expected 7 or more"),
    ("{wait_minutes: soon}", "a whole number"),
  ])
  func whatIsRefused(_ section: String, _ words: String) throws {
    let error = #expect(throws: ApusError.self) { try parse(section) }
    #expect(error?.kind == .badRunFile)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }
}
