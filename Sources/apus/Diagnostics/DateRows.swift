import Foundation
import Verification

/// What every date adds to all that is pooled over dates, so that dates can be resampled: rows of single precision.
struct DateRows: Codable {
  /// By `PooledLayout`.
  private var pooled: [Data] = []
  /// Bins of the spread, one region after the other, each after the length of its row.
  private var spread: [Data] = []
  /// Sums by ensemble size, one kind of draw after the other.
  private var sizes: [Data] = []
  /// 1 and the power spectra; zeros of a date without them.
  private var spectra: [Data] = []

  /// Adds a date.
  mutating func add(
    _ result: CaseResult, _ layout: PooledLayout, sizes: [EnsembleSizes], spectra: SpectralScores?
  ) {
    pooled.append(Data(numbers: layout.row(result)))
    spread.append(
      Data(
        numbers: result.spreadBins.flatMap { bins in
          let row = bins.row
          return [Float(row.count)] + row
        }))
    self.sizes.append(Data(numbers: sizes.flatMap(\.row)))
    self.spectra.append(Data(numbers: spectra.map { [1] + $0.row.map { Float($0) } } ?? []))
  }

  /// [date][column of `PooledLayout`]
  var pooledRows: [[Float]] { pooled.map { $0.numbers() } }

  /// [date][sums of every kind]
  var sizeRows: [[Float]] { sizes.map { $0.numbers() } }

  /// [date][1 and spectra], as long for every date.
  var spectraRows: [[Float]] {
    let rows: [[Float]] = spectra.map { $0.numbers() }
    let length = rows.map(\.count).max() ?? 0
    return rows.map { $0.isEmpty ? [Float](repeating: 0, count: length) : $0 }
  }

  /// [region][date]
  func spreadBins(regions: Int) -> [[SpreadBins]] {
    var result = [[SpreadBins]](repeating: [], count: regions)
    for data in spread {
      let row: [Float] = data.numbers()
      var start = 0
      for region in 0..<regions {
        let length = Int(row[start])
        result[region].append(SpreadBins(row: row[start + 1..<start + 1 + length]))
        start += 1 + length
      }
    }
    return result
  }
}
