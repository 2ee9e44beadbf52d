import Foundation
import Verification

/// What the last date's extreme forecast index and shifts of tails said, and what came of it: forecasters look at the
/// two side by side.
struct LastExtremes: Codable {
  /// `efi`, `sot90` or `sot10`, as far as maps of them are kept.
  let names: [String]
  /// [name][point]
  let fields: [[Float]]
  /// The truth's place in the climate, 0 below to 1 above all of its states, [point].
  let outcome: [Float]

  static let known = ["efi", "sot90", "sot10"]

  /// Of one date's maps, at least one of them of an index.
  init(_ maps: ScoreMaps, outcome: [Double]) {
    let places = maps.scores.indices.filter { Self.known.contains(maps.scores[$0].name) }
    names = places.map { maps.scores[$0].name }
    fields = places.map { maps.mean($0).map { Float($0) } }
    self.outcome = outcome.map { Float($0) }
  }

  /// What an index is called.
  static func longName(_ name: String) -> String {
    switch name {
    case "sot90": "shift of the upper tail"
    case "sot10": "shift of the lower tail"
    default: "extreme forecast index"
    }
  }

  /// Whether the truth lay beyond the climate's 5th or 95th percentile, [point]; for the shift of one tail, on its side.
  func came(_ name: String) -> [Bool] {
    outcome.map { name != "sot10" && $0 > 0.95 || name != "sot90" && $0 < 0.05 }
  }
}
