/// Something a user can mend: what went wrong, where, what was found, what was expected, what to do.
///
/// Printed as one paragraph, most specific fact first:
/// `era5.nc: variable 'msl': units are wrong: found 'hPa', expected 'Pa'. Multiply by 100.`
public struct ApusError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The documented exit codes (BSD sysexits), see docs/exit-codes.md.
  public enum Kind: Int32, Sendable, CaseIterable {
    /// A flag or argument that the command does not take.
    case usage = 64
    /// An input file that was read and is wrong: truncated, NaN, wrong units, wrong shapes.
    case badData = 65
    /// An input file, variable or date that does not exist.
    case inputMissing = 66
    /// A program or service that the command needs is not there, or refuses.
    case unavailable = 69
    /// A fault of Apus itself.
    case internalFault = 70
    /// An output file or directory that cannot be created.
    case cannotCreateOutput = 73
    /// Reading or writing failed half-way: disk full, device error.
    case inputOutput = 74
    /// Try again later: lock held, data not there yet, stopped cleanly after a signal.
    case tryAgainLater = 75
    /// A run file that is not understood.
    case badRunFile = 78
  }

  /// Which documented exit code this error ends the program with.
  public let kind: Kind
  /// The fault in one lower-case clause without full stop.
  public let problem: String
  /// The file concerned.
  public let file: String?
  /// The variable, channel, tensor or key concerned.
  public let variable: String?
  /// What was found.
  public let found: String?
  /// What was expected.
  public let expected: String?
  /// What to do about it: one sentence with full stop.
  public let advice: String?

  /// Describes a fault; leave out what is unknown.
  public init(
    _ kind: Kind, _ problem: String, file: String? = nil, variable: String? = nil,
    found: String? = nil, expected: String? = nil, advice: String? = nil
  ) {
    self.kind = kind
    self.problem = problem
    self.file = file
    self.variable = variable
    self.found = found
    self.expected = expected
    self.advice = advice
  }

  /// Work that a run file asks for: what is found wrong with it only when models and data are open names the file too.
  public static func naming<Result>(runFile path: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as ApusError {
      guard error.kind == .badRunFile, error.file == nil else { throw error }
      throw ApusError(
        error.kind, error.problem, file: path, variable: error.variable, found: error.found,
        expected: error.expected, advice: error.advice)
    }
  }

  /// One paragraph: file, variable, problem, what was found and expected, advice.
  public var description: String {
    var text = ""
    if let file { text += "\(file): " }
    if let variable { text += "'\(variable)': " }
    text += problem
    if found != nil || expected != nil {
      let facts = [found.map { "found \($0)" }, expected.map { "expected \($0)" }]
      text += ": " + facts.compactMap { $0 }.joined(separator: ", ")
    }
    if let advice { text += ". \(advice)" } else { text += "." }
    return text
  }
}
