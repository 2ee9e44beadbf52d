import Basics
import FieldIO
import Fields
import Foundation
import Verification

/// Everything known of one variable at one lead time: what is kept on disk, so that a stopped verification goes on.
struct UnitState: Codable {
  /// Stands for the definition and the files; another one is refused.
  let fingerprint: String
  let variable: String
  let units: String
  /// Hours; nil where the files do not say.
  let leadHours: Double?
  let members: Int
  var isDone = false
  /// Dates that are scored, in order: initial time, valid time (seconds since 1970), place along the files' axis.
  var dates: [DateKey] = []
  /// [date][region][column of `ScoreColumns`]
  var values: [[[Double]]] = []
  /// [region]
  var ranks: [RankHistogram] = []
  /// [region][event]
  var events: [[EventCounts]] = []
  /// [region][event]
  var indices: [[IndexCounts]] = []
  var decomposition: [CRPSDecomposition] = []
  var spreadBins: [SpreadBins] = []
  /// Sums over dates.
  var spectra: SpectralScores?
  var spectraDates = 0
  var averageRanks: RankHistogram?
  var bandDepthRanks: RankHistogram?
  /// Of members drawn one by one, then of each kind of group.
  var sizes: [EnsembleSizes] = []
  /// What each date added to all of these.
  var rows = DateRows()
  var missing = 0
  /// Of the last date; nil without a climate or a map of an index.
  var lastExtremes: LastExtremes?
  /// Maps' sums and counts as bytes.
  var mapSums: [Data] = []
  var mapCounts: [Data] = []

  struct DateKey: Codable, Hashable {
    let initial: Int?
    let valid: Int?
    let index: Int

    init(_ item: EnsembleArchive.Case) {
      (initial, valid, index) = (item.initial?.seconds, item.valid?.seconds, item.index)
    }
  }

  /// How rows of what is pooled are laid out.
  var layout: PooledLayout {
    PooledLayout(
      regions: ranks.count, events: events.first?.count ?? 0, members: members,
      decomposes: !decomposition.isEmpty)
  }

  /// Adds one case.
  mutating func add(
    _ item: EnsembleArchive.Case, _ result: CaseResult, values: [[Double]], sizes: [EnsembleSizes],
    spectra: SpectralScores?
  ) {
    dates.append(DateKey(item))
    self.values.append(values)
    if self.sizes.isEmpty {
      self.sizes = sizes
    } else {
      for kind in sizes.indices { self.sizes[kind].add(sizes[kind]) }
    }
    if let spectra {
      if self.spectra == nil { self.spectra = spectra } else { self.spectra?.add(spectra) }
      spectraDates += 1
    }
    if ranks.isEmpty {
      (ranks, events) = (result.ranks, result.events)
      (decomposition, spreadBins, indices) = (result.decomposition, result.spreadBins, result.indices)
    } else {
      for r in ranks.indices {
        ranks[r].add(result.ranks[r])
        for e in events[r].indices {
          events[r][e].add(result.events[r][e])
          indices[r][e].add(result.indices[r][e])
        }
        if !decomposition.isEmpty { decomposition[r].add(result.decomposition[r]) }
        spreadBins[r].add(result.spreadBins[r])
      }
    }
    missing += result.missing
    rows.add(result, layout, sizes: sizes, spectra: spectra)
  }

  mutating func keep(_ maps: ScoreMaps?) {
    guard let maps else { return }
    mapSums = maps.sums.map { Data(numbers: $0) }
    mapCounts = maps.counts.map { Data(numbers: $0) }
  }

  func maps(_ scores: [MapScore], points: Int) -> ScoreMaps {
    guard mapSums.count == scores.count else { return ScoreMaps(scores, points: points) }
    return ScoreMaps(scores, sums: mapSums.map { $0.numbers() }, counts: mapCounts.map { $0.numbers() })
  }

  func write(_ path: String) throws {
    let encoder = PropertyListEncoder()
    encoder.outputFormat = .binary
    try WholeFile.write(try encoder.encode(self), to: path)
  }

  /// What was kept; nil where there is nothing.
  /// - Throws: `ApusError` (`badData`) for a damaged file.
  static func read(_ path: String) throws -> UnitState? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    guard let state = try? PropertyListDecoder().decode(UnitState.self, from: data) else {
      throw ApusError(
        .badData, "is damaged", file: path, advice: "Remove it; its variable and lead time are scored again.")
    }
    return state
  }
}
