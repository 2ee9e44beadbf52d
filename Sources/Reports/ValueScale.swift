import Foundation

/// Which values get which colours.
public struct ValueScale: Sendable, Hashable {
  /// The span of the colours.
  public enum Range: Sendable, Hashable {
    /// From the 0.5th to the 99.5th percentile by area (from 0 where the low end is near 0), rounded
    /// outwards; about a centre where the colour map is diverging.
    case robust
    /// Exactly so; parts of the field outside get the end colours.
    case fixed(low: Double, high: Double)
  }

  /// How values between are coloured.
  public enum Shading: Sendable, Hashable {
    /// Bands between round values.
    case banded
    /// Continuously.
    case smooth
  }

  /// Low end of the colours.
  package let low: Double
  /// High end of the colours.
  package let high: Double
  /// Round values within, where bands change and labels stand.
  package let ticks: Ticks
  /// Edges of the bands; the two bands beside a diverging map's centre are one.
  package let edges: [Double]
  /// Whether the field has values below `low`, above `high`.
  package let extendsBelow: Bool
  /// Whether the field has values above `high`.
  package let extendsAbove: Bool
  private let map: ColourMap
  private let shading: Shading

  /// Chooses ends and bands for `values` [row][column]; values that are not finite do not count.
  /// - Parameters:
  ///   - rowWeights: area weight of each row.
  ///   - centre: the middle of a diverging colour map.
  package init(
    values: [Float], rowWeights: [Double], range: Range, shading: Shading, map: ColourMap, centre: Double = 0
  ) {
    let isDiverging = map.kind == .diverging
    let columns = max(values.count / max(rowWeights.count, 1), 1)
    let sorted = values.enumerated().filter { $0.element.isFinite }
      .map { (value: Double($0.element), weight: rowWeights[min($0.offset / columns, rowWeights.count - 1)]) }
      .sorted { $0.value < $1.value }
    let (least, most) = (sorted.first?.value ?? 0, sorted.last?.value ?? 1)
    func percentile(_ fraction: Double) -> Double {
      let total = sorted.reduce(0) { $0 + $1.weight }
      var passed = 0.0
      for entry in sorted {
        passed += entry.weight
        if passed >= fraction * total { return entry.value }
      }
      return most
    }
    switch range {
    case .fixed(let low, let high):
      ticks = Ticks.linear(covering: low, high, target: isDiverging ? 14 : 10)
      let usable = low.isFinite && high.isFinite && low != high
      (self.low, self.high) =
        usable ? (min(low, high), max(low, high)) : (ticks.values[0], ticks.values.last ?? 1)
    case .robust:
      var (low, high) = sorted.isEmpty ? (0, 1) : (percentile(0.005), percentile(0.995))
      if isDiverging {
        let half = max(abs(low - centre), abs(high - centre))
        let span = half > 0 ? half : max(abs(centre) * 0.01, sorted.isEmpty || most == least ? 1 : 0)
        let oneSide = Ticks.linear(covering: 0, span, target: 6)
        let sides = oneSide.values.dropFirst()
        ticks = Ticks(
          values: sides.reversed().map { centre - $0 } + [centre] + sides.map { centre + $0 },
          step: oneSide.step)
      } else {
        if low > 0 && low < 0.25 * high && least >= 0 { low = 0 }
        ticks = Ticks.linear(covering: low, high, target: 11)
      }
      (self.low, self.high) = (ticks.values[0], ticks.values.last ?? 1)
    }
    let (low, high) = (self.low, self.high)
    let slack = (high - low) * 1e-6
    var edges = [low] + ticks.values.filter { $0 > low + slack && $0 < high - slack } + [high]
    if isDiverging && edges.count > 4 { edges.removeAll { abs($0 - (low + high) / 2) < slack } }
    self.edges = edges
    extendsBelow = least < low - slack && !sorted.isEmpty
    extendsAbove = most > high + slack && !sorted.isEmpty
    self.map = map
    self.shading = shading
  }

  /// The ticks within the ends.
  package var labelledTicks: Ticks {
    let slack = (high - low) * 1e-6
    return Ticks(values: ticks.values.filter { $0 >= low - slack && $0 <= high + slack }, step: ticks.step)
  }

  /// Colour of band `number`; -1 and the number of bands are the parts outside.
  package func bandColour(_ number: Int) -> Colour {
    let bands = edges.count - 1
    // A diverging map keeps a place for both outsides, so that its centre stays white.
    let below = extendsBelow || (map.kind == .diverging && extendsAbove)
    let above = extendsAbove || (map.kind == .diverging && extendsBelow)
    let last = bands - 1 + (below ? 1 : 0) + (above ? 1 : 0)
    let position = number + (below ? 1 : 0)
    return map.colour(at: last > 0 ? Double(position) / Double(last) : 0.5)
  }

  /// Colour of a value; grey where it is not finite.
  package func colour(of value: Double) -> Colour {
    guard value.isFinite else { return .missing }
    if shading == .smooth { return map.colour(at: (value - low) / (high - low)) }
    var (first, last) = (0, edges.count)
    while first < last {
      let middle = (first + last) / 2
      if edges[middle] <= value { first = middle + 1 } else { last = middle }
    }
    // The highest value itself belongs to the highest band.
    if first == edges.count && value <= high + (high - low) * 1e-6 { first -= 1 }
    if first == 0 && value >= low - (high - low) * 1e-6 { first = 1 }
    return bandColour(first - 1)
  }

  var isSmooth: Bool { shading == .smooth }
  func smoothColour(at fraction: Double) -> Colour { map.colour(at: fraction) }
}
