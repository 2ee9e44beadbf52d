import Basics
import Fields
import Foundation
import Sphere
import Synchronization

/// Watches a run.
public protocol RunMeter: Sendable {
  /// Before the first step: members to do and steps of each.
  func begin(members: Int, stepsPerMember: Int, finishedTimes: Int)
  /// A member was found finished.
  func skipped(_ member: MemberIdentity, at time: Instant)
  /// A member's state after a step.
  func stepped(_ member: MemberIdentity, leadHours: Int, state: State)
  /// A member blew up.
  func failed(_ member: MemberIdentity, at time: Instant, _ error: ApusError)
  /// After the last step, whatever happened.
  func end()
}

/// Watches and says nothing.
public struct SilentMeter: RunMeter {
  /// A silent meter.
  public init() {}
  /// Does nothing.
  public func begin(members: Int, stepsPerMember: Int, finishedTimes: Int) {}
  /// Does nothing.
  public func skipped(_ member: MemberIdentity, at time: Instant) {}
  /// Does nothing.
  public func stepped(_ member: MemberIdentity, leadHours: Int, state: State) {}
  /// Does nothing.
  public func failed(_ member: MemberIdentity, at time: Instant, _ error: ApusError) {}
  /// Does nothing.
  public func end() {}
}

/// One line on standard error that rewrites itself, with the weather in it:
/// `20260205T00 member 12 +054 h | msl 944...1051 hPa | 133 of 720 members, 210 steps/s, 0:32 left`.
/// Where standard error is no terminal it keeps silent, but for failures.
public final class LiveMeter: RunMeter {
  private struct Content {
    var members = 0
    var stepsPerMember = 0
    var skipped = 0
    var steps = 0
    var start = ContinuousClock.now
    var last: ContinuousClock.Instant?
    var failures = 0
    var shown = false
  }
  private let content = Mutex(Content())
  private let isTerminal: Bool

  /// A meter on standard error.
  public init() { isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1 }

  /// Sets the count of work.
  public func begin(members: Int, stepsPerMember: Int, finishedTimes: Int) {
    content.withLock { content in
      content.members = members
      content.stepsPerMember = stepsPerMember
      content.start = .now
    }
  }

  /// Counts a member found finished.
  public func skipped(_ member: MemberIdentity, at time: Instant) { content.withLock { $0.skipped += 1 } }

  /// Counts a step, and every 0.2 s shows where the run is.
  public func stepped(_ member: MemberIdentity, leadHours: Int, state: State) {
    guard isTerminal else { return }
    let line: String? = content.withLock { content in
      content.steps += 1
      let now = ContinuousClock.now
      if let last = content.last, now - last < .milliseconds(200) { return nil }
      content.last = now
      content.shown = true
      let elapsed = max((now - content.start) / .seconds(1), 1e-3)
      let rate = Double(content.steps) / elapsed
      let total = (content.members - content.skipped) * content.stepsPerMember
      let left = Int((Double(max(total - content.steps, 0)) / rate).rounded(.up))
      let done = content.skipped + content.steps / max(content.stepsPerMember, 1)
      let initial = state.time.adding(hours: -leadHours)
      var text = String(format: "%@ member %d +%03d h", initial.stamp, member.number, leadHours)
      text += " | \(LiveMeter.weather(state))"
      if content.failures > 0 { text += " | \(content.failures) blew up" }
      text += String(
        format: " | %d of %d members, %.0f steps/s, %d:%02d left", done, content.members, rate, left / 60,
        left % 60)
      return text
    }
    if let line { FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8)) }
  }

  /// Prints why a member blew up.
  public func failed(_ member: MemberIdentity, at time: Instant, _ error: ApusError) {
    content.withLock { $0.failures += 1 }
    FileHandle.standardError.write(Data("\(isTerminal ? "\r\u{1B}[K" : "")apus: \(error)\n".utf8))
  }

  /// Wipes the line.
  public func end() {
    if content.withLock({ $0.shown }) { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }

  /// What a forecaster would look at first: pressure range, else strongest wind, else the first channel.
  static func weather(_ state: State) -> String {
    let points = state.grid.pointCount
    func values(_ name: String) -> ArraySlice<Float>? {
      state.channels.firstIndex(of: name).map { state.values[$0 * points..<($0 + 1) * points] }
    }
    func extremes(_ values: ArraySlice<Float>) -> (Float, Float) {
      values.reduce((Float.infinity, -Float.infinity)) { (min($0.0, $1), max($0.1, $1)) }
    }
    var parts: [String] = []
    if let pressure = values("msl") {
      let (low, high) = extremes(pressure)
      parts.append(String(format: "msl %.0f...%.0f hPa", low / 100, high / 100))
    }
    for level in ["10", "850", "250"] {
      guard let u = values("u\(level)"), let v = values("v\(level)") else { continue }
      let speed = zip(u, v).reduce(Float(0)) { max($0, $1.0 * $1.0 + $1.1 * $1.1) }.squareRoot()
      parts.append(String(format: "wind%@ up to %.0f m/s", level, speed))
      break
    }
    if parts.isEmpty, let name = state.channels.first, let field = values(name) {
      let (low, high) = extremes(field)
      parts.append(String(format: "%@ %.4g...%.4g", name, low, high))
    }
    return parts.joined(separator: ", ")
  }
}
