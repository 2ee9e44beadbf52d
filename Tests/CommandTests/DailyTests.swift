import Foundation
import Testing

/// `apus daily`: published once, whole, and the same whatever happened on the way.
@Suite struct DailyTests {
  @Test func aReplayThroughKillsAndLateFilesPublishesTheSameBytes() throws {
    let peace = try DailyWorld(report: true)
    let trouble = try DailyWorld(report: true)
    for day in 14...17 {
      try peace.deliver(day: day)
      let outcome = try peace.run(day: day)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.split(separator: "\n").count == 1)
      #expect(outcome.errors.isEmpty)
      #expect(peace.latest == "202601\(day)T00")
    }

    // Killed at several moments, then finished.
    try trouble.deliver(day: 14)
    for milliseconds in [30, 150, 300, 450, 600] {
      let process = try trouble.begin(day: 14)
      usleep(UInt32(milliseconds) * 1000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(try trouble.run(day: 14).code == 0)
    // Cut off: not there yet.
    try trouble.deliver(day: 15, part: 0.6)
    let early = try trouble.run(day: 15)
    #expect(early.code == 75)
    #expect(early.output.isEmpty)
    #expect(early.errors.contains("the analysis of 2026-01-15T00:00:00Z is not there yet"))
    #expect(early.errors.contains("incoming/an_20260115T00.nc"))
    #expect(early.errors.contains("incoming/*.nc"))
    #expect(trouble.latest == "20260114T00")
    // Late: made the next day, the older date first.
    try trouble.deliver(day: 15)
    try trouble.deliver(day: 16)
    let late = try trouble.run(day: 16)
    #expect(late.output.contains("published 20260115T00 20260116T00"), "\(late.errors)")
    try trouble.deliver(day: 17)
    let last = try trouble.run(day: 17, ["--json"]).json()
    #expect(last["published"] as? [String] == ["20260117T00"])

    let (expected, found) = (try peace.products(), try trouble.products())
    #expect(expected.keys.sorted() == found.keys.sorted())
    for (name, bytes) in expected { #expect(found[name] == bytes, "\(name)") }
    #expect(expected.keys.contains("out/products/20260117T00/report/report.html"))
    #expect(!trouble.scratch.files.contains { $0.hasPrefix("out/work/") || $0.contains(".tmp-") })
    // 24 h of 14, 15, 16 and 48 h of 14, 15; two variables.
    let table = try String(contentsOf: trouble.scratch.file("out/products/verification.csv"), encoding: .utf8)
    #expect(table.split(separator: "\n").count == 1 + 2 * 5)

    // Again: one line, nothing changed.
    let again = try trouble.run(day: 17)
    #expect(again.code == 0)
    #expect(again.output == "apus daily: 20260117T00 is published and whole\n")
    #expect(try trouble.products() == found)
  }

  /// The table of scores keeps its lines, whatever ended them; what is no such table is refused, not written over.
  @Test func theTableOfScoresIsKept() throws {
    let world = try DailyWorld()
    for day in 14...16 {
      try world.deliver(day: day)
      #expect(try world.run(day: day).code == 0)
    }
    let file = world.scratch.file("out/products/verification.csv")
    let table = try String(contentsOf: file, encoding: .utf8)
    try table.replacing("\n", with: "\r\n").write(to: file, atomically: true, encoding: .utf8)
    try world.deliver(day: 17)
    #expect(try world.run(day: 17).code == 0)
    let after = try String(contentsOf: file, encoding: .utf8)
    #expect(Set(table.split(separator: "\n")).isSubset(of: after.split(separator: "\n")))
    #expect(after.count > table.count)
    for wrong in ["", "garbage\n", after.replacing(/,[0-9.]+\n/, with: ",abc\n")] {
      try wrong.write(to: file, atomically: true, encoding: .utf8)
      try world.deliver(day: 18)
      let outcome = try world.run(day: 18)
      #expect(outcome.code == 65 && outcome.errors.contains("is no table of scores"), "\(outcome.errors)")
      #expect(try String(contentsOf: file, encoding: .utf8) == wrong)
    }
  }

  @Test func theScoresAreThoseOfAHindcast() throws {
    let world = try DailyWorld()
    for day in 14...15 {
      try world.deliver(day: day)
      #expect(try world.run(day: day).code == 0)
    }
    let table = try String(contentsOf: world.scratch.file("out/products/verification.csv"), encoding: .utf8)
    let lines = table.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let row = Dictionary(uniqueKeysWithValues: zip(lines[0], lines[1]))
    #expect(
      row["initial_time"] == "2026-01-14T00:00:00Z" && row["lead_hours"] == "24" && row["variable"] == "msl")
    let files = (0..<9).map { "out/products/20260114T00/members/20260114T00/member_000\($0).nc" }
    let verify = try Binary.run(
      ["verify", "--forecast"] + files + [
        "--truth", try SmallWorld.shared.get().analyses, "--variable", "msl", "--output", "scores.nc",
        "--json",
      ], in: world.scratch.directory)
    #expect(verify.code == 0, "\(verify.errors)")
    let times = try #require(try verify.json()["times"] as? [[String: Any]])
    let day = try #require(times.first { $0["lead_hours"] as? Double == 24 })
    for column in ["rmse_mean", "spread", "crps_fair"] {
      let (found, expected) = (row[Substring(column)].flatMap { Double($0) }, day[column] as? Double)
      // A run's truth is truncated as its forecasts are, that of `apus verify` is not.
      #expect(abs((found ?? .nan) - (expected ?? 0)) < 2e-3 * (expected ?? 0), "\(column)")
    }
  }

  @Test func aSecondStartNamesTheHolderAndASignalStopsTheFirst() throws {
    let world = try DailyWorld(["wait_minutes: 5", "poll_seconds: 1"])
    let first = try world.begin(day: 14)
    try world.waitForLog("waiting:")
    let second = try world.run(day: 14)
    #expect(second.code == 75)
    #expect(second.errors.contains("held by pid \(first.processIdentifier) on "), "\(second.errors)")
    #expect(second.errors.contains(": apus daily"))
    kill(first.processIdentifier, SIGTERM)
    first.waitUntilExit()
    #expect(first.terminationStatus == 75)
    try world.waitForLog("stopped cleanly on SIGTERM")
    // One that waits sees what arrives.
    let third = try world.begin(day: 14)
    usleep(500_000)
    try world.deliver(day: 14)
    third.waitUntilExit()
    #expect(third.terminationStatus == 0)
    #expect(world.latest == "20260114T00")
  }

  @Test func aDamagedDateIsReportedAndCanBeMadeAgain() throws {
    let world = try DailyWorld()
    try world.deliver(day: 14)
    #expect(try world.run(day: 14).code == 0)
    let before = try world.products()
    let name = "out/products/20260114T00/products/mean_20260114T00.nc"
    var bytes = try #require(before[name])
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: world.scratch.file(name))
    let outcome = try world.run(day: 14)
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("\(name): a published file was changed or damaged"), "\(outcome.errors)")
    // Today's forecast is made all the same; yesterday's is not scored.
    try world.deliver(day: 15)
    let next = try world.run(day: 15)
    #expect(next.code == 65)
    #expect(world.latest == "20260115T00")
    #expect(try !world.products().keys.contains("out/products/verification.csv"))
    try FileManager.default.removeItem(at: world.scratch.file("out/products/20260114T00"))
    #expect(try world.run(day: 15).output.contains("published 20260114T00"))
    #expect(try world.products().merging(before) { $1 } == world.products())
    #expect(try world.run(day: 15, ["--check"]).code == 0)
  }

  @Test func oldDatesAreRemoved() throws {
    let world = try DailyWorld(["catch_up_days: 1", "keep_runs: 2"], members: false)
    for day in 14...16 {
      try world.deliver(day: day)
      let outcome = try world.run(day: day)
      #expect(outcome.code == 0)
      #expect(outcome.output.contains("1 pruned") == (day == 16))
    }
    let dates = Set(try world.products().keys.compactMap { $0.split(separator: "/").dropFirst(2).first })
    #expect(dates == ["20260115T00", "20260116T00", "verification.csv"])
    // Scores stay, from products where members are not kept: 24 h of 14 and 15, 48 h of 14; two variables.
    let table = try String(contentsOf: world.scratch.file("out/products/verification.csv"), encoding: .utf8)
    #expect(table.split(separator: "\n").count == 1 + 2 * 3)
    #expect(!world.scratch.files.contains { $0.contains("member_0000") })
    // The newest one stays, however old.
    try world.write(["catch_up_days: 0", "keep_days: 1"])
    let outcome = try world.run(day: 19)
    #expect(outcome.code == 75)
    #expect(world.latest == "20260116T00")
    #expect(try world.products().keys.contains("out/products/20260116T00/manifest.json"))
  }

  /// Directories that no daily run made are neither removed nor called the latest.
  @Test func nobodyElsesDirectoriesAreTouched() throws {
    let world = try DailyWorld(["catch_up_days: 1", "keep_days: 1", "keep_runs: 2"])
    let foreign = [
      "20251101T00/notes", "20991231T00/notes", ".incoming-mine/notes", ".outgoing-20260101/notes",
    ].map { world.scratch.file("out/products/\($0)") }
    for file in foreign {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("mine".utf8).write(to: file)
    }
    for day in 14...16 {
      try world.deliver(day: day)
      let outcome = try world.run(day: day)
      #expect(outcome.output.contains("published 202601\(day)T00"), "\(outcome.errors)")
      #expect(world.latest == "202601\(day)T00")
    }
    #expect(foreign.allSatisfy { FileManager.default.fileExists(atPath: $0.path) })
    let dates = try FileManager.default.contentsOfDirectory(
      atPath: world.scratch.file("out/products").path
    ).filter { $0.hasPrefix("202601") }
    #expect(dates.sorted() == ["20260115T00", "20260116T00"])
  }

  /// A date asked for by name does not cost those that are due.
  @Test func aDateByNamePrunesNothingDue() throws {
    // On the 17th those of the 14th and 15th are due.
    let world = try DailyWorld(["catch_up_days: 1", "keep_runs: 2", "delay_hours: 48"])
    for day in 14...16 { try world.deliver(day: day) }
    #expect(try world.run(day: 17).code == 0)
    let early = try world.run(day: 17, ["--date", "2026-01-16"])
    #expect(early.code == 0 && early.output.contains("published 20260116T00"), "\(early.errors)")
    for day in 14...16 {
      #expect(try world.products().keys.contains("out/products/202601\(day)T00/manifest.json"))
    }
    let future = try world.run(day: 17, ["--date", "2026-01-20"])
    #expect(future.code == 64 && future.errors.contains("in the future"), "\(future.errors)")
  }

  /// Members that an emulator draws are part of what is published.
  @Test func emulatedMembersArePublished() throws {
    let (world, emulation) = (try DailyWorld(), try EmulationWorld.shared.get())
    let file = world.scratch.file("daily.yml")
    let section =
      "emulation: {emulator: \(emulation.emulator("gaussian_shrinkage")), members: 2, seed_members: [1, 3]}\n"
    try (String(contentsOf: file, encoding: .utf8) + section).write(
      to: file, atomically: true, encoding: .utf8)
    try world.deliver(day: 14)
    let outcome = try world.run(day: 14)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let own = "out/products/20260114T00/emulated/"
    let products = try world.products()
    #expect(products[own + "members/20260114T00/member_0002.nc"] != nil)
    #expect(products[own + "products/mean_20260114T00.nc"] != nil)
    let sums = try String(
      contentsOf: world.scratch.file("out/products/20260114T00/SHA256SUMS"), encoding: .utf8)
    #expect(sums.contains("emulated/members/20260114T00/member_0002.nc"))
  }

  @Test func whatTheCommandDoesNotTake() throws {
    let world = try DailyWorld()
    let hour = try world.run(day: 14, ["--date", "2026-01-14T06"])
    #expect(hour.code == 64)
    let none = try Binary.run(["run", "daily.yml"], in: world.scratch.directory)
    #expect(none.code == 78)
    #expect(none.errors.contains("initial_times"))
    let small = try SmallWorld.shared.get()
    try small.ensemble().write(
      to: world.scratch.file("run.yml"), atomically: true, encoding: .utf8)
    let section = try Binary.run(["daily", "run.yml"], in: world.scratch.directory)
    #expect(section.code == 78)
    #expect(section.errors.contains("'daily': missing key"))
  }
}
