import Foundation

/// Colours for values, made perceptually uniform: a few anchors are joined in CIELAB and resampled at
/// equal steps of perceived difference, so equal steps of the value look equal (Crameri et al. 2020,
/// doi:10.1038/s41467-020-19160-7). Lightness alone carries the order, so the maps stay readable with
/// colour-blind eyes and in grey print.
public struct ColourMap: Sendable, Hashable {
  /// What the map is for.
  public enum Kind: Sendable, Hashable {
    /// From low to high: lightness falls all the way.
    case sequential
    /// Two sides of a centre: white in the middle, lightness falls to both ends.
    case diverging
  }

  /// What the map is for.
  public let kind: Kind
  /// 257 colours at equal steps; number 128 is the centre.
  private let table: [Colour]

  /// Pale green over blue to indigo: spread, errors, wind speed.
  public static let sequential = ColourMap(
    .sequential, through: [[0xf8faf0, 0xd3ead0, 0x93cfbd, 0x4fa9bd, 0x2f77ae, 0x2c4790, 0x221f5c]])
  /// Cream over orange to dark plum: temperature, heat, probabilities.
  public static let heat = ColourMap(
    .sequential, through: [[0xfdf8e6, 0xfbdfa3, 0xf5b56a, 0xe58052, 0xc14c50, 0x86274f, 0x43143f]])
  /// Blue, white, red: differences and anomalies.
  public static let diverging = ColourMap(
    .diverging,
    through: [
      [0x14305f, 0x2a62a3, 0x6fa3cf, 0xbdd7ea, 0xffffff], [0xffffff, 0xf6cdb9, 0xde8a6d, 0xb43f3b, 0x65101f],
    ])

  /// - Parameter halves: anchors 0xRRGGBB; each list gets an equal share of the table.
  private init(_ kind: Kind, through halves: [[UInt32]]) {
    self.kind = kind
    let steps = 256 / halves.count
    var colours: [Colour] = []
    for (number, anchors) in halves.enumerated() {
      let resampled = Self.uniform(anchors.map { LabColour(Colour($0)) }, steps: steps)
      colours += number == 0 ? resampled : Array(resampled.dropFirst())
    }
    table = colours
  }

  /// The path through the anchors at `steps` + 1 points of equal distance in CIELAB.
  private static func uniform(_ anchors: [LabColour], steps: Int) -> [Colour] {
    let fine = 64
    var path: [LabColour] = [anchors[0]]
    for (from, to) in zip(anchors, anchors.dropFirst()) {
      for step in 1...fine { path.append(from.interpolated(to: to, fraction: Double(step) / Double(fine))) }
    }
    var travelled = [0.0]
    for (from, to) in zip(path, path.dropFirst()) {
      travelled.append((travelled.last ?? 0) + to.difference(from: from))
    }
    let total = travelled.last ?? 0
    var at = 0
    return (0...steps).map { step in
      let wanted = total * Double(step) / Double(steps)
      while at < path.count - 2 && travelled[at + 1] < wanted { at += 1 }
      let part = travelled[at + 1] - travelled[at]
      return path[at].interpolated(
        to: path[at + 1], fraction: part > 0 ? min(max((wanted - travelled[at]) / part, 0), 1) : 0
      ).colour
    }
  }

  /// The colour at `fraction` of the way from low (0) to high (1); outside, the colour of that end.
  public func colour(at fraction: Double) -> Colour {
    guard fraction.isFinite else { return .missing }
    return table[Int((min(max(fraction, 0), 1) * 256).rounded())]
  }
}
