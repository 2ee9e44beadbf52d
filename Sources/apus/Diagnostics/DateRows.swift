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
    pooled.append(Self.data(layout.row(result)))
    spread.append(
      Self.data(
        result.spreadBins.flatMap { bins in
          let row = bins.row
          return [Float(row.count)] + row
        }))
    self.sizes.append(Self.data(sizes.flatMap(\.row)))
    self.spectra.append(Self.data(spectra.map { [1] + $0.row.map { Float($0) } } ?? []))
  }

  /// [date][column of `PooledLayout`]
  var pooledRows: [[Float]] { pooled.map(Self.numbers) }

  /// [date][sums of every kind]
  var sizeRows: [[Float]] { sizes.map(Self.numbers) }

  /// [date][1 and spectra], as long for every date.
  var spectraRows: [[Float]] {
    let rows = spectra.map(Self.numbers)
    let length = rows.map(\.count).max() ?? 0
    return rows.map { $0.isEmpty ? [Float](repeating: 0, count: length) : $0 }
  }

  /// [region][date]
  func spreadBins(regions: Int) -> [[SpreadBins]] {
    var result = [[SpreadBins]](repeating: [], count: regions)
    for data in spread {
      let row = Self.numbers(data)
      var start = 0
      for region in 0..<regions {
        let length = Int(row[start])
        result[region].append(SpreadBins(row: row[start + 1..<start + 1 + length]))
        start += 1 + length
      }
    }
    return result
  }

  private static func data(_ row: [Float]) -> Data { row.withUnsafeBytes { Data($0) } }

  private static func numbers(_ data: Data) -> [Float] {
    var row = [Float](repeating: 0, count: data.count / MemoryLayout<Float>.stride)
    _ = row.withUnsafeMutableBytes { data.copyBytes(to: $0) }
    return row
  }
}
