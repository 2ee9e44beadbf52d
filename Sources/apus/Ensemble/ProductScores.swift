import Basics
import FieldIO
import Foundation

/// What an ensemble's products say of its quality at one lead time of one initial time; area means, cos(latitude).
struct ProductScore: Encodable {
  let variable: String
  let initialTime: String
  let leadHours: Int
  let members: Int
  /// Root-mean-square errors of the ensemble mean and of persistence.
  let rmseMean: Double
  let rmsePersistence: Double
  /// Root of the mean variance.
  let spread: Double
  /// CRPS and fair CRPS, from the counted distribution.
  var crps: Double?
  var crpsFair: Double?
  /// Part of the area where the truth lies outside all members, and what it would be if the truth were a member.
  let outliers: Double
  let outliersExpected: Double
  /// Mean over the area of (maximum - mean) / spread.
  let largestStandardised: Double
  /// Smallest root-mean-square error of a member: that of the member that is best over the whole globe.
  var rmseLeastMember: Double?
  /// Brier score of every threshold, by its text.
  var brier: [String: Double] = [:]

  /// sqrt((M + 1) / M) spread / RMSE.
  var spreadSkillRatio: Double {
    ((Double(members) + 1) / Double(members)).squareRoot() * spread / rmseMean
  }
}

/// The scores of a run that kept products alone.
struct ProductScores: Encodable {
  var scores: [ProductScore] = []

  /// A table.
  var text: String {
    var lines: [String] = []
    var last = ""
    for score in scores {
      let head = "\(score.variable), \(score.members) members from \(score.initialTime)"
      if head != last {
        lines.append(head)
        lines.append(
          "lead time  RMSE mean  persistence     spread  spread/skill       CRPS  outliers  (2/(M+1))  largest/spread  best member"
        )
        last = head
      }
      func number(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "-" }
      let cells: [(String, Int)] = [
        (number(score.rmseMean), 11), (number(score.rmsePersistence), 13), (number(score.spread), 11),
        (String(format: "%.2f", score.spreadSkillRatio), 14), (number(score.crps), 11),
        (String(format: "%.5f", score.outliers), 10), (String(format: "%.5f", score.outliersExpected), 11),
        (String(format: "%.2f", score.largestStandardised), 16), (number(score.rmseLeastMember), 13),
      ]
      var line = "\(score.leadHours) h".padding(toLength: 9, withPad: " ", startingAt: 0)
      for (text, width) in cells { line += String(repeating: " ", count: max(1, width - text.count)) + text }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }

  /// Writes `products.json` into a directory.
  func write(_ directory: String) throws {
    try WholeFile.write(try ResultOptions.encoded(self), to: "\(directory)/products.json")
  }
}
