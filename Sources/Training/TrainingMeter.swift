import Foundation

/// The live line of a training: step, loss, last validation, samples and operations a second, time left.
public final class TrainingMeter {
  private let steps: Int
  private let batchSize: Int
  private let isTerminal: Bool
  private let operations: (perStep: Double, peak: Double)?
  private let log: (String) -> Void
  private let firstStep: Int
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var logged: ContinuousClock.Instant
  private var smooth: Double?
  /// Long and short.
  private var validation: [String] = []
  private var stepSeconds = 0.0

  /// A meter that draws on standard error where `isTerminal`, and logs a line a minute elsewhere.
  /// - Parameter operations: floating-point operations of a step, and the most that the machine does in a
  ///   second; nil: not shown.
  public init(
    steps: Int, firstStep: Int, batchSize: Int, operations: (perStep: Double, peak: Double)? = nil,
    isTerminal: Bool, log: @escaping (String) -> Void
  ) {
    self.steps = steps
    self.firstStep = firstStep
    self.batchSize = batchSize
    self.operations = operations
    self.isTerminal = isTerminal
    self.log = log
    logged = start
  }

  func stepped(_ step: Int, loss: Double, seconds: Double) {
    stepSeconds += seconds
    smooth = smooth.map { 0.98 * $0 + 0.02 * loss } ?? loss
    let now = ContinuousClock.now
    let due = isTerminal ? shown.map { now - $0 > .milliseconds(200) } ?? true : now - logged > .seconds(60)
    guard due else { return }
    let elapsed = max((now - start) / .seconds(1), 1e-3)
    let rate = Double(step - firstStep) / elapsed
    let left = Int(Double(steps - step) / max(rate, 1e-9))
    let head = String(format: "step %d of %d | loss %.5f", step, steps, smooth ?? loss)
    let tail = String(
      format: " | %.1f samples/s | %d:%02d left", rate * Double(batchSize), left / 60, left % 60)
    let line = fitting(head, [validation, [speed(step)]], tail)
    if isTerminal {
      shown = now
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    } else {
      logged = now
      log(line)
    }
  }

  /// Shows the longest lead time of the last validation, or its loss.
  func validated(_ point: LossCurve.Point) {
    if let score = point.scores?.last {
      let short = String(format: " | %@ %d h %.2f", score.channel, score.leadHours, score.ratio)
      validation = [short + " of persistence", short]
    } else if let loss = point.validationLoss {
      validation = [String(format: " | validation %.5f", loss)]
    }
  }

  /// What fits into the terminal's line, which would not be wiped where it wrapped; logs take all.
  /// - Parameter parts: by importance, of each the first wording that fits or none.
  private func fitting(_ head: String, _ parts: [[String]], _ tail: String) -> String {
    var size = winsize()
    guard isTerminal, ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return head + parts.compactMap(\.first).joined() + tail
    }
    var room = Int(size.ws_col) - 1 - head.count - tail.count
    let shown = parts.compactMap { wordings in
      let part = wordings.first { $0.count <= room }
      room -= part?.count ?? 0
      return part
    }
    return head + shown.joined() + tail
  }

  /// Of batches and updates alone; validations are not counted.
  private func speed(_ step: Int) -> String {
    guard let operations else { return "" }
    let rate = operations.perStep * Double(step - firstStep) / max(stepSeconds, 1e-9)
    return String(format: " | %.1f GFLOP/s (%.0f %%)", rate * 1e-9, 100 * rate / operations.peak)
  }

  func end() {
    if shown != nil { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
