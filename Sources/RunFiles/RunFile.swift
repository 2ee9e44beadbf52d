import Basics
import Foundation
import Yams

/// What every kind of run file offers: strict reading and a canonical text.
public protocol RunFile: Encodable, Sendable, Hashable {
  /// Reads the YAML `text`; `file` is named in errors and is where relative paths are looked for.
  /// - Throws: `ApusError` of kind `badRunFile` (78) with file, line, column and key.
  static func parse(_ text: String, file: String) throws -> Self
}

extension RunFile {
  /// Reads a run file.
  /// - Throws: `ApusError`: `inputMissing` (66) where there is no such file, else as `parse`.
  public static func read(_ path: String) throws -> Self {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ApusError(.inputMissing, "cannot read the run file", file: path)
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ApusError(.badRunFile, "not a text in UTF-8", file: path)
    }
    return try parse(text, file: path)
  }

  /// The run file with every default spelt out and keys in order, as JSON (which is YAML too): the same
  /// for two files that mean the same, and read back by `parse` to an equal value.
  public func canonicalText() throws -> String {
    try SortedJSON.text(self, isPretty: true) + "\n"
  }
}

/// Refuses a run file that is meant for another command, by a key that only those have.
/// - Throws: `ApusError` of kind `badRunFile`.
func refuseOtherKind(_ node: Node, source: Source, keys: [String], kind: String, command: String) throws {
  for (key, _) in node.mapping.map(Array.init) ?? [] {
    guard let name = key.string, keys.contains(name) else { continue }
    throw source.error(
      at: key.mark, name, "is a key of \(kind)", advice: "Give this run file to \(command).")
  }
}

/// The first document of a YAML text.
func composeRunFile(_ text: String, source: Source) throws -> Node {
  do {
    guard let node = try Yams.compose(yaml: text) else {
      throw source.error(at: nil, nil, "the run file is empty")
    }
    return node
  } catch let error as YamlError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      throw source.error(at: mark, nil, "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      throw source.error(at: context.mark, duplicates.first, "key given twice")
    default:
      throw source.error(at: nil, nil, "not YAML: \(error)")
    }
  }
}
