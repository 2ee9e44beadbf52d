import FieldIO
import Fields
import Foundation
import Verification

/// What `apus verify` prints.
struct VerificationReport: Encodable, CustomStringConvertible {
  /// The scores of one time, or of all.
  struct Row: Encodable {
    let time: String?
    let leadHours: Double?
    let rmseMean: Double
    let spread: Double
    let spreadSkillRatio: Double
    let crps: Double
    let crpsFair: Double
    let rmseControl: Double?
    let maeControl: Double?
    let twcrps: Double?
    let brier: Double?
    let brierFair: Double?
    let energyScore: Double?
  }

  let variable: String
  let units: String
  let members: Int
  let output: String
  let times: [Row]
  /// Over all times: roots of mean squares, means of the rest.
  let overall: Row
  let rankHistogram: [Int]
  let rocArea: Double?

  init(variable: String, units: String, output: String, cases: [(EnsembleArchive.Case, CaseScores)]) {
    self.variable = variable
    self.units = units
    self.output = output
    members = cases.first?.1.memberCount ?? 0
    times = cases.map { item, scores in
      Row(item.valid.map { "\($0)" }, item.leadHours, [scores])
    }
    let all = cases.map(\.1)
    overall = Row(nil, nil, all)
    var ranks = RankHistogram(members: members)
    var characteristic: EventCounts?
    for scores in all {
      ranks.add(scores.rankHistogram)
      guard let counts = scores.characteristic else { continue }
      if characteristic == nil { characteristic = counts } else { characteristic?.add(counts) }
    }
    rankHistogram = ranks.counts
    rocArea = characteristic?.area
  }

  var description: String {
    let hasLead = times.contains { $0.leadHours != nil }
    var columns: [(String, (Row) -> String)] = [
      ("valid time", { $0.time ?? ($0.leadHours == nil && times.count > 1 ? "all" : "-") })
    ]
    func add(_ name: String, _ value: @escaping (Row) -> Double?) {
      guard times.contains(where: { value($0) != nil }) else { return }
      columns.append((name, { row in value(row).map { VerificationReport.number($0) } ?? "" }))
    }
    if hasLead { add("lead [h]") { $0.leadHours } }
    add("RMSE", \.rmseMean)
    add("spread", \.spread)
    add("ratio", \.spreadSkillRatio)
    add("CRPS", \.crps)
    add("fair CRPS", \.crpsFair)
    add("ctl RMSE", \.rmseControl)
    add("ctl MAE", \.maeControl)
    add("twCRPS", \.twcrps)
    add("Brier", \.brier)
    add("energy", \.energyScore)
    let rows = times + (times.count > 1 ? [overall] : [])
    let table = TextTable.lines([columns.map(\.0)] + rows.map { row in columns.map { $0.1(row) } })
    var text = "\(variable) [\(units)], \(members) members\n" + table.joined(separator: "\n")
    if let rocArea { text += "\nROC area  \(VerificationReport.number(rocArea))" }
    text += "\nranks     \(VerificationReport.shorten(rankHistogram))"
    return text + "\nwrote     \(output)"
  }

  /// Four significant digits.
  static func number(_ value: Double) -> String {
    value.isNaN ? "-" : String(format: abs(value) >= 1000 ? "%.0f" : "%.4g", value)
  }

  /// At most twenty counts, neighbours added up.
  private static func shorten(_ counts: [Int]) -> String {
    let width = (counts.count + 19) / 20
    let groups = stride(from: 0, to: counts.count, by: width).map {
      counts[$0..<min($0 + width, counts.count)].reduce(0, +)
    }
    return groups.map(String.init).joined(separator: " ") + (width > 1 ? " (\(width) ranks each)" : "")
  }
}

extension VerificationReport.Row {
  /// Means over cases, of squares before roots.
  init(_ time: String?, _ leadHours: Double?, _ cases: [CaseScores]) {
    func mean(_ value: (CaseScores) -> Double?) -> Double? {
      let values = cases.compactMap(value)
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    self.time = time
    self.leadHours = leadHours
    let error = (mean(\.meanSquareError) ?? .nan).squareRoot()
    let members = Double(cases.first?.memberCount ?? 0)
    rmseMean = error
    spread = (mean(\.variance) ?? .nan).squareRoot()
    spreadSkillRatio = ((members + 1) / members).squareRoot() * spread / error
    crps = mean(\.crps) ?? .nan
    crpsFair = mean(\.crpsFair) ?? .nan
    rmseControl = mean { $0.control?.meanSquareError }?.squareRoot()
    maeControl = mean { $0.control?.meanAbsoluteError }
    twcrps = mean(\.crpsAboveThreshold)
    brier = mean(\.brier)
    brierFair = mean(\.brierFair)
    energyScore = mean(\.energyScore)
  }
}
