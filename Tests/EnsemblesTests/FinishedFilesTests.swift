import Basics
import Ensembles
import Fields
import Foundation
import Sphere
import Synchronization
import Testing

/// Finished files are what their checksums say, or are made again.
@Suite struct FinishedFilesTests {
  let world: EnsembleRunTests
  init() throws { world = try EnsembleRunTests() }

  /// What a run warned of.
  final class Warnings: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  func change(_ file: String, _ how: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: file))
    how(&data)
    try data.write(to: URL(fileURLWithPath: file))
  }

  /// Contents without what was set aside.
  func contents(_ scratch: ScratchDirectory) throws -> [String: Data] {
    try scratch.contents().filter { !$0.key.hasSuffix(".damaged") }
  }

  @Test func aFinishedDateListsItsFiles() throws {
    for output in [MemberOutput.all, .none, MemberOutputTests.some] {
      let scratch = try ScratchDirectory()
      try world.run(scratch, output: output)
      let directory = RunDirectory(scratch.path)
      for date in world.dates {
        let list = try ChecksumList(file: directory.checksums(at: date))
        let names = try scratch.contents().keys.filter {
          $0.contains(date.stamp) && !$0.hasPrefix("checksums/")
        }
        #expect(list.digests.keys.sorted() == names.sorted() && names.count >= 4)
        for (name, digest) in list.digests {
          #expect(try SHA256.hexadecimal(ofFile: scratch.path + "/" + name) == digest)
        }
        let lines = list.text.split(separator: "\n").map { $0.dropFirst(66) }
        #expect(lines == lines.sorted())
      }
    }
  }

  @Test func aChangedFileIsSetAsideAndMadeAgain() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole)
    try world.run(scratch)
    let directory = RunDirectory(scratch.path)
    let (cut, altered) = (
      directory.memberFile(3, at: world.dates[0]), directory.memberFile(7, at: world.dates[1])
    )
    let product = directory.product(.spread, at: world.dates[1])
    try change(cut) { $0 = $0.prefix($0.count / 2) }
    try change(altered) { $0[$0.count - 5] ^= 1 }
    try change(product) { $0.append(0) }
    #expect(
      try directory.changedFiles(at: world.dates).map(\.path) == [cut, altered, product])
    let warnings = Warnings()
    let summary = try world.run(scratch, warn: warnings.add)
    #expect(summary.made == 2 && summary.kept == 16 && summary.products == 1)
    #expect(warnings.all.count == 3)
    for file in [cut, altered, product] {
      #expect(warnings.all.contains { $0.contains(file) && $0.contains("set aside") })
      #expect(RunDirectory.exists(file + ".damaged"))
    }
    #expect(try contents(scratch) == whole.contents())
    #expect(try directory.changedFiles(at: world.dates).isEmpty)
    #expect(try world.run(scratch).made == 0)
  }

  @Test func aChangedProductOfMembersThatAreNotKeptMakesThemAgain() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    for directory in [scratch, whole] { try world.run(directory, output: .none) }
    try change(RunDirectory(scratch.path).product(.mean, at: world.dates[0])) { $0[$0.count / 2] ^= 4 }
    let warnings = Warnings()
    let summary = try world.run(scratch, output: .none, warn: warnings.add)
    #expect(summary.made == 9 && summary.kept == 9 && summary.products == 1 && warnings.all.count == 1)
    #expect(try contents(scratch) == whole.contents())
  }

  @Test func shardsMakeTheirOwnMembersAgain() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    for directory in [scratch, whole] { try world.run(directory) }
    // Of the first date the first third has members 0, 1, 2, 5 and 6, the second the others.
    let files = [1, 8].map { RunDirectory(scratch.path).memberFile($0, at: world.dates[0]) }
    for file in files { try change(file) { $0[$0.count - 1] ^= 1 } }
    for (index, file) in files.enumerated() {
      let warnings = Warnings()
      let summary = try world.run(scratch, shard: (index, 3), warn: warnings.add)
      #expect(summary.made == 1 && summary.partial == 0)
      #expect(warnings.all.count == 1 && warnings.all[0].contains(file))
    }
    #expect(try contents(scratch) == whole.contents())
  }

  @Test func aDateWithoutChecksumsOrWithDamagedOnesGetsNewOnes() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    for directory in [scratch, whole] { try world.run(directory) }
    let directory = RunDirectory(scratch.path)
    try FileManager.default.removeItem(atPath: directory.checksums(at: world.dates[0]))
    try change(directory.checksums(at: world.dates[1])) { $0 = $0.dropFirst(3) }
    let warnings = Warnings()
    #expect(try world.run(scratch, warn: warnings.add).made == 0)
    #expect(warnings.all.count == 1 && warnings.all[0].contains("is no list of checksums"))
    #expect(try contents(scratch) == whole.contents())
  }

  @Test func aDateThatIsMadeAgainListsWhatItStillHas() throws {
    let scratch = try ScratchDirectory()
    try world.run(scratch, pairs: 1)
    // One more pair makes the products stale; the members stay, and stay listed. The first questions come while they are
    // compared.
    let count = Atomic<Int>(0)
    _ = try? world.run(scratch, isStopped: { count.add(1, ordering: .relaxed).newValue > 25 })
    let directory = RunDirectory(scratch.path)
    for date in world.dates {
      let names = try ChecksumList(file: directory.checksums(at: date)).digests.keys
      #expect(names.count == 5 && names.allSatisfy { $0.hasPrefix("members/") })
    }
    try change(directory.memberFile(2, at: world.dates[0])) { $0[$0.count - 1] ^= 1 }
    let warnings = Warnings()
    try world.run(scratch, warn: warnings.add)
    #expect(warnings.all.count == 1)
    let whole = try ScratchDirectory()
    try world.run(whole)
    #expect(try contents(scratch) == whole.contents())
  }

  @Test func mergingListsToo() throws {
    let (scratch, whole) = (try ScratchDirectory(), try ScratchDirectory())
    try world.run(whole)
    for index in 0..<2 { try world.run(scratch, shard: (index, 2)) }
    let merging = EnsembleRun(
      forecaster: try world.forecaster(), plan: world.plan(), directory: RunDirectory(scratch.path),
      store: RawStore(), sums: world.sums, threads: 1)
    // Each shard has whole dates: their products are there already.
    _ = try merging.merge()
    #expect(try contents(scratch) == whole.contents())
  }
}
