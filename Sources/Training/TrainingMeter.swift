import Foundation

/// The live line of a training: step, loss, samples a second, time left.
public final class TrainingMeter {
  private let steps: Int
  private let batchSize: Int
  private let isTerminal: Bool
  private let log: (String) -> Void
  private let firstStep: Int
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var logged: ContinuousClock.Instant
  private var smooth: Double?

  /// A meter that draws on standard error where `isTerminal`, and logs a line a minute elsewhere.
  public init(
    steps: Int, firstStep: Int, batchSize: Int, isTerminal: Bool, log: @escaping (String) -> Void
  ) {
    self.steps = steps
    self.firstStep = firstStep
    self.batchSize = batchSize
    self.isTerminal = isTerminal
    self.log = log
    logged = start
  }

  func stepped(_ step: Int, loss: Double) {
    smooth = smooth.map { 0.98 * $0 + 0.02 * loss } ?? loss
    let now = ContinuousClock.now
    let due = isTerminal ? shown.map { now - $0 > .milliseconds(200) } ?? true : now - logged > .seconds(60)
    guard due else { return }
    let elapsed = max((now - start) / .seconds(1), 1e-3)
    let rate = Double(step - firstStep) / elapsed
    let left = Int(Double(steps - step) / max(rate, 1e-9))
    let line = String(
      format: "step %d of %d | loss %.5f | %.1f samples/s | %d:%02d left", step, steps, smooth ?? loss,
      rate * Double(batchSize), left / 60, left % 60)
    if isTerminal {
      shown = now
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    } else {
      logged = now
      log(line)
    }
  }

  func end() {
    if shown != nil { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
