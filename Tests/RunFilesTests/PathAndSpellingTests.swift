import Foundation
import RunFiles
import Testing

@Suite struct PathAndSpellingTests {
  @Test func pathsAreLookedForBesideTheRunFileAndAboveIt() throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-paths-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for directory in ["pipelines", "weights"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(directory), withIntermediateDirectories: true)
    }
    for file in ["pipelines/beside.nc", "weights/one.nc"] {
      try Data().write(to: root.appendingPathComponent(file))
    }
    let runFile = root.path + "/pipelines/demo.yml"
    #expect(InputPath("beside.nc", runFile: runFile).path == root.path + "/pipelines/beside.nc")
    #expect(InputPath("weights/*.nc", runFile: runFile).path == root.path + "/weights/*.nc")
    #expect(InputPath("nowhere.nc", runFile: runFile).path == "nowhere.nc")
    #expect(InputPath("/nowhere.nc", runFile: runFile).path == "/nowhere.nc")
    #expect(InputPath("weights/*.nc", runFile: runFile).written == "weights/*.nc")
  }

  @Test(arguments: [
    ("pairs", "pairs", 0), ("pairs", "piars", 1), ("pairs", "pair", 1), ("", "abc", 3),
    ("kitten", "sitting", 3),
  ])
  func distances(_ left: String, _ right: String, _ distance: Int) {
    #expect(Spelling.distance(left, right) == distance)
    #expect(Spelling.distance(right, left) == distance)
  }

  @Test func farWordsAreNotSuggested() {
    #expect(Spelling.nearest(to: "frobnicate", among: ["directory", "members"]) == nil)
    #expect(Spelling.nearest(to: "leedTime", among: ["lead_time", "title"]) == "lead_time")
  }
}
