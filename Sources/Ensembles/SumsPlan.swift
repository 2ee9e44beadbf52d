import Basics
import Fields

/// What a run keeps of its members besides mean, spread, minimum and maximum.
public struct SumsPlan: Sendable {
  /// Numbers kept of every single member: a city's plume, its errors.
  public struct MemberRow: Sendable {
    /// How many.
    public let length: Int
    /// A member's, from its trajectory; a pure function.
    public let values: @Sendable (Trajectory) throws -> [Float]

    /// Rows of a length.
    public init(length: Int, values: @escaping @Sendable (Trajectory) throws -> [Float]) {
      self.length = length
      self.values = values
    }

    /// Nothing is kept.
    public static let none = MemberRow(length: 0) { _ in [] }
  }

  /// Degrees of power spectra; 0 for none.
  public var degrees: Int
  /// Bounds that members are counted beyond: for an initial time and the scale of each channel in its unit (the
  /// analysis' standard deviation, up to a power of two).
  public var bounds: @Sendable (_ initialTime: Instant, _ scales: [Double]) throws -> CountedBounds
  /// What is kept of single members.
  public var memberRow: @Sendable (_ initialTime: Instant) throws -> MemberRow
  /// Writes what is made of it; called before the files of mean, spread, minimum and maximum are written.
  public var write: @Sendable (EnsembleProducts) throws -> Void
  /// Files that `write` writes for an initial time.
  public var files: @Sendable (_ initialTime: Instant) -> [String]
  /// Fingerprint of all this: sums of another one are not merged.
  public var fingerprint: String

  /// A plan.
  public init(
    degrees: Int, fingerprint: String,
    bounds: @escaping @Sendable (Instant, [Double]) throws -> CountedBounds,
    memberRow: @escaping @Sendable (Instant) throws -> MemberRow = { _ in .none },
    files: @escaping @Sendable (Instant) -> [String] = { _ in [] },
    write: @escaping @Sendable (EnsembleProducts) throws -> Void = { _ in }
  ) {
    self.degrees = degrees
    self.fingerprint = fingerprint
    self.bounds = bounds
    self.memberRow = memberRow
    self.files = files
    self.write = write
  }

  /// Nothing else.
  public static let momentsOnly = SumsPlan(degrees: 0, fingerprint: "") { _, scales in
    CountedBounds(rows: [])
  }
}
