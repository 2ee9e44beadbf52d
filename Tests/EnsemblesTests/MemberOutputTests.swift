import Basics
import Ensembles
import Fields
import Foundation
import Sphere
import Synchronization
import Testing

/// Some members kept, or parts of them: products know nothing of it, whatever happens on the way.
@Suite struct MemberOutputTests {
  let world: EnsembleRunTests
  init() throws { world = try EnsembleRunTests() }

  static let some = MemberOutput(.some([0, 4, 5]))

  func part() throws -> MemberOutput {
    MemberOutput(.all, fields: try MemberFields(leadHours: [24], of: world.forecaster()))
  }

  /// Member numbers that have files, of both dates together.
  func numbers(_ scratch: ScratchDirectory) throws -> [Int] {
    try scratch.contents(below: "members").keys.compactMap { Int($0.suffix(7).prefix(4)) }.sorted()
  }

  /// Everything below a part of the directory, which must hold something.
  func files(_ scratch: ScratchDirectory, _ part: String) throws -> [String: Data] {
    let files = try scratch.contents(below: part)
    try #require(!files.isEmpty)
    return files
  }

  @Test func productsDoNotDependOnWhichMembersAreKept() throws {
    let whole = try ScratchDirectory()
    try world.run(whole)
    let members = try files(whole, "members")
    for (output, kept) in [
      (Self.some, [0, 0, 4, 4, 5, 5]), (.none, []), (try part(), (0..<18).map { $0 / 2 }),
    ] {
      let scratch = try ScratchDirectory()
      let summary = try world.run(scratch, output: output, store: RawStore { Issue.record("\($0) is read") })
      #expect(summary.made == 18 && summary.products == 2)
      #expect(try files(scratch, "products") == files(whole, "products"))
      #expect(try numbers(scratch) == kept)
      for (name, data) in try scratch.contents(below: "members") { #expect(members[name] == data) }
      #expect(try scratch.contents(below: "partials").isEmpty)
      // Finished is finished.
      let again = try world.run(scratch, output: output)
      #expect(again.made == 0 && again.kept == 18)
    }
  }

  @Test func productsAreMadeOfRoundedMembersWhetherTheseAreKeptOrNot() throws {
    let exact = try ScratchDirectory()
    try world.run(exact)
    let rounded = try [MemberOutput.all, .none, Self.some].map { output in
      let scratch = try ScratchDirectory()
      try world.run(scratch, output: output, store: RawStore(step: 0.125))
      return try files(scratch, "products")
    }
    #expect(rounded[0] != (try files(exact, "products")))
    #expect(rounded[1] == rounded[0] && rounded[2] == rounded[0])
  }

  @Test(arguments: [3, 11, 20, 29, 60]) func stoppedAnywhereItEndsWithTheSameFiles(after steps: Int) throws {
    for output in [Self.some, try part()] {
      let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
      try world.run(whole, output: output)
      let count = Atomic<Int>(0)
      let error = #expect(throws: ApusError.self) {
        try world.run(
          scratch, threads: 2, output: output, saveEvery: .zero,
          isStopped: { count.add(1, ordering: .relaxed).newValue > steps })
      }
      #expect(error?.kind == .tryAgainLater)
      try world.run(scratch, output: output)
      #expect(try files(scratch, "") == files(whole, ""))
    }
  }

  @Test func aFileThatIsLostAfterItsMemberWasCountedIsMadeAgain() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole, output: Self.some)
    let directory = RunDirectory(scratch.path)
    // The shard's sums are on disk, and so are its files; one is lost.
    for index in 0..<2 { try world.run(scratch, output: Self.some, shard: (index, 3)) }
    try FileManager.default.removeItem(atPath: directory.memberFile(4, at: world.dates[0]))
    let rest = try world.run(scratch, output: Self.some)
    #expect(rest.products == 2)
    #expect(try files(scratch, "") == files(whole, ""))
    // The products are there, and a file is lost: only its member is forecast.
    try FileManager.default.removeItem(atPath: directory.memberFile(5, at: world.dates[1]))
    let last = try world.run(scratch, output: Self.some)
    #expect(last.made == 1 && last.kept == 17 && last.products == 0)
    #expect(try files(scratch, "") == files(whole, ""))
  }

  @Test(arguments: [2, 5]) func shardsMergeToTheWhole(count: Int) throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole, output: Self.some)
    for index in 0..<count { try world.run(scratch, output: Self.some, shard: (index, count)) }
    #expect(try numbers(scratch) == [0, 0, 4, 4, 5, 5])
    let rest = try world.run(scratch, output: Self.some)
    #expect(rest.made == 0)
    #expect(try files(scratch, "") == files(whole, ""))
  }

  @Test func anotherChoiceInTheSameDirectory() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole)
    // Nobody is kept at first, then some, then all.
    try world.run(scratch, output: .none)
    let some = try world.run(scratch, output: Self.some)
    #expect(some.made == 6 && some.products == 0)
    let all = try world.run(scratch)
    #expect(all.made == 12 && all.kept == 6)
    #expect(try files(scratch, "members") == files(whole, "members"))
    #expect(try files(scratch, "products") == files(whole, "products"))
    // Files with another part of the members would stand beside these.
    let error = #expect(throws: ApusError.self) { try world.run(scratch, output: part()) }
    #expect(error?.kind == .cannotCreateOutput && error?.variable == "output")
    // Where no member has a file there is nothing to stand beside.
    let empty = try ScratchDirectory()
    try world.run(empty, output: .none)
    #expect(try world.run(empty, output: part()).made == 18)
  }

  @Test func statusCountsMembersWhateverIsKept() throws {
    for output in [MemberOutput.all, Self.some, .none, try part()] {
      let scratch = try ScratchDirectory()
      let directory = RunDirectory(scratch.path)
      func finished() throws -> [Int] {
        let manifest = try #require(try directory.manifest())
        #expect(manifest.memberFiles == output)
        return world.dates.map { directory.finishedMembers(of: manifest, at: $0) }
      }
      // Three blocks a date: the control, and four members of each checkpoint. The first third is two of them.
      try world.run(scratch, output: output, shard: (0, 3))
      #expect(try finished() == [5, 0])
      try world.run(scratch, output: output)
      #expect(try finished() == [9, 9])
      guard output.keeps(4) else { continue }
      try FileManager.default.removeItem(atPath: directory.memberFile(4, at: world.dates[1]))
      #expect(try finished() == [9, 8])
    }
  }

  @Test func whatIsAllThereIsCountsAsWhole() throws {
    let forecaster = try world.forecaster()
    let globe = LatitudeLongitudeBox(south: -90, north: 90, west: 0, east: 360)
    let all = try MemberFields(
      channels: ["q850", "z500"], leadHours: [24, 12, 0], region: globe, of: forecaster)
    #expect(all == .whole && "\(all)" == "all")
    let part = try MemberFields(channels: ["q850"], leadHours: [24], of: forecaster)
    #expect(part.channels == ["q850"] && part.leadHours == [24] && part.region == nil)
    #expect(try part.valueCount(of: forecaster) == 128)
    // The same points from another column on are another file.
    let turned = LatitudeLongitudeBox(south: -90, north: 90, west: -180, east: 180)
    #expect(try MemberFields(region: turned, of: forecaster).region == turned)
    for (channels, hours, region, key) in [
      (["t2m"], nil, nil, "output.variables"), (nil, [6], nil, "output.lead_times"),
      (nil, nil, LatitudeLongitudeBox(south: 1, north: 2, west: 0, east: 360), "output.region"),
    ] as [([String]?, [Int]?, LatitudeLongitudeBox?, String)] {
      let error = #expect(throws: ApusError.self) {
        try MemberFields(channels: channels, leadHours: hours, region: region, of: forecaster)
      }
      #expect(error?.kind == .badRunFile && error?.variable == key)
    }
  }
}
