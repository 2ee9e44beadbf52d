import Basics
import Fields
import Foundation
import Verification

/// The running table of scores: a line for each variable, initial time and lead time, as CSV.
struct ScoreTable {
  /// What a line is about.
  struct Key: Hashable, Comparable {
    let date: Instant
    let leadHours: Int
    let variable: String

    static func < (left: Key, right: Key) -> Bool {
      (left.date, left.leadHours, left.variable) < (right.date, right.leadHours, right.variable)
    }
  }

  private static let facts = ["initial_time", "lead_hours", "variable", "units", "valid_time", "members"]
  private static let header = facts + HindcastScore.allCases.map(\.rawValue)
  private var rows: [Key: [String: String]] = [:]

  /// Reads the table; an empty one where there is no file.
  /// - Throws: `ApusError` of kind `badData` naming the line.
  init(_ path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else { return }
    // Spreadsheets end lines with two characters.
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    func refusal(_ line: Int) -> ApusError {
      ApusError(
        .badData, "is no table of scores", file: "\(path):\(line)",
        expected: "\(ScoreTable.facts.joined(separator: ",")) and scores",
        advice: "Move it away; dates that are still published are scored again.")
    }
    let header = lines.first?.split(separator: ",").map(String.init) ?? []
    guard ScoreTable.facts.allSatisfy(header.contains) else { throw refusal(1) }
    let facts = Set(ScoreTable.facts)
    for (number, line) in lines.enumerated().dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      let row = Dictionary(zip(header, cells)) { first, _ in first }
      guard cells.count == header.count, let date = row["initial_time"].flatMap({ Instant($0) }),
        let lead = row["lead_hours"].flatMap({ Int($0) }), let variable = row["variable"],
        row.allSatisfy({ facts.contains($0.key) || $0.value.isEmpty || Double($0.value) != nil })
      else { throw refusal(number + 1) }
      rows[Key(date: date, leadHours: lead, variable: variable)] = row
    }
  }

  /// Whether a line is there.
  func has(_ key: Key) -> Bool { rows[key] != nil }

  /// Lines.
  var count: Int { rows.count }

  /// Adds a line; one that is there stays.
  /// - Parameter scores: roots taken where a score is a root of a mean.
  mutating func add(_ key: Key, units: String, members: Int, scores: [HindcastScore: Double]) {
    guard rows[key] == nil else { return }
    var row = [
      "initial_time": key.date.description, "lead_hours": "\(key.leadHours)", "variable": key.variable,
      "units": units, "valid_time": key.date.adding(hours: key.leadHours).description,
      "members": "\(members)",
    ]
    for (score, value) in scores where !value.isNaN { row[score.rawValue] = "\(Float(value))" }
    rows[key] = row
  }

  /// Writes the whole table, by initial time, lead time and variable.
  /// - Throws: as `WholeFile.write`.
  func write(_ path: String) throws {
    let lines = rows.sorted { $0.key < $1.key }.map { _, row in
      ScoreTable.header.map { row[$0] ?? "" }.joined(separator: ",")
    }
    let text = ([ScoreTable.header.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
    try WholeFile.write(Data(text.utf8), to: path)
  }
}
