import Basics
import Foundation
import Operators

/// Relative errors of a network's output and gradients against a reference, and whether they will do.
struct CheckpointComparison: Encodable, CustomStringConvertible {
  /// Largest relative error of the output: some tens of float32 roundings.
  static let outputBar = 1e-5
  /// Largest relative error of a gradient, which has passed through the network twice.
  static let gradientBar = 1e-4

  let file: String
  let tensors: [Tensor]
  let passed: Bool

  struct Tensor: Encodable {
    let name: String
    let relativeError: Double
    let bar: Double
    let passed: Bool
    let note: String?
  }

  init(file: String, _ check: GradientCheck) {
    self.file = file
    tensors = check.lines.map { line in
      let bar = line.name == "output" ? Self.outputBar : Self.gradientBar
      // Written so that a NaN fails.
      return Tensor(
        name: line.name, relativeError: line.relativeError, bar: bar, passed: line.relativeError <= bar,
        note: line.note)
    }
    passed = tensors.allSatisfy(\.passed)
  }

  /// What to end the program with: nil where every tensor passed.
  var failure: ApusError? {
    let failed = tensors.filter { !$0.passed }
    // A NaN is worse than any number.
    func badness(_ tensor: Tensor) -> Double {
      tensor.relativeError.isNaN ? .infinity : tensor.relativeError / tensor.bar
    }
    guard let worst = failed.max(by: { badness($0) < badness($1) }) else { return nil }
    return ApusError(
      .badData, "the network does not reproduce the stored answer (\(failed.count) of \(tensors.count) fail)",
      file: file, variable: worst.name,
      found: "relative error " + String(format: "%.2e", worst.relativeError),
      expected: "at most " + String(format: "%.0e", worst.bar),
      advice: "The weights, or the answers stored beside them, are not those of this network.")
  }

  var description: String {
    let width = tensors.map(\.name.count).max() ?? 0
    var lines = tensors.map { tensor in
      let name = tensor.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let verdict = tensor.passed ? "ok" : "above \(String(format: "%.0e", tensor.bar))"
      return "\(name)  \(String(format: "%.2e", tensor.relativeError))  \(verdict)"
        + (tensor.note.map { "  (\($0))" } ?? "")
    }
    let count = tensors.filter(\.passed).count
    lines.append(
      "\(count) of \(tensors.count) within their bars (relative L2 error: output "
        + String(format: "%.0e, gradients %.0e)", Self.outputBar, Self.gradientBar))
    return lines.joined(separator: "\n")
  }
}
