import Basics
import Ensembles
import Fields
import Foundation
import Sphere
import Synchronization
import Testing

@Suite struct EnsembleRunTests {
  let grid: SphereGrid
  let channels = ["z500", "q850"]
  let dates = (1...2).map { Instant(year: 2000, month: 2, day: $0) }

  init() throws { grid = try SphereGrid(.gaussian, latitudes: 8, longitudes: 16) }

  func forecaster(seed: UInt64 = 5, unstableAbove: Float = .infinity, burst: Float = .nan) throws
    -> EnsembleForecaster
  {
    let models = [0.2, 0.25].map {
      WindingModel(
        channels: channels, grid: grid, identifier: "winding \($0)", rate: Float($0),
        unstableAbove: unstableAbove, burst: burst)
    }
    return try EnsembleForecaster(
      models: models, analyses: AnalysisCache(AnalyticAnalyses(channels: channels, grid: grid)),
      settings: PerturbationSettings(), amplitudes: [0.3, 0.2], seed: seed, leadHours: 24,
      outputEveryHours: 12)
  }

  func plan(pairs: Int = 2) -> WorkPlan {
    WorkPlan(initialTimes: dates, checkpoints: 2, pairs: pairs, kind: .bredVectors)
  }

  @discardableResult func run(
    _ scratch: ScratchDirectory, seed: UInt64 = 5, pairs: Int = 2, threads: Int = 2,
    output: MemberOutput = .all, store: any RunStore = RawStore(),
    unstableAbove: Float = .infinity, burst: Float = .nan, shard: EnsembleRun.Shard? = nil,
    saveEvery: Duration = .seconds(300),
    warn: @escaping @Sendable (String) -> Void = { Issue.record("\($0)") },
    isStopped: @escaping @Sendable () -> Bool = { false }
  ) throws -> EnsembleRun.Summary {
    let forecaster = try forecaster(seed: seed, unstableAbove: unstableAbove, burst: burst)
    let plan = plan(pairs: pairs)
    let directory = RunDirectory(scratch.path)
    let manifest = RunManifest(
      name: "test", apusVersion: "0", runFileDigest: "", forecaster: forecaster, plan: plan,
      checkpointPaths: ["a", "b"], memberFiles: output)
    try directory.adopt(manifest, runFileText: "name: test\n", initialTimes: dates)
    let run = EnsembleRun(
      forecaster: forecaster, plan: plan, directory: directory, store: store, sums: sums,
      threads: threads, output: output, saveEvery: saveEvery)
    return try run.run(shard: shard, warn: warn, isStopped: isStopped)
  }

  /// Counts above 1 and above the control, and every member's first value.
  let sums = SumsPlan(
    degrees: 4, fingerprint: "test",
    bounds: { _, scales in
      CountedBounds(
        rows: (0..<6).map { [.constant(1), .aboveControl(Float(scales[$0 % 2]) / 4)] })
    }, memberRow: { _ in .init(length: 1) { [$0.values[0]] } })

  @Test func threadsDoNotMatterAndTwiceIsTheSame() throws {
    let (one, two, again) = (try ScratchDirectory(), try ScratchDirectory(), try ScratchDirectory())
    let summary = try run(one, threads: 1)
    #expect(summary.made == 18 && summary.kept == 0 && summary.products == 2)
    try run(two, threads: 2)
    try run(again, threads: 2)
    let files = try one.contents()
    // Members, products, checksums of two dates; manifest and run file.
    #expect(files.count == 18 + 8 + 2 + 2)
    #expect(try two.contents() == files)
    #expect(try again.contents() == files)
  }

  @Test func aMemberAloneIsTheMemberOfTheEnsemble() throws {
    let scratch = try ScratchDirectory()
    try run(scratch)
    let forecaster = try forecaster()
    for number in [0, 3, 8] {
      let alone = try forecaster.member(plan().member(number), at: dates[1])
      let inside = try RawStore().read(RunDirectory(scratch.path).memberFile(number, at: dates[1]))
      #expect(alone.values == inside.values)
    }
  }

  @Test func membersDiffer() throws {
    let scratch = try ScratchDirectory()
    try run(scratch)
    let members = try scratch.contents(below: "members/" + dates[0].stamp)
    #expect(members.count == 9)
    #expect(Set(members.values).count == 9)
  }

  @Test func growingKeepsMembersAndRenewsProducts() throws {
    let scratch = try ScratchDirectory()
    try run(scratch, pairs: 1)
    let before = try scratch.contents(below: "members")
    let products = try scratch.contents(below: "products")
    let summary = try run(scratch, pairs: 2)
    #expect(summary.made == 8 && summary.kept == 10 && summary.products == 2)
    let after = try scratch.contents(below: "members")
    for (name, data) in before { #expect(after[name] == data) }
    #expect(try scratch.contents(below: "products") != products)
    let fresh = try ScratchDirectory()
    try run(fresh, pairs: 2)
    #expect(try fresh.contents() == scratch.contents())
  }

  @Test func resumingAfterLossesGivesTheSameBytes() throws {
    let scratch = try ScratchDirectory()
    try run(scratch)
    let files = try scratch.contents()
    let directory = RunDirectory(scratch.path)
    for file in [
      directory.memberFile(2, at: dates[0]), directory.memberFile(7, at: dates[0]),
      directory.product(.mean, at: dates[0]), directory.memberFile(0, at: dates[1]),
    ] { try FileManager.default.removeItem(atPath: file) }
    let summary = try run(scratch, threads: 1)
    #expect(summary.made == 3 && summary.kept == 15 && summary.products == 1)
    #expect(try scratch.contents() == files)
    let nothing = try run(scratch)
    #expect(nothing.made == 0 && nothing.kept == 18 && nothing.products == 0)
  }

  @Test func stoppingIsCleanAndGoesOn() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    let steps = Atomic<Int>(0)
    let error = #expect(throws: ApusError.self) {
      try run(scratch, isStopped: { steps.add(1, ordering: .relaxed).newValue > 30 })
    }
    #expect(error?.kind == .tryAgainLater)
    let left = try scratch.contents(below: "members").count
    #expect(left > 0 && left < 18)
    try run(scratch)
    try run(whole)
    #expect(try scratch.contents() == whole.contents())
  }

  @Test func productsAreTheStatisticsOfTheMembers() throws {
    let scratch = try ScratchDirectory()
    try run(scratch)
    let directory = RunDirectory(scratch.path)
    let members = try plan().members.map {
      try RawStore().read(directory.memberFile($0.number, at: dates[0])).values
    }
    func product(_ product: RunDirectory.Product) throws -> [Float] {
      try RawStore().read(directory.product(product, at: dates[0])).values
    }
    let (mean, spread) = (try product(.mean), try product(.spread))
    let (minimum, maximum) = (try product(.minimum), try product(.maximum))
    for i in mean.indices {
      let values = members.map { Double($0[i]) }
      let average = values.reduce(0, +) / 9
      let deviation = (values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 8).squareRoot()
      // A tick is 2^-16 of a standard deviation of about 1.
      #expect(abs(Double(mean[i]) - average) < 2e-5)
      #expect(abs(Double(spread[i]) - deviation) < 3e-5)
      #expect(Double(minimum[i]) == values.min() && Double(maximum[i]) == values.max())
    }
  }

  @Test(arguments: [2, 3, 7], [1, 2]) func shardsMergeToTheWhole(count: Int, threads: Int) throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try run(whole, output: .none)
    for index in (0..<count).reversed() {
      try run(scratch, threads: threads, output: .none, shard: (index, count))
    }
    let left = try run(scratch, output: .none)
    #expect(left.made == 0)
    #expect(try scratch.contents(below: "products") == whole.contents(below: "products"))
    #expect(try scratch.contents(below: "partials").isEmpty)
  }

  @Test func anotherSplitTakesUpWhatShardsLeft() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try run(whole, output: .none)
    try run(scratch, output: .none, shard: (1, 3))
    for index in 0..<4 { try run(scratch, output: .none, shard: (index, 4)) }
    let rest = try run(scratch, output: .none)
    #expect(rest.made == 0 && rest.products == 2)
    #expect(try scratch.contents(below: "products") == whole.contents(below: "products"))
  }

  @Test(arguments: [3, 11, 20, 29]) func stoppedProductsGoOnFromPartialSums(after steps: Int) throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try run(whole, output: .none)
    let count = Atomic<Int>(0)
    let error = #expect(throws: ApusError.self) {
      try run(
        scratch, threads: 1, output: .none, saveEvery: .zero,
        isStopped: { count.add(1, ordering: .relaxed).newValue > steps })
    }
    #expect(error?.kind == .tryAgainLater)
    let rest = try run(scratch, output: .none)
    #expect(steps < 8 ? rest.made <= 18 : rest.made < 18)
    #expect(try scratch.contents(below: "products") == whole.contents(below: "products"))
  }

  @Test func damagedPartialSumsAreSetAsideAndMadeAgain() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try run(whole, output: .none)
    for index in 0..<4 { try run(scratch, output: .none, shard: (index, 4)) }
    let file = RunDirectory(scratch.path).partials(at: dates[0]) + "/1_of_4.sums"
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: file))
    let rest = try run(scratch, output: .none, warn: { #expect($0.contains("1_of_4.sums")) })
    #expect(rest.made == 8 && rest.products == 2)
    #expect(try scratch.contents(below: "products") == whole.contents(below: "products"))
  }

  @Test func mergingRefusesDamageAndNamesWhatLacks() throws {
    let scratch = try ScratchDirectory()
    for index in [0, 2, 3] { try run(scratch, output: .none, shard: (index, 4)) }
    let merging = EnsembleRun(
      forecaster: try forecaster(), plan: plan(), directory: RunDirectory(scratch.path), store: RawStore(),
      sums: sums, threads: 1, output: .none)
    let (written, lacking) = try merging.merge()
    #expect(written == 1 && lacking.map(\.members) == [8])
    try run(scratch, output: .none, shard: (1, 4))
    let file = RunDirectory(scratch.path).partials(at: dates[0]) + "/1_of_4.sums"
    var data = try Data(contentsOf: URL(fileURLWithPath: file))
    data[data.count / 2] ^= 1
    try data.write(to: URL(fileURLWithPath: file))
    let error = #expect(throws: ApusError.self) { try merging.merge() }
    #expect(error?.kind == .badData && error?.file == file)
  }

  @Test func productsAloneNeedNoMemberFiles() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try run(scratch, output: .none)
    try run(whole)
    #expect(try scratch.contents(below: "members").isEmpty)
    #expect(try scratch.contents(below: "products") == whole.contents(below: "products"))
  }

  @Test func anotherRunsDirectoryIsRefused() throws {
    let scratch = try ScratchDirectory()
    try run(scratch)
    let error = #expect(throws: ApusError.self) { try run(scratch, seed: 6) }
    #expect(error?.kind == .cannotCreateOutput)
    #expect(error?.variable == "seed")
  }

  @Test func aMemberThatBlowsUpIsNamedAndTheOthersGoOn() throws {
    let scratch = try ScratchDirectory()
    // The analyses stay below 3 + the perturbation; some members pass this bound, some do not.
    let error = #expect(throws: ApusError.self) { try run(scratch, unstableAbove: 3.95) }
    #expect(error?.kind == .internalFault)
    #expect(error?.found?.contains("lead time") == true)
    let failed = try scratch.contents(below: "failed")
    #expect(!failed.isEmpty && failed.count < 18)
    #expect(try scratch.contents(below: "members").count == 18 - failed.count)
    try run(scratch)
    #expect(try scratch.contents(below: "failed").isEmpty)
  }

  /// Absurd values that are numbers are a member like any other: it is in the sums, at their limits, and nothing traps.
  @Test(arguments: [Float(1e6), 1e30]) func aMemberThatRunsAwayIsCounted(_ burst: Float) throws {
    let (scratch, shards) = (try ScratchDirectory(), try ScratchDirectory())
    let summary = try run(scratch, unstableAbove: 3.95, burst: burst)
    #expect(summary.made == 18 && summary.products == 2)
    for part in [1, 0] { try run(shards, unstableAbove: 3.95, burst: burst, shard: (part, 2)) }
    try run(shards, unstableAbove: 3.95, burst: burst)
    #expect(try shards.contents(below: "products") == scratch.contents(below: "products"))
  }

  @Test func aLockIsHeldOnce() throws {
    let scratch = try ScratchDirectory()
    let lock = try RunLock(scratch.path + "/.lock")
    let error = #expect(throws: ApusError.self) { try RunLock(scratch.path + "/.lock") }
    #expect(error?.kind == .tryAgainLater)
    withExtendedLifetime(lock) {}
  }

  @Test func mixedCheckpointsAreRefused() throws {
    let models: [any ForecastModel] = [
      WindingModel(channels: channels, grid: grid, identifier: "a", rate: 1),
      WindingModel(channels: ["z500"], grid: grid, identifier: "b", rate: 1),
    ]
    let error = #expect(throws: ApusError.self) {
      try EnsembleForecaster(
        models: models, analyses: AnalyticAnalyses(channels: channels, grid: grid),
        settings: PerturbationSettings(),
        amplitudes: [1, 1], seed: 1, leadHours: 24)
    }
    #expect(error?.kind == .badData)
  }
}
