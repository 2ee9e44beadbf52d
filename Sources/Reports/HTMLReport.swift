import Foundation

/// A report as one HTML5 file that needs nothing else: pictures are inside it, there is no script and no
/// reference to any other place.
public struct HTMLReport: Sendable {
  /// A picture with its caption.
  public struct Figure: Sendable, Hashable {
    /// The picture.
    public var picture: Picture
    /// What the reader is to see in it.
    public var caption: String

    /// A picture with its caption.
    public init(_ picture: Picture, caption: String) {
      self.picture = picture
      self.caption = caption
    }
  }

  /// A piece of a section.
  public enum Block: Sendable, Hashable {
    /// Running text.
    case paragraph(String)
    /// Points, one below the other.
    case list([String])
    /// Text as it is, in a typewriter font: a run file, a command.
    case verbatim(String)
    /// A picture over the whole width.
    case figure(Figure)
    /// Pictures side by side where the page is wide enough.
    case figures([Figure])
    /// A table.
    case table(ReportTable)
  }

  /// A part of the report under its own heading.
  public struct Section: Sendable, Hashable {
    /// Heading.
    public var title: String
    /// Content, from top to bottom.
    public var blocks: [Block]

    /// A part of the report.
    public init(_ title: String, _ blocks: [Block] = []) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// Heading of the report.
  public var title: String
  /// Second line of the heading.
  public var subtitle: String
  /// What comes first, before the sections: key facts, the main scores.
  public var summary: [Block]
  /// The parts of the report.
  public var sections: [Section]
  /// Where everything comes from: program, version, command, input files with digests, licences.
  public var provenance: [(name: String, value: String)]

  /// An empty report.
  public init(
    title: String, subtitle: String = "", summary: [Block] = [], sections: [Section] = [],
    provenance: [(name: String, value: String)] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.summary = summary
    self.sections = sections
    self.provenance = provenance
  }

  /// The report as one HTML file (UTF-8).
  public var html: String {
    var html = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="generator" content="Apus">
      <title>\(HTMLText.escaped(title.isEmpty ? "Report" : title))</title>
      <style>
      \(ReportStyle.css)
      </style>
      </head>
      <body>
      <header>
      <h1>\(HTMLText.escaped(title.isEmpty ? "Report" : title))</h1>

      """
    if !subtitle.isEmpty { html += "<p class=\"subtitle\">\(HTMLText.escaped(subtitle))</p>\n" }
    if sections.count > 2 {
      html += "<nav aria-label=\"Sections\">\n<ul>\n"
      for (number, section) in sections.enumerated() {
        html += "<li><a href=\"#section-\(number + 1)\">\(HTMLText.escaped(section.title))</a></li>\n"
      }
      html += "</ul>\n</nav>\n"
    }
    html += "</header>\n<main>\n"
    for block in summary { html += Self.html(block) }
    for (number, section) in sections.enumerated() {
      html += "<section id=\"section-\(number + 1)\">\n<h2>\(HTMLText.escaped(section.title))</h2>\n"
      for block in section.blocks { html += Self.html(block) }
      html += "</section>\n"
    }
    html += "</main>\n"
    if !provenance.isEmpty {
      html += "<footer>\n<h2>Provenance</h2>\n\(ReportTable.facts(provenance).html)</footer>\n"
    }
    return html + "</body>\n</html>\n"
  }

  /// The bytes of the file, for `WholeFile.write`.
  public var data: Data { Data(html.utf8) }

  private static func html(_ block: Block) -> String {
    switch block {
    case .paragraph(let text): return "<p>\(HTMLText.escaped(text))</p>\n"
    case .list(let items):
      guard !items.isEmpty else { return "" }
      return "<ul>\n" + items.map { "<li>\(HTMLText.escaped($0))</li>\n" }.joined() + "</ul>\n"
    case .verbatim(let text): return "<pre>\(HTMLText.escaped(text))</pre>\n"
    case .figure(let figure): return html(figure)
    case .figures(let figures):
      return figures.isEmpty ? "" : "<div class=\"pair\">\n" + figures.map(html).joined() + "</div>\n"
    case .table(let table): return table.html
    }
  }

  private static func html(_ figure: Figure) -> String {
    let picture = figure.picture
    // An SVG in an image element keeps its names to itself; inside the page they would clash.
    let source = "data:\(picture.format.mediaType);base64,\(picture.data.base64EncodedString())"
    let caption =
      figure.caption.isEmpty ? "" : "<figcaption>\(HTMLText.escaped(figure.caption))</figcaption>\n"
    return """
      <figure>
      <img src="\(source)" width="\(picture.width)" height="\(picture.height)" alt="\(HTMLText.escaped(picture.alternativeText))">
      \(caption)</figure>

      """
  }
}
