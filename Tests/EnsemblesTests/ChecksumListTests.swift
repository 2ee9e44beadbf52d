import Basics
import Foundation
import Testing

@Suite struct ChecksumListTests {
  let scratch: ScratchDirectory
  init() throws { scratch = try ScratchDirectory() }

  func read(_ text: String) throws -> ChecksumList {
    let file = scratch.path + "/list"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return try ChecksumList(file: file)
  }

  @Test func linesComeBackSortedByName() throws {
    let (a, b) = (String(repeating: "a", count: 64), String(repeating: "0", count: 64))
    let list = ChecksumList(["members/b.nc": b, "a file.nc": a])
    #expect(list.text == "\(a)  a file.nc\n\(b)  members/b.nc\n")
    #expect(try read(list.text) == list)
    #expect(try read(list.text.replacing("\n", with: "\r\n")) == list)
  }

  @Test func whatIsNoListIsRefused() throws {
    let digest = String(repeating: "a", count: 64)
    for text in [
      "", "\(digest) one.nc\n", "\(digest)  \n", "\(digest.dropLast())  one.nc\n",
      "z\(digest.dropLast())  x\n",
    ] {
      let error = #expect(throws: ApusError.self) { try read(text) }
      #expect(error?.kind == .badData)
    }
    let error = #expect(throws: ApusError.self) { try ChecksumList(file: scratch.path + "/nowhere") }
    #expect(error?.kind == .inputMissing)
  }
}
