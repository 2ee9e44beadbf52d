import Foundation

/// Loss against step: kept in the training state, written as CSV beside the checkpoint.
public struct LossCurve: Sendable {
  /// One line: the mean over the steps since the line before.
  public struct Point: Sendable, Codable, Hashable {
    /// Updates made.
    public var step: Int
    /// Mean training loss.
    public var loss: Double
    /// Learning rate of the last of them.
    public var learningRate: Double
    /// Norm of the last gradient.
    public var gradientNorm: Double
    /// Loss of the averaged weights on the validation data, where it was measured.
    public var validationLoss: Double?
    /// Scores of their forecasts from validation data, where they were measured.
    public var scores: [ValidationScore]?

    /// What a validation comes to, the lower the better: the mean of RMSE over persistence's, or where no
    /// forecasts were made the loss; nil where nothing was measured.
    public var validation: Double? {
      guard let scores, !scores.isEmpty else { return validationLoss }
      return ValidationScore.summary(scores)
    }
  }

  /// CSV with a header line; a pair of columns for every score, such as `rmse_z500_24h` (physical units) and
  /// `ratio_z500_24h` (over persistence's).
  public static func csv(_ points: [Point]) -> String {
    let scored = points.lazy.compactMap(\.scores).first ?? []
    let names = scored.flatMap { score in
      ["rmse", "ratio"].map { "\($0)_\(score.channel)_\(score.leadHours)h" }
    }
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    let lines = points.map { point in
      let scores = scored.indices.flatMap { place -> [String] in
        guard let scores = point.scores, scores.count == scored.count else { return ["", ""] }
        return [text(scores[place].rmse), text(scores[place].ratio)]
      }
      let numbers = [point.loss, point.learningRate, point.gradientNorm, point.validationLoss].map(text)
      return (["\(point.step)"] + numbers + scores).joined(separator: ",")
    }
    let header = ["step", "loss", "learning_rate", "gradient_norm", "validation_loss"] + names
    return ([header.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }
}
