/// Where a date's share of everything that is pooled over dates stands in a row of numbers, which is kept of every date so
/// that dates can be resampled: counts of events, of the extreme forecast index, of ranks, and the sums of the CRPS taken
/// apart, each in at most 101 classes (exact up to 100 members), by region.
///
/// Single precision is exact for counts up to 2^24 and 6e-8 for sums: rows serve intervals, never the scores themselves.
public struct PooledLayout: Sendable, Hashable {
  /// Number of regions.
  public let regions: Int
  /// Number of events.
  public let events: Int
  /// Number of members M.
  public let members: Int
  /// Whether the CRPS is taken apart.
  public let decomposes: Bool
  /// Most members whose counts stay as they are.
  public static let exactMembers = 100

  /// The layout of cases of so many regions, events and members.
  public init(regions: Int, events: Int, members: Int, decomposes: Bool) {
    (self.regions, self.events, self.members, self.decomposes) = (regions, events, members, decomposes)
  }

  /// Members that counts are reduced to, min(M, 100).
  public var reducedMembers: Int { min(members, Self.exactMembers) }
  private var classes: Int { reducedMembers + 1 }
  private var eventLength: Int { 2 * classes }
  private var indexLength: Int { 2 * IndexCounts.levels.count }
  private var decompositionLength: Int { decomposes ? 2 * classes + 3 : 0 }
  private var regionLength: Int { events * (eventLength + indexLength) + classes + decompositionLength }

  /// Numbers of a row.
  public var count: Int { regions * regionLength }

  /// Columns of an event's counts: where it came, then where not, by class of probability.
  public func event(_ event: Int, region: Int) -> Range<Int> {
    let start = region * regionLength + event * eventLength
    return start..<start + eventLength
  }

  /// Columns of how the extreme forecast index told an event.
  public func index(_ event: Int, region: Int) -> Range<Int> {
    let start = region * regionLength + events * eventLength + event * indexLength
    return start..<start + indexLength
  }

  /// Columns of the truth's ranks.
  public func ranks(region: Int) -> Range<Int> {
    let start = region * regionLength + events * (eventLength + indexLength)
    return start..<start + classes
  }

  /// Columns of the CRPS taken apart: alpha, beta, then weight below, above and of all.
  public func decomposition(region: Int) -> Range<Int> {
    let start = ranks(region: region).upperBound
    return start..<start + decompositionLength
  }

  /// The row of one case.
  public func row(_ result: CaseResult) -> [Float] {
    var row: [Float] = []
    row.reserveCapacity(count)
    for region in 0..<regions {
      for counts in result.events[region] {
        let reduced = counts.reduced(to: reducedMembers)
        row += (reduced.events + reduced.nonEvents).map(Float.init)
      }
      for counts in result.indices[region] { row += (counts.events + counts.nonEvents).map(Float.init) }
      row += result.ranks[region].coarsened(classes: classes).map(Float.init)
      if decomposes {
        let parts = result.decomposition[region].reduced(to: reducedMembers)
        row += (parts.alpha + parts.beta + [parts.below, parts.above, parts.weight]).map { Float($0) }
      }
    }
    return row
  }
}

extension EventCounts {
  /// Counts of whole numbers in a row: where the event came, then where not.
  init(row: some Collection<Double>) {
    let half = row.count / 2
    self.init(members: half - 1)
    events = row.prefix(half).map { Int($0) }
    nonEvents = row.dropFirst(half).map { Int($0) }
  }

  /// The counts as of fewer members, each probability k/M rounded to the nearest that these can give.
  public func reduced(to fewer: Int) -> EventCounts {
    guard fewer < members else { return self }
    var result = EventCounts(members: fewer)
    for k in events.indices {
      let place = (k * fewer + members / 2) / members
      result.events[place] += events[k]
      result.nonEvents[place] += nonEvents[k]
    }
    return result
  }
}

extension IndexCounts {
  /// Counts of whole numbers in a row: where the event came, then where not.
  init(row: some Collection<Double>) {
    self.init()
    events = row.prefix(events.count).map { Int($0) }
    nonEvents = row.dropFirst(events.count).map { Int($0) }
  }
}

extension CRPSDecomposition {
  /// Sums in a row: alpha, beta, below, above, weight.
  init(row: some Collection<Double>) {
    let values = Array(row)
    let count = (values.count - 3) / 2
    self.init(members: count - 1)
    (alpha, beta) = (Array(values[..<count]), Array(values[count..<2 * count]))
    (below, above, weight) = (values[2 * count], values[2 * count + 1], values[2 * count + 2])
  }

  /// The sums with neighbouring intervals between members added up, as of fewer members; those beyond the outermost
  /// members stay alone.
  public func reduced(to fewer: Int) -> CRPSDecomposition {
    let members = alpha.count - 1
    guard fewer < members, fewer > 1 else { return self }
    var result = CRPSDecomposition(members: fewer)
    (result.below, result.above, result.weight) = (below, above, weight)
    for i in alpha.indices {
      let place =
        i == 0 ? 0 : i == members ? fewer : min(fewer - 1, max(1, (i * fewer + members / 2) / members))
      result.alpha[place] += alpha[i]
      result.beta[place] += beta[i]
    }
    return result
  }
}
