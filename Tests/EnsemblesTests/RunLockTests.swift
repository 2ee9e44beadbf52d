import Basics
import Ensembles
import Foundation
import Testing

@Suite struct RunLockTests {
  let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-lock-\(UUID().uuidString)")
    .path

  @Test func theSecondOneLearnsWhoHoldsIt() throws {
    defer { unlink(file) }
    #expect(RunLock.holder(of: file) == nil)
    let first = try RunLock(file)
    let error = #expect(throws: ApusError.self) { try RunLock(file) }
    #expect(error?.kind == .tryAgainLater)
    let who = "pid \(ProcessInfo.processInfo.processIdentifier) on "
    #expect(error?.found?.hasPrefix("held by " + who) == true)
    #expect(RunLock.holder(of: file)?.hasPrefix(who) == true)
    withExtendedLifetime(first) {}
  }

  /// A temporary file goes with its lock, not with one that was refused.
  @Test func temporaryFiles() throws {
    defer { unlink(file) }
    let first = try RunLock(file, isTemporary: true)
    #expect(throws: ApusError.self) { try RunLock(file, isTemporary: true) }
    #expect(FileManager.default.fileExists(atPath: file))
    withExtendedLifetime(first) {}
    do { withExtendedLifetime(try RunLock(file + "x", isTemporary: true)) {} }
    #expect(!FileManager.default.fileExists(atPath: file + "x"))
  }

  @Test func itGoesWithItsHolderAndShardsShareIt() throws {
    defer { unlink(file) }
    do { withExtendedLifetime(try RunLock(file)) {} }
    #expect(RunLock.holder(of: file) == nil)
    let shards = try [RunLock(file, isShared: true), RunLock(file, isShared: true)]
    let error = #expect(throws: ApusError.self) { try RunLock(file) }
    #expect(error?.found?.hasSuffix("one of several") == true)
    withExtendedLifetime(shards) {}
  }
}
