/// Text as one word of a POSIX shell.
enum ShellText {
  private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%")

  /// The word that a shell reads as `text`: as it is where every letter is plain, else in single quotes.
  static func word(_ text: String) -> String {
    guard text.isEmpty || !text.allSatisfy(plain.contains) else { return text }
    return "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// A command line of such words.
  static func line(_ words: [String]) -> String { words.map(word).joined(separator: " ") }
}
