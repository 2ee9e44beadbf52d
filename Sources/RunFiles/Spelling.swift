/// What a misspelt word was meant to be.
public enum Spelling {
  /// Single-letter insertions, deletions, substitutions and swaps of neighbours between two words
  /// (optimal string alignment distance).
  public static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left), Array(right))
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1] + [Int](repeating: 0, count: b.count)
      for j in 0..<b.count {
        row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
        }
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }

  /// The nearest of `words`, nil where even that one is more than a third of its letters (at least
  /// two) away. Case, hyphens and underscores don't count.
  public static func nearest(to word: String, among words: [String]) -> String? {
    func plain(_ text: String) -> String { text.lowercased().filter { $0 != "_" && $0 != "-" } }
    let scored = words.map { ($0, distance(plain(word), plain($0))) }
    guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
    return best.1 <= max(2, best.0.count / 3) ? best.0 : nil
  }
}
