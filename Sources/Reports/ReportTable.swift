import Basics
import Foundation

/// A table of a report.
public struct ReportTable: Sendable, Hashable {
  /// One cell.
  public struct Cell: Sendable, Hashable, ExpressibleByStringLiteral {
    /// What it says.
    public var text: String
    /// Whether it stands out, as the best of its row does.
    public var isBold: Bool

    /// A cell with a text.
    public init(_ text: String, isBold: Bool = false) {
      self.text = text
      self.isBold = isBold
    }

    /// A cell with a literal text.
    public init(stringLiteral text: String) { self.init(text) }
  }

  /// Which values of a score are good.
  public enum Better: Sendable, Hashable {
    /// The lowest, as of errors.
    case lower
    /// The highest, as of correlations.
    case higher
    /// The nearest to a value, as of the spread/error ratio to 1.
    case nearest(Double)
    /// Nothing is best.
    case none

    func badness(_ value: Double) -> Double {
      switch self {
      case .lower: value
      case .higher: -value
      case .nearest(let aim): abs(value - aim)
      case .none: .infinity
      }
    }
  }

  /// What the table shows.
  public var caption: String
  /// Headings of the columns; empty for none.
  public var header: [String]
  /// Rows of as many cells as there are columns; the first cell of each is its heading.
  public var rows: [[Cell]]
  /// Whether the columns after the first hold numbers, aligned to the right.
  public var isNumeric: Bool

  /// A table; rows shorter than the longest are filled up with empty cells.
  public init(caption: String = "", header: [String] = [], rows: [[Cell]], isNumeric: Bool = false) {
    self.caption = caption
    self.header = header
    self.rows = rows
    self.isNumeric = isNumeric
  }

  /// A table of names and what is known about them.
  public static func facts(_ facts: [(name: String, value: String)], caption: String = "") -> ReportTable {
    ReportTable(caption: caption, rows: facts.map { [Cell($0.name), Cell($0.value)] })
  }

  /// A table of scores: a row for each lead time (or whatever `rowNames` are), a column for each system,
  /// the best of each row bold (all that are equal when rounded, none where all are equal).
  /// - Parameters:
  ///   - values: [row][column]; values that are not finite are shown as a dash.
  ///   - decimals: digits after the point.
  /// - Throws: `ApusError` of kind `badData` where `values` does not have a row for each row name and a
  ///   value for each system in each.
  public static func scores(
    caption: String, rowTitle: String = "Lead time", rowNames: [String], systems: [String],
    values: [[Double]],
    better: Better, decimals: Int = 2
  ) throws -> ReportTable {
    let lengths = Set(values.map(\.count)).sorted().map(String.init).joined(separator: ", ")
    guard values.count == rowNames.count, values.allSatisfy({ $0.count == systems.count }) else {
      throw ApusError(
        .badData, "a table of scores has the wrong shape", variable: caption,
        found: "\(values.count) rows of \(lengths) values",
        expected: "\(rowNames.count) rows of \(systems.count)")
    }
    let unit = pow(10, -Double(decimals))
    let rows = zip(rowNames, values).map { name, scores in
      let badness = scores.map { better.badness(($0 / unit).rounded() * unit) }
      let finite = badness.filter(\.isFinite)
      let (best, worst) = (finite.min() ?? .nan, finite.max() ?? .nan)
      return [Cell(name)]
        + zip(scores, badness).map { score, badness in
          Cell(
            score.isFinite ? Ticks.number(score, decimals: max(decimals, 0)) : "–",
            isBold: badness.isFinite && best < worst - unit / 4 && badness < best + unit / 4)
        }
    }
    return ReportTable(caption: caption, header: [rowTitle] + systems, rows: rows, isNumeric: true)
  }

  var html: String {
    let columns = max(header.count, rows.map(\.count).max() ?? 0)
    let tableClass = isNumeric ? " class=\"numeric\"" : ""
    let label = HTMLText.escaped(caption.isEmpty ? "Table" : caption)
    var html =
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\(label)\">\n<table\(tableClass)>\n"
    if !caption.isEmpty { html += "<caption>\(HTMLText.escaped(caption))</caption>\n" }
    if !header.isEmpty {
      let cells = (0..<columns).map {
        "<th scope=\"col\">\($0 < header.count ? HTMLText.escaped(header[$0]) : "")</th>"
      }
      html += "<thead>\n<tr>\(cells.joined())</tr>\n</thead>\n"
    }
    html += "<tbody>\n"
    for row in rows where columns > 0 {
      html += "<tr>"
      for column in 0..<columns {
        let cell = column < row.count ? row[column] : Cell("")
        let text = HTMLText.escaped(cell.text)
        let content = cell.isBold ? "<strong>\(text)</strong>" : text
        html += column == 0 ? "<th scope=\"row\">\(content)</th>" : "<td>\(content)</td>"
      }
      html += "</tr>\n"
    }
    return html + "</tbody>\n</table>\n</div>\n"
  }
}
