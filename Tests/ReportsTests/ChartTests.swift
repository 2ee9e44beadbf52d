import Basics
import Foundation
import Reports
import Testing

@Suite struct ChartTests {
  private func svg(_ picture: Picture) -> String { String(decoding: picture.data, as: UTF8.self) }

  private let chart = LineChart(
    title: "Scores",
    series: [
      .init(
        "RMSE", x: [0, 24, 48, 72], y: [0, 1, 2, 2.5], lower: [0, 0.9, 1.8, 2.2], upper: [0, 1.1, 2.2, 2.8]),
      .init("spread", x: [0, 24, 48, 72], y: [0.1, 0.8, .nan, 2.1]),
    ], y: Axis("Score", units: "hPa", startsAtZero: true))

  @Test func sameChartSameBytes() throws {
    let first = try chart.picture()
    // Other surfaces in between must not change the names inside.
    _ = try RankHistogramFigure(title: "Other", counts: [1, 2, 3]).picture(as: .png)
    #expect(try chart.picture() == first)
    #expect(try chart.picture(as: .png) == chart.picture(as: .png))
  }

  @Test func seriesDifferInColourAndDashes() throws {
    let text = svg(try chart.picture())
    #expect(text.contains("stroke-dasharray:7,3.5"))
    let colours = Set(text.matches(of: /stroke:rgb\([^)]*\)/).map { String($0.output) })
    #expect(colours.count >= 4)
  }

  @Test func svgIsWellFormedAndSelfContained() throws {
    let picture = try chart.picture()
    #expect(picture.width == 540 && picture.height == 350)
    let text = svg(picture)
    let outside = text.replacingOccurrences(of: "http://www.w3.org/", with: "")
    #expect(!outside.contains("http"))
    #expect(!text.contains("<image") && !text.contains("<text"))
    // All long numbers are shortened.
    #expect(text.firstMatch(of: /\d\.\d{3,}/) == nil)
    #expect(try #require(text.firstMatch(of: /viewBox="0 0 (\d+) (\d+)"/)).output.1 == "540")
    var depth = 0
    for tag in text.matches(of: /<(\/?)([a-zA-Z]+)[^>]*?(\/?)>/) where tag.output.3.isEmpty {
      depth += tag.output.1.isEmpty ? 1 : -1
      #expect(depth >= 0)
    }
    #expect(depth == 0)
  }

  @Test func degenerateSeriesAreDrawn() throws {
    let serieses: [[LineChart.Series]] = [
      [], [.init("empty", x: [], y: [])], [.init("one", x: [24], y: [3])],
      [.init("constant", x: [0, 24], y: [5, 5])], [.init("zero", x: [0, 0], y: [0, 0])],
      [.init("nothing", x: [0, 24], y: [.nan, .infinity])], [.init("nowhere", x: [.nan, .nan], y: [1, 2])],
      [.init("huge", x: [0, 1e9], y: [-1e300, 1e300])], [.init("tiny", x: [0, 1e-9], y: [0, 1e-300])],
      [.init("negative", x: [-24, 24], y: [-3, -1])], [.init("", x: [1], y: [1], lower: [.nan], upper: [2])],
      (0..<30).map {
        .init("a series with a rather long name, number \($0)", x: [0, 6], y: [0, Double($0)])
      },
    ]
    for series in serieses {
      for scale in [Axis.Scale.linear, .logarithmic, .leadTime] {
        var chart = LineChart(
          title: "Degenerate", series: series, x: Axis("x", scale: scale),
          y: Axis("y", scale: scale == .leadTime ? .linear : scale, startsAtZero: true))
        chart.references = [.init(1, label: "one"), .init(.nan, label: "none")]
        for format in Picture.Format.allCases { #expect(try chart.picture(as: format).data.count > 500) }
      }
    }
  }

  @Test func seriesOfUnequalLengthsAreRefused() {
    var wrong = chart
    wrong.series = [.init("wrong", x: [1, 2], y: [1])]
    #expect {
      try wrong.picture()
    } throws: { error in
      (error as? ApusError)?.kind == .badData && "\(error)".contains("'wrong'")
    }
    wrong.series = [.init("wrong", x: [1, 2], y: [1, 2], lower: [0], upper: [3])]
    #expect(throws: ApusError.self) { try wrong.picture() }
  }

  @Test func controlCharactersInNamesDoNotCutThem() throws {
    var strange = chart
    strange.title = "before\u{0}after\n<b>&\u{1F600}"
    #expect(try strange.picture().data.count > 500)
  }

  // MARK: - Rank histograms

  @Test func barsAreRelativeToFlatInsideTheirBinomialBand() throws {
    let flat = RankHistogramFigure(title: "Flat", counts: [Double](repeating: 1000, count: 11))
    for bar in flat.bars {
      #expect(abs(bar.height - 1) < 1e-12)
      #expect(bar.low < 1 && bar.high > 1)
      // Normal approximation: 1.96 sqrt((1 - p) / (n p)) with n p = 1000.
      let reach = 1.96 * ((1 - 1.0 / 11) / 1000).squareRoot()
      #expect(abs(bar.high - 1 - reach) < 0.002 && abs(1 - bar.low - reach) < 0.002)
    }
    let fewer = RankHistogramFigure(
      title: "Fewer", counts: [Double](repeating: 1000, count: 11), independentSamples: 110)
    #expect(fewer.bars[0].high > flat.bars[0].high)
    #expect(abs(fewer.bars[3].height - 1) < 1e-12)
  }

  @Test func manyRanksAreGroupedWithoutLoss() {
    let counts = (0..<7425).map { Double($0 % 7) }
    let figure = RankHistogramFigure(title: "Huge", counts: counts)
    let bars = figure.bars
    #expect(bars.count == 101)
    #expect(bars.first?.ranks.lowerBound == 0 && bars.last?.ranks.upperBound == 7425)
    for (a, b) in zip(bars, bars.dropFirst()) { #expect(a.ranks.upperBound == b.ranks.lowerBound) }
    let mean = bars.reduce(0) { $0 + $1.height * Double($1.ranks.count) } / 7425
    #expect(abs(mean - 1) < 1e-12)
  }

  @Test func binomialIntervalsAreExact() {
    // Cumulated binomial(10, 1/2): P(X <= 1) = 0.0107, P(X <= 2) = 0.0547, P(X <= 7) = 0.9453, P(X <= 8) = 0.9893.
    let ten = BinomialInterval.central(trials: 10, probability: 0.5)
    #expect(ten.low == 2 && ten.high == 8)
    // Binomial(20, 0.1): P(X <= 0) = 0.1216, P(X <= 4) = 0.9568, P(X <= 5) = 0.9887.
    let twenty = BinomialInterval.central(trials: 20, probability: 0.1)
    #expect(twenty.low == 0 && twenty.high == 5)
    // Where both methods meet they agree.
    let (below, above) = (
      BinomialInterval.central(trials: 3_990_000, probability: 0.5),
      BinomialInterval.central(trials: 4_010_000, probability: 0.5)
    )
    #expect(abs((below.high - below.low) / (above.high - above.low) - (3.99 / 4.01).squareRoot()) < 1e-3)
    #expect(BinomialInterval.central(trials: 0, probability: 0.5) == (0, 0))
    #expect(BinomialInterval.central(trials: 10, probability: 1) == (10, 10))
  }

  @Test func degenerateHistogramsAreDrawnAndImpossibleOnesRefused() throws {
    for counts in [[], [0], [5], [0, 0, 0], [1e12, 0], [0.25, 0.5]] {
      #expect(try RankHistogramFigure(title: "Degenerate", counts: counts).picture().data.count > 500)
    }
    for counts in [[1, -1], [.nan], [.infinity, 1]] {
      #expect(throws: ApusError.self) {
        try RankHistogramFigure(title: "Impossible", counts: counts).picture()
      }
    }
    #expect(throws: ApusError.self) {
      try RankHistogramFigure(title: "Impossible", counts: [1], independentSamples: .nan).picture()
    }
  }

  // MARK: - Spectra

  @Test func spectraAreDrawnWhateverTheirNumberAndLength() throws {
    let power = (0..<48).map { pow(Double($0 + 1), -3) }
    for members in [[], [power], [[Double]](repeating: power, count: 200), [[], [1], [1, 2]], [[0, 0, 0]]] {
      for truth in [[], power, [.nan, .nan]] {
        let figure = SpectrumFigure(
          title: "Power", members: members, mean: truth, truth: truth, units: "hPa²")
        let picture = try figure.picture()
        #expect(picture.data.count > 500)
        #expect(try figure.picture() == picture)
      }
    }
  }
}
