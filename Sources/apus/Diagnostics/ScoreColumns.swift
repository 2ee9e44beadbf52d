import Verification

/// The numbers that every date leaves for each region, in the order they are kept.
struct ScoreColumns {
  struct Column {
    /// Name in files.
    let name: String
    /// Number of its event; nil: of the variable as a whole.
    let event: Int?
    /// Whether a root is taken after the mean over dates.
    let isRootOfMean: Bool
    /// Whether it has no unit.
    let isPure: Bool
    /// Whether it only serves to compute others.
    let isInternal: Bool
  }

  static let fieldNames = ["efi", "sot90", "sot10"]
  static let wholeNames = [
    "energy_score_fair", "energy_score_tiles", "variogram_score_tiles", "variogram_score",
  ]

  let columns: [Column]
  private let places: [String: Int]

  init(events: Int) {
    var columns = PointScore.allCases.map {
      Column(
        name: $0.rawValue, event: nil, isRootOfMean: $0.isRootOfMean, isPure: $0.isPure,
        isInternal: $0.isInternal)
    }
    columns += Self.fieldNames.map {
      Column(name: $0, event: nil, isRootOfMean: false, isPure: true, isInternal: false)
    }
    columns += Self.wholeNames.map {
      Column(name: $0, event: nil, isRootOfMean: false, isPure: false, isInternal: false)
    }
    for event in 0..<events {
      columns += EventScore.allCases.map {
        Column(
          name: $0.rawValue, event: event, isRootOfMean: false, isPure: !$0.hasUnit, isInternal: false)
      }
    }
    self.columns = columns
    places = Dictionary(
      uniqueKeysWithValues: columns.enumerated().map {
        (Self.key($0.element.name, $0.element.event), $0.offset)
      })
  }

  private static func key(_ name: String, _ event: Int?) -> String { "\(name) \(event ?? -1)" }

  /// Place of a column; nil where there is none of that name.
  func place(_ name: String, event: Int? = nil) -> Int? { places[Self.key(name, event)] }
  func place(_ score: PointScore) -> Int { places[Self.key(score.rawValue, nil)] ?? 0 }

  /// One date's numbers, [region][column].
  func values(
    _ result: CaseResult, regions: Int, hasClimate: Bool, energy: Double?, tiles: TileScores.Result?,
    variogram: Double?
  ) -> [[Double]] {
    (0..<regions).map { region in
      var row = PointScore.allCases.map { result.mean($0, region: region) }
      row += hasClimate ? result.extremes(region: region) : [.nan, .nan, .nan]
      // Whole fields are of the whole globe.
      row +=
        region == 0
        ? [energy, tiles?.energyScore, tiles?.variogramScore, variogram].map { $0 ?? .nan }
        : Self.wholeNames.map { _ in .nan }
      for event in 0..<(result.events.first?.count ?? 0) {
        row += EventScore.allCases.map { result.mean($0, event: event, region: region) }
      }
      return row
    }
  }
}
