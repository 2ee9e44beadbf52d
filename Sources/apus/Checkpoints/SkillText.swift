import Foundation

extension SkillReport: CustomStringConvertible {
  /// Tables, channel by channel.
  var description: String {
    var lines = checkpoints.enumerated().map { "\($0 + 1)  \($1.file)  \($1.sha256.prefix(12))" }
    let (first, last) = (initialTimes.first ?? "", initialTimes.last ?? "")
    lines.append("\(initialTimes.count) initial times, \(first) to \(last), control forecasts")
    for event in notFinite {
      lines.append(
        "NOT FINITE: \(event.checkpoint) from \(event.initialTime), at \(event.leadHours) h and later")
    }
    var seen: [String] = []
    for score in scores where !seen.contains(score.channel) {
      seen.append(score.channel)
      lines += table(scores.filter { $0.channel == score.channel }, "\(score.channel) [\(score.units)]")
    }
    return lines.joined(separator: "\n")
  }

  private func table(_ rows: [SkillScore], _ title: String) -> [String] {
    let channel = rows[0].channel
    let numbers = checkpoints.indices.map { "\($0 + 1)" }
    let isMany = checkpoints.count > 1
    let hasPast = climatology != nil
    func lines(_ heading: String, _ columns: [String], _ cells: (SkillScore) -> [String]) -> [String] {
      ["", heading]
        + TextTable.lines([["lead time"] + columns] + rows.map { ["\($0.leadHours) h"] + cells($0) })
    }
    var text = lines(
      "\(title), RMSE",
      numbers + (isMany ? ["mean of all"] : []) + ["persistence"] + (hasPast ? ["climatology"] : [])
    ) { row in
      let values =
        row.rmse + (isMany ? [row.rmseMean] : []) + [row.rmsePersistence]
        + (hasPast ? [row.rmseClimatology ?? .nan] : [])
      return values.map(VerificationReport.number)
    }
    text += lines(
      "\(channel), RMSE over persistence's",
      numbers + (isMany ? ["mean of all"] : []) + (hasPast ? ["climatology"] : [])
    ) { row in
      let values =
        row.ratio + (isMany ? [row.ratioMean] : []) + (hasPast ? [row.ratioClimatology ?? .nan] : [])
      return values.map(SkillReport.ratio)
    }
    if isMany {
      text += lines(
        "\(channel), correlation of errors between checkpoints; RMSE of the mean of all over one's",
        ["mean", "lowest", "highest", "gain"]
      ) { row in
        [row.pairs?.mean, row.pairs?.lowest, row.pairs?.highest, row.pairs?.gain]
          .map { SkillReport.ratio($0 ?? .nan) }
      }
    }
    text += lines(
      "\(channel), power over the truth's, lowest and highest of l = 1...\(spectrumDegrees)", numbers
    ) { row in row.spectra.map(\.text) }
    return text
  }

  /// Three decimals, or more digits of what is large.
  private static func ratio(_ value: Double) -> String {
    value.isNaN ? "-" : String(format: abs(value) >= 100 ? "%.4g" : "%.3f", value)
  }
}
