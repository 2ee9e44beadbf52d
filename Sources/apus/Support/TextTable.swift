/// Columns of text for a terminal: the first to the left, the others to the right.
enum TextTable {
  /// Rows of equally many cells as lines.
  static func lines(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { cells in
      zip(cells, widths).enumerated().map { place, cell in
        let gap = String(repeating: " ", count: cell.1 - cell.0.count)
        return place == 0 ? cell.0 + gap : gap + cell.0
      }.joined(separator: "  ").replacing(/\ +$/, with: "")
    }
  }
}
