import Basics
import FieldIO

extension NetCDFWriter {
  /// The global attributes by which CF 1.8 wants a file to say what it is and where it comes from.
  /// - Parameters:
  ///   - source: how the data came about.
  ///   - history: the command.
  ///   - comment: what else a reader of the numbers must know.
  func identify(
    title: String, source: String = "Apus \(apusVersion)", history: String, references: String,
    comment: String? = nil
  ) throws {
    for (name, text) in [
      ("Conventions", "CF-1.8"), ("title", title), ("institution", "made with Apus"), ("source", source),
      ("history", history), ("references", references), ("comment", comment),
    ] {
      if let text { try attribute(name, .text(text)) }
    }
  }
}
