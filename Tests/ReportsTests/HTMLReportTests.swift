import Basics
import Foundation
import Reports
import Testing

@Suite struct HTMLReportTests {
  private let evil = "<script>alert('x')</script> & \"quotes\" \u{0}\u{8}"

  private func report() throws -> HTMLReport {
    let chart = try LineChart(
      title: evil, series: [.init(evil, x: [0, 24], y: [1, 2])], y: Axis(evil, units: "K")
    ).picture()
    let png = try RankHistogramFigure(title: evil, counts: [3, 4]).picture(as: .png)
    var report = HTMLReport(title: "Forecast " + evil, subtitle: evil)
    report.summary = [
      .table(.facts([("Members", "50"), (evil, evil)], caption: evil)),
      .table(
        try .scores(
          caption: "RMSE", rowNames: ["+24 h", evil], systems: ["Apus", evil], values: [[1, 2], [.nan, 4]],
          better: .lower)),
    ]
    report.sections = (1...3).map {
      .init(
        "\(evil) \($0)",
        [
          .paragraph(evil), .list([evil, "second"]), .list([]), .verbatim(evil),
          .figure(.init(chart, caption: evil)),
          .figures([.init(png, caption: ""), .init(chart, caption: evil)]),
          .table(.init(rows: [])),
        ])
    }
    report.provenance = [("Program", evil)]
    return report
  }

  @Test func textIsEscaped() throws {
    #expect(HTMLText.escaped("a < b & c > \"d\" 'e'") == "a &lt; b &amp; c &gt; &quot;d&quot; &#39;e&#39;")
    #expect(HTMLText.escaped("x\u{0}\u{1b}\u{fffe}y\n") == "xy\n")
    #expect(HTMLText.escaped("Grüße 5 × 10⁻³ 😀") == "Grüße 5 × 10⁻³ 😀")
    #expect(HTMLText.escaped("&amp;") == "&amp;amp;")
    let html = try report().html
    #expect(!html.contains("<script"))
    #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quotes&quot;"))
  }

  @Test func nothingOutsideIsNeeded() throws {
    let html = try report().html
    #expect(!html.contains("http:") && !html.contains("https:") && !html.contains("url("))
    #expect(!html.contains("@import") && !html.contains("<link") && !html.contains("<iframe"))
    for source in html.matches(of: /src="([^"]*)"/) {
      #expect(
        source.output.1.hasPrefix("data:image/png;base64,")
          || source.output.1.hasPrefix("data:image/svg+xml;base64,"))
    }
    for target in html.matches(of: /href="([^"]*)"/) {
      let name = target.output.1.dropFirst()
      #expect(target.output.1.hasPrefix("#") && html.contains("id=\"\(name)\""))
    }
  }

  @Test func picturesSurviveTheWayIntoThePage() throws {
    let picture = try RankHistogramFigure(title: "Histogram", counts: [3, 4]).picture(as: .png)
    let html = HTMLReport(title: "One", summary: [.figure(.init(picture, caption: "c"))]).html
    let match = try #require(html.firstMatch(of: /base64,([A-Za-z0-9+\/=]*)"/))
    #expect(Data(base64Encoded: String(match.output.1)) == picture.data)
    #expect(html.contains("alt=\"Rank histogram: Histogram."))
    #expect(html.contains("width=\"\(picture.width)\" height=\"\(picture.height)\""))
  }

  @Test func tagsAreBalanced() throws {
    let void: Set<Substring> = ["meta", "img"]
    let html = try report().html
    #expect(html.hasPrefix("<!DOCTYPE html>\n"))
    var open: [Substring] = []
    for tag in html.matches(of: /<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/) where !void.contains(tag.output.2) {
      if tag.output.1.isEmpty {
        open.append(tag.output.2)
      } else {
        #expect(open.popLast() == tag.output.2)
      }
    }
    #expect(open.isEmpty)
    let identifiers = html.matches(of: /id="([^"]*)"/).map { String($0.output.1) }
    #expect(Set(identifiers).count == identifiers.count)
    for required in [
      "<html lang=\"en\">", "<meta charset=\"utf-8\">", "name=\"viewport\"", "<main>", "</title>",
    ] {
      #expect(html.contains(required))
    }
  }

  @Test func bestScoresAreBold() throws {
    func bold(_ values: [Double], _ better: ReportTable.Better, decimals: Int = 2) throws -> [Bool] {
      let table = try ReportTable.scores(
        caption: "", rowNames: ["row"], systems: values.map { "\($0)" }, values: [values], better: better,
        decimals: decimals)
      return table.rows[0].dropFirst().map(\.isBold)
    }
    #expect(try bold([3, 1, 2], .lower) == [false, true, false])
    #expect(try bold([3, 1, 2], .higher) == [true, false, false])
    #expect(try bold([1.3, 0.8, 0.5], .nearest(1)) == [false, true, false])
    #expect(try bold([1.001, 1.002, 2], .lower) == [true, true, false])
    #expect(try bold([1.001, 1.002, 2], .lower, decimals: 3) == [true, false, false])
    #expect(try bold([.nan, 4, 5], .lower) == [false, true, false])
    #expect(try bold([2, 2], .lower) == [false, false])
    #expect(try bold([.nan, .nan], .higher) == [false, false])
    #expect(try bold([3, 1], .none) == [false, false])
  }

  @Test func scoreTablesShowRoundedValues() throws {
    let table = try ReportTable.scores(
      caption: "", rowNames: ["a"], systems: ["x", "y", "z"], values: [[1.005_1, -2, .nan]], better: .none,
      decimals: 1)
    #expect(table.rows[0].map(\.text) == ["a", "1.0", "−2.0", "–"])
    #expect(throws: ApusError.self) {
      try ReportTable.scores(caption: "c", rowNames: ["a"], systems: ["x"], values: [[1, 2]], better: .lower)
    }
    #expect(throws: ApusError.self) {
      try ReportTable.scores(caption: "c", rowNames: ["a"], systems: ["x"], values: [], better: .lower)
    }
  }

  @Test func sameReportSameBytesAndAnEmptyOneIsWhole() throws {
    #expect(try report().data == report().data)
    let empty = HTMLReport(title: "").html
    #expect(empty.contains("<title>Report</title>") && empty.hasSuffix("</html>\n"))
  }
}
