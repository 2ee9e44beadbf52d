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
  }

  /// CSV with a header line.
  public static func csv(_ points: [Point]) -> String {
    let lines = points.map { point in
      let validation = point.validationLoss.map { String(format: "%.6g", $0) } ?? ""
      return String(
        format: "%d,%.6g,%.6g,%.6g,%@", point.step, point.loss, point.learningRate, point.gradientNorm,
        validation)
    }
    return (["step,loss,learning_rate,gradient_norm,validation_loss"] + lines).joined(separator: "\n") + "\n"
  }
}
