/// What a daily run did: one line for cron's mail.
struct DailySummary: Encodable, CustomStringConvertible {
  /// The newest date that is due; nil before the first one.
  let newest: String?
  /// Dates published now.
  let published: [String]
  /// Lines added to the table of scores.
  let scores: Int
  /// Dates removed now.
  let pruned: [String]
  /// Due dates before the newest that could not be made.
  let missing: [String]
  /// Members of a date, and the last lead time [h].
  let members: Int
  let leadHours: Int

  var description: String {
    guard let newest else { return "apus daily: nothing is due yet" }
    var parts: [String] = []
    if published.isEmpty {
      parts.append("\(newest) is published and whole")
    } else {
      let plural = members == 1 ? "member" : "members"
      parts.append("published \(published.joined(separator: " ")) (\(members) \(plural) to +\(leadHours) h)")
    }
    if scores > 0 { parts.append("\(scores) scores added") }
    if !pruned.isEmpty { parts.append("\(pruned.count) pruned") }
    if !missing.isEmpty { parts.append("still missing \(missing.joined(separator: " "))") }
    return "apus daily: " + parts.joined(separator: ", ")
  }
}
