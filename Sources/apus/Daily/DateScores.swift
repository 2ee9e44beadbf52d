import Verification

/// The scores of one published date, by variable and lead time: lines of the running table.
struct DateScores {
  /// One line.
  struct Line {
    let variable: String
    let leadHours: Int
    let units: String
    let members: Int
    /// Roots taken where a score is a root of a mean; NaN or absent where it was not computed.
    let scores: [HindcastScore: Double]
  }

  let lines: [Line]

  /// Of a date whose members are kept.
  init(_ result: HindcastResult) {
    lines = result.scores.places.compactMap { place in
      guard let index = result.channels.firstIndex(of: place.variable) else { return nil }
      let scores = HindcastScore.allCases.map { ($0, result.scores.mean($0, at: place) ?? .nan) }
      return Line(
        variable: place.variable, leadHours: place.leadHours, units: result.units[index],
        members: result.members, scores: Dictionary(uniqueKeysWithValues: scores))
    }
  }

  /// Of a date that has products alone.
  /// - Parameter units: by variable.
  init(_ products: ProductScores, units: [String: String]) {
    lines = products.scores.map { score in
      Line(
        variable: score.variable, leadHours: score.leadHours, units: units[score.variable] ?? "1",
        members: score.members,
        scores: [
          .rmseMean: score.rmseMean, .rmsePersistence: score.rmsePersistence, .spread: score.spread,
          .crps: score.crps ?? .nan, .crpsFair: score.crpsFair ?? .nan,
        ])
    }
  }
}
