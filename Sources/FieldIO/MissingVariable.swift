import Basics

extension ApusError {
  static let noSuchVariable = "no such variable"

  /// Whether a file lacks the variable: others may have it, or what it is made of.
  public var isMissingVariable: Bool { kind == .inputMissing && problem == Self.noSuchVariable }
}
