import Foundation
import RunFiles
import Testing

/// Every run file in `pipelines/` is read without a complaint, and its canonical text says the same.
@Suite struct ShippedRunFileTests {
  static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../pipelines").standardized

  static let files: [String] = ["", "train"].flatMap { part in
    let directory = root.appendingPathComponent(part)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter { $0.hasSuffix(".yml") }.sorted().map { directory.appendingPathComponent($0).path }
  }

  @Test func thereAreSome() { #expect(ShippedRunFileTests.files.count > 15) }

  @Test(arguments: files) func isRead(_ path: String) throws {
    func check<File: RunFile>(_ kind: File.Type) throws {
      let file = try File.read(path)
      // The canonical text of a training without validation data names defaults that it would be refused for.
      if kind != TrainingRunFile.self { #expect(try File.parse(file.canonicalText(), file: path) == file) }
    }
    let text = try String(contentsOfFile: path, encoding: .utf8)
    if EmulatorRunFile.isMeant(by: text) {
      try check(EmulatorRunFile.self)
    } else if text.contains("\noptimisation:") {
      try check(TrainingRunFile.self)
    } else {
      try check(EnsembleRunFile.self)
    }
  }
}
