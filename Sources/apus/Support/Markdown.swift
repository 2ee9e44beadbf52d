import Foundation

/// Texts as Markdown wants them.
enum Markdown {
  /// A text as one cell of a table: a bar or the end of a line in it would end the cell.
  static func cell(_ text: String) -> String {
    line(text).replacing("|", with: "\\|")
  }

  /// A text as a heading's line.
  static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
