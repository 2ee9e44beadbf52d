import ArgumentParser
import Fields

extension Instant: ExpressibleByArgument {
  /// Reads a date of the command line: `2026-02-01`, `2026-02-01T06`, `2026020106`.
  public init?(argument: String) { self.init(argument) }
}
