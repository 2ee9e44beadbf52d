import FieldIO
import Fields
import Synchronization
import Verification

/// A source that reads several lead times of a date at once and keeps them until they are scored.
///
/// Scores are made lead time by lead time, over all dates. Of an ensemble of thousands of files, more than can stay
/// open, every one would be opened again for every lead time, and opening costs more than reading: with a few lead
/// times at once, date by date, it is opened once for all of them.
final class ReadAhead: Sendable {
  private let base: SuiteSource
  private let kept = Mutex<[EnsembleArchive.Case: EnsembleValues]>([:])

  init(_ base: SuiteSource) { self.base = base }

  /// The same source, which looks among what was read ahead first.
  var source: SuiteSource { base.reading { [self] item, rows, range in try members(item, rows, range) } }

  /// Parts lead times into groups whose members fit into so many bytes; one by one where two do not fit.
  static func groups<Lead>(_ leads: [(lead: Lead, dates: Int)], bytesPerDate: Int, memory: Int) -> [[Lead]] {
    var groups: [[Lead]] = []
    var used = 0
    for (lead, dates) in leads {
      let bytes = dates * bytesPerDate
      if groups.isEmpty || used + bytes > memory {
        groups.append([])
        used = 0
      }
      groups[groups.count - 1].append(lead)
      used += bytes
    }
    return groups
  }

  /// Reads cases, date by date, in place of what was kept before.
  func read(_ cases: [EnsembleArchive.Case], isStopped: () -> Bool) throws {
    kept.withLock { $0 = [:] }
    let ordered = cases.sorted {
      ($0.initial?.seconds ?? 0, $0.valid?.seconds ?? 0, $0.index)
        < ($1.initial?.seconds ?? 0, $1.valid?.seconds ?? 0, $1.index)
    }
    for item in ordered {
      // The scorer stops at its next case, and keeps what it has.
      if isStopped() { return }
      let values = try base.members(item)
      kept.withLock { $0[item] = values }
    }
  }

  private func members(_ item: EnsembleArchive.Case, _ rows: Range<Int>?, _ range: Range<Int>?) throws
    -> EnsembleValues
  {
    guard rows == nil, let values = kept.withLock({ $0[item] }) else {
      return try base.members(item, rows: rows, members: range)
    }
    return range.map { values.members($0) } ?? values
  }
}
