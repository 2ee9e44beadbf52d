import Basics
import Foundation
import Operators

/// Everything a training needs to go on as if it had never stopped: what is trained, moments, average, the
/// best so far, step, curve.
///
/// A safetensors file beside the checkpoint, full precision. Its times are for people: no number of the
/// training depends on them.
public struct TrainingState: Sendable {
  /// The best validation so far, whose weights are the array `best`.
  public struct Best: Sendable, Codable, Hashable {
    /// Updates made by then.
    public var step: Int
    /// `LossCurve.Point.validation`.
    public var validation: Double
  }

  /// The sum of some losses, and how many they are.
  public struct Pending: Sendable, Codable, Hashable {
    /// The sum.
    public var sum = 0.0
    /// Their number.
    public var count = 0

    /// No step yet.
    public init() {}
  }

  /// The part of a training that one process did, for its card.
  public struct Session: Sendable, Codable, Hashable {
    /// Threads.
    public var threads: Int
    /// Matrix products measured before it [floating-point operations a second].
    public var peak: Double
    /// Largest memory of the process [bytes].
    public var peakMemory: Int

    enum CodingKeys: String, CodingKey {
      case threads, peak
      case peakMemory = "peak_memory"
    }

    /// A session.
    public init(threads: Int, peak: Double, peakMemory: Int) {
      (self.threads, self.peak, self.peakMemory) = (threads, peak, peakMemory)
    }
  }

  /// Updates made.
  public var step: Int
  /// Fingerprint of what is trained: run file, data, versions of what decides the bits.
  public var fingerprint: String
  /// The loss curve so far.
  public var curve: [LossCurve.Point]
  /// Losses of the steps since the curve's last point, which the next point is the mean of.
  public var pending: Pending
  /// The best so far; nil before the first validation and where it is not kept.
  public var best: Best?
  /// Wall-clock time of the steps so far [s].
  public var seconds: Double
  /// The part of it that batches and updates took [s].
  public var stepSeconds: Double
  /// The last that made a step; nil in older files.
  public var session: Session?
  /// Flat arrays of what is trained: `weights`, `first`, `second`, `average`, `best`.
  public var arrays: [String: [Float]]

  /// A state from its parts.
  public init(
    step: Int, fingerprint: String, curve: [LossCurve.Point], pending: Pending = Pending(),
    best: Best? = nil, seconds: Double = 0, stepSeconds: Double = 0, session: Session? = nil,
    arrays: [String: [Float]]
  ) {
    self.session = session
    self.step = step
    self.pending = pending
    self.fingerprint = fingerprint
    self.curve = curve
    self.best = best
    self.seconds = seconds
    self.stepSeconds = stepSeconds
    self.arrays = arrays
  }

  /// Writes the state.
  /// - Throws: `ApusError` where the file cannot be written.
  public func write(_ path: String) throws {
    let encoder = JSONEncoder()
    // A validation forecast may blow up early on.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    var metadata = [
      "step": "\(step)", "fingerprint": fingerprint, "curve": try json(curve), "seconds": "\(seconds)",
      "step_seconds": "\(stepSeconds)", "pending": try json(pending),
    ]
    if let best { metadata["best"] = try json(best) }
    if let session { metadata["session"] = try json(session) }
    try SafeTensors(metadata: metadata, tensors: arrays.mapValues { .init($0, shape: [$0.count]) })
      .write(path)
  }

  /// Reads a state, nil where there is no file.
  /// - Parameter count: numbers that are trained.
  /// - Throws: `ApusError` of kind `badData` for a damaged file or the state of another training.
  public static func read(_ path: String, fingerprint: String, count: Int) throws -> TrainingState? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let content = try SafeTensors.read(path)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    func decode<Value: Decodable>(_ key: String, _ type: Value.Type) -> Value? {
      content.metadata[key].flatMap { try? decoder.decode(type, from: Data($0.utf8)) }
    }
    guard let step = content.metadata["step"].flatMap({ Int($0) }),
      let found = content.metadata["fingerprint"], let curve = decode("curve", [LossCurve.Point].self)
    else { throw ApusError(.badData, "is no training state", file: path) }
    guard found == fingerprint else {
      throw ApusError(
        .badData, "the training state belongs to another run file or other data", file: path,
        found: String(found.prefix(12)), expected: String(fingerprint.prefix(12)),
        advice: "Remove it to start afresh, or name another checkpoint under output.")
    }
    var arrays: [String: [Float]] = [:]
    for name in content.tensors.keys {
      let shape = name == "average" ? nil : [count]
      arrays[name] = try content.floats(name, shape: shape, file: path)
    }
    return TrainingState(
      step: step, fingerprint: found, curve: curve, pending: decode("pending", Pending.self) ?? Pending(),
      best: decode("best", Best.self),
      seconds: content.metadata["seconds"].flatMap { Double($0) } ?? 0,
      stepSeconds: content.metadata["step_seconds"].flatMap { Double($0) } ?? 0,
      session: decode("session", Session.self), arrays: arrays)
  }
}
