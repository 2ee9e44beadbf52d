import Basics
import Foundation
import Kernels

/// All pointwise scores of one case, averaged over regions, in one pass over the points.
///
/// The points are cut into at most 64 groups whatever the threads; sums go group by group, point by point, so results
/// do not depend on the number of threads. Members are copied in chunks of 32 points, sorted sixteen points at a time
/// and scored eight at a time, in double precision.
public struct ScorePass: Sendable {
  /// The regions, in the order of the results.
  public let regions: [Region]
  /// alpha of the almost fair CRPS.
  public let alpha: Double
  let points: Int
  let threads: Int
  /// [region][point], padded with zeros to whole blocks.
  private let weights: AlignedBuffer<Double>
  private let padded: Int

  static let block = 16
  static let chunkBlocks = 2
  static let mostGroups = 64
  static let spreadBinCount = 512

  /// - Parameter points: of every field.
  public init(
    regions: [Region], points: Int, alpha: Double = 0.95, threads: Int = Parallel.defaultThreads
  ) {
    precondition(regions.allSatisfy { $0.weights.count == points })
    self.regions = regions
    self.alpha = alpha
    self.points = points
    self.threads = threads
    padded = (points + Self.block - 1) / Self.block * Self.block
    weights = AlignedBuffer(regions.count * padded)
    for (r, region) in regions.enumerated() {
      for (point, weight) in region.weights.enumerated() { weights.pointer[r * padded + point] = weight }
    }
  }

  /// Scores one case.
  /// - Parameters:
  ///   - maps: where given, the fields wanted are added to it.
  ///   - decomposes: whether the CRPS is taken apart, which costs as much again for a few regions.
  public func run(_ input: CaseInput, maps: inout ScoreMaps?, decomposes: Bool = true) throws -> CaseResult {
    precondition(input.ensemble.pointCount == points && input.truth.count == points)
    let work = Work(self, input, decomposes: decomposes, mapped: maps?.scores ?? [])
    try Parallel.forEach(work.groups, threads: threads) { group, thread in work.score(group, thread) }
    if maps != nil { work.add(to: &maps) }
    return work.result()
  }

  /// Copies and sorts the members as `run` does, and nothing else: what a benchmark compares it with.
  public func readAndSort(_ ensemble: EnsembleValues) throws {
    let input = CaseInput(
      ensemble: ensemble, truth: [Double](repeating: 0, count: points),
      ties: Philox(seed: 0, purpose: .tieBreak))
    let work = Work(self, input, decomposes: false, mapped: [])
    try Parallel.forEach(work.groups, threads: threads) { group, thread in work.sort(group, thread) }
  }

  /// The fields of a case, padded to whole blocks, and everything that is summed.
  private final class Work: Sendable {
    let pass: ScorePass
    let input: CaseInput
    let members: Int
    let groups: Int
    let blocks: Int
    /// Fields a block has: `PointScore`s, three extremes, then `EventScore`s of each event.
    let fieldCount: Int
    let eventStart: Int
    let decomposes: Bool
    let mapped: [PointScore]
    let truth: AlignedBuffer<Double>
    let control: AlignedBuffer<Double>?
    let persistence: AlignedBuffer<Double>?
    let climateMean: AlignedBuffer<Double>?
    let climateCRPS: AlignedBuffer<Double>?
    let thresholds: [AlignedBuffer<Double>]
    /// -ln((k + 1/2) / (M + 1))
    let logarithms: AlignedBuffer<Double>
    /// [group][region][field][value, weight]
    let sums: AlignedBuffer<Double>
    /// [group][region][2 (M + 1)] and below, above, weight after it
    let parts: AlignedBuffer<Double>
    let partLength: Int
    /// [group][region][bin][weight, variance, square error]
    let bins: AlignedBuffer<Double>
    /// [thread][region][rank]; [thread][region][event][k][came, not]
    let ranks: AlignedBuffer<Int32>
    let counts: AlignedBuffer<Int32>
    let missing: AlignedBuffer<Int>
    let columns: AlignedBuffer<Vector>
    let rows: AlignedBuffer<Lanes>
    let fields: AlignedBuffer<Lanes>
    /// [thread][region][field][value, weight]
    let fieldSums: AlignedBuffer<Lanes>
    let partSums: AlignedBuffer<Lanes>
    let maps: AlignedBuffer<Double>

    init(_ pass: ScorePass, _ input: CaseInput, decomposes: Bool, mapped: [PointScore]) {
      self.pass = pass
      self.input = input
      self.decomposes = decomposes
      self.mapped = mapped
      members = input.ensemble.memberCount
      blocks = pass.padded / ScorePass.block
      groups = min(ScorePass.mostGroups, blocks)
      let (regions, events, padded) = (pass.regions.count, input.events.count, pass.padded)
      eventStart = ScoreColumn.Place.count + 3
      fieldCount = eventStart + events * ScoreColumn.EventPlace.count
      func field(_ values: [Double]) -> AlignedBuffer<Double> {
        let buffer = AlignedBuffer<Double>(padded)
        for point in 0..<padded { buffer.pointer[point] = point < values.count ? values[point] : .nan }
        return buffer
      }
      truth = field(input.truth)
      control = input.control.map { field(input.ensemble.member($0)) }
      persistence = input.persistence.map(field)
      climateMean = input.climateMean.map(field)
      climateCRPS = input.climateCRPS.map(field)
      thresholds = input.events.map { field($0.threshold) }
      logarithms = AlignedBuffer(
        (0...members).map { -log((Double($0) + 0.5) / Double(input.ensemble.memberCount + 1)) })
      sums = AlignedBuffer(groups * regions * fieldCount * 2)
      partLength = 2 * (members + 1)
      parts = AlignedBuffer(decomposes ? groups * regions * (partLength + 3) : 0)
      bins = AlignedBuffer(groups * regions * ScorePass.spreadBinCount * 3)
      let workers = max(1, min(pass.threads, groups))
      ranks = AlignedBuffer(workers * regions * (members + 1))
      counts = AlignedBuffer(workers * regions * events * (members + 1) * 2)
      missing = AlignedBuffer(groups)
      columns = AlignedBuffer(workers * ColumnSort.room(members) * ScorePass.chunkBlocks)
      rows = AlignedBuffer(workers * members)
      fields = AlignedBuffer(workers * fieldCount)
      fieldSums = AlignedBuffer(workers * regions * fieldCount * 2)
      partSums = AlignedBuffer(decomposes ? workers * regions * partLength : 0)
      maps = AlignedBuffer(mapped.count * padded)
    }

    func score(_ group: Int, _ thread: Int) {
      let regions = pass.regions.count
      let (first, end) = (group * blocks / groups, (group + 1) * blocks / groups)
      let fieldSums = self.fieldSums.pointer + thread * regions * fieldCount * 2
      fieldSums.update(repeating: .zero, count: regions * fieldCount * 2)
      let partSums = self.partSums.pointer + (decomposes ? thread * regions * partLength : 0)
      if decomposes { partSums.update(repeating: .zero, count: regions * partLength) }
      let room = ColumnSort.room(members)
      let columns = self.columns.pointer + thread * room * ScorePass.chunkBlocks
      let rows = self.rows.pointer + thread * members
      var block = first
      while block < end {
        let count = min(ScorePass.chunkBlocks, end - block)
        switch input.ensemble.storage {
        case .single(let values):
          var incomplete = (SIMD16<Float>.zero, SIMD16<Float>.zero)
          gather(values.pointer, block, count, room, columns, &incomplete)
          for part in 0..<count {
            let column = columns + part * room
            if !input.ensemble.isSorted { ColumnSort.sort(column, members) }
            let bad = part == 0 ? incomplete.0 : incomplete.1
            for half in 0..<2 {
              for k in 0..<members {
                rows[k] = half == 0 ? Lanes(column[k].lowHalf) : Lanes(column[k].highHalf)
              }
              let flags = half == 0 ? bad.lowHalf : bad.highHalf
              score(
                (block + part) * ScorePass.block + half * 8, rows, Lanes(flags) .== 0, group, thread,
                fieldSums,
                partSums)
            }
          }
        case .double(let values):
          for part in 0..<count {
            for half in 0..<2 {
              let start = (block + part) * ScorePass.block + half * 8
              let complete = gather(values.pointer, start, rows)
              if !input.ensemble.isSorted { SortingNetwork.sort(rows, members) }
              score(start, rows, complete, group, thread, fieldSums, partSums)
            }
          }
        }
        block += count
      }
      // Lanes are added up once a group.
      let target = sums.pointer + group * regions * fieldCount * 2
      for i in 0..<regions * fieldCount * 2 { target[i] = fieldSums[i].sum() }
      if decomposes {
        for r in 0..<regions {
          let own = parts.pointer + (group * regions + r) * (partLength + 3)
          for i in 0..<partLength { own[i] = partSums[r * partLength + i].sum() }
        }
      }
    }

    func sort(_ group: Int, _ thread: Int) {
      guard case .single(let values) = input.ensemble.storage else { return }
      let room = ColumnSort.room(members)
      let columns = self.columns.pointer + thread * room * ScorePass.chunkBlocks
      let end = (group + 1) * blocks / groups
      for block in stride(from: group * blocks / groups, to: end, by: ScorePass.chunkBlocks) {
        let count = min(ScorePass.chunkBlocks, end - block)
        var incomplete = (SIMD16<Float>.zero, SIMD16<Float>.zero)
        gather(values.pointer, block, count, room, columns, &incomplete)
        for part in 0..<count { ColumnSort.sort(columns + part * room, members) }
      }
    }

    /// Copies a chunk of points; lanes with a NaN hold zeros and are flagged 1.
    @inline(__always)
    private func gather(
      _ values: UnsafePointer<Float>, _ block: Int, _ count: Int, _ room: Int,
      _ columns: UnsafeMutablePointer<Vector>, _ incomplete: inout (SIMD16<Float>, SIMD16<Float>)
    ) {
      let points = pass.points
      let start = block * ScorePass.block
      let zero = Vector.zero
      for part in 0..<count {
        let from = start + part * ScorePass.block
        let column = columns + part * room
        var bad = SIMDMask<SIMD16<Int32>>(repeating: false)
        if from + ScorePass.block <= points {
          for k in 0..<members {
            let x = (values + k * points + from).vector
            bad = bad .| (x .!= x)
            column[k] = x
          }
        } else {
          for k in 0..<members {
            var x = Vector.zero
            for lane in 0..<max(0, points - from) { x[lane] = values[k * points + from + lane] }
            bad = bad .| (x .!= x)
            column[k] = x
          }
        }
        if any(bad) { for k in 0..<members { column[k].replace(with: zero, where: bad) } }
        let flags = zero.replacing(with: 1, where: bad)
        if part == 0 { incomplete.0 = flags } else { incomplete.1 = flags }
      }
    }

    private func gather(_ values: UnsafePointer<Double>, _ start: Int, _ rows: UnsafeMutablePointer<Lanes>)
      -> ScoreColumn.Mask
    {
      let points = pass.points
      var bad = ScoreColumn.Mask(repeating: false)
      for k in 0..<members {
        var x = Lanes.zero
        for lane in 0..<max(0, min(8, points - start)) { x[lane] = values[k * points + start + lane] }
        bad = bad .| (x .!= x)
        rows[k] = x
      }
      if any(bad) { for k in 0..<members { rows[k].replace(with: 0, where: bad) } }
      return .!bad
    }

    @inline(__always)
    private func lanes(_ buffer: AlignedBuffer<Double>, _ start: Int) -> Lanes {
      UnsafeRawPointer(buffer.pointer + start).loadUnaligned(as: Lanes.self)
    }

    private func score(
      _ start: Int, _ rows: UnsafePointer<Lanes>, _ complete: ScoreColumn.Mask, _ group: Int, _ thread: Int,
      _ fieldSums: UnsafeMutablePointer<Lanes>, _ partSums: UnsafeMutablePointer<Lanes>
    ) {
      let y = lanes(truth, start)
      let column = ScoreColumn(rows: rows, members: members, truth: y, isComplete: complete)
      let fields = self.fields.pointer + thread * fieldCount
      typealias Place = ScoreColumn.Place
      let nothing = Lanes(repeating: .nan)
      let (ranks, mean) = column.scores(alpha: pass.alpha, into: fields)
      let known = complete .& (y .== y)
      @inline(__always) func put(_ place: Int, _ value: Lanes) {
        fields[place] = nothing.replacing(with: value, where: known)
      }
      (fields[Place.control], fields[Place.controlAbsolute]) = (nothing, nothing)
      let own = control.map { lanes($0, start) }
      if let own {
        put(Place.control, (own - y) * (own - y))
        put(Place.controlAbsolute, ScoreColumn.absolute(own - y))
      }
      fields[Place.persistence] = nothing
      if let persistence {
        let error = lanes(persistence, start) - y
        put(Place.persistence, error * error)
      }
      for place in [Place.climatology, Place.anomalyProduct, Place.forecastAnomaly, Place.truthAnomaly] {
        fields[place] = nothing
      }
      if let climateMean {
        let c = lanes(climateMean, start)
        let (forecast, observed) = (mean - c, y - c)
        put(Place.climatology, observed * observed)
        put(Place.anomalyProduct, forecast * observed)
        put(Place.forecastAnomaly, forecast * forecast)
        put(Place.truthAnomaly, observed * observed)
      }
      fields[Place.climatologyCRPS] = nothing
      if let climateCRPS { put(Place.climatologyCRPS, lanes(climateCRPS, start)) }
      extremes(start, rows, complete, fields + Place.count)

      // Regions with a weight here.
      let regionCount = pass.regions.count
      withUnsafeTemporaryAllocation(of: Lanes.self, capacity: max(1, regionCount)) { weights in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: max(1, regionCount)) { present in
          var presentCount = 0
          for r in 0..<regionCount {
            weights[r] = UnsafeRawPointer(pass.weights.pointer + r * pass.padded + start).loadUnaligned(
              as: Lanes.self)
            if any(weights[r] .> 0) {
              present[presentCount] = r
              presentCount += 1
            }
          }
          count(start, ranks, known, weights, present, presentCount, fields, group, thread)
          for (e, event) in input.events.enumerated() {
            let (beyond, came, isKnown) = column.event(
              threshold: lanes(thresholds[e], start), isBelow: event.isBelow, control: own,
              logarithms: logarithms.pointer,
              into: fields + eventStart + e * ScoreColumn.EventPlace.count)
            for i in 0..<presentCount {
              let r = present[i]
              let target =
                counts.pointer + (((thread * regionCount + r) * input.events.count + e) * (members + 1)) * 2
              for lane in 0..<8 where isKnown[lane] && weights[r][lane] > 0 {
                target[2 * Int(beyond[lane]) + (came[lane] ? 0 : 1)] += 1
              }
            }
          }
          if decomposes, let base = weights.baseAddress, let places = present.baseAddress {
            column.decompose(weights: base, regions: places, regionCount: presentCount, into: partSums)
            for i in 0..<presentCount {
              let r = present[i]
              let target = parts.pointer + (group * regionCount + r) * (partLength + 3) + partLength
              let w = weights[r].replacing(with: 0, where: .!known)
              target[0] += w.replacing(with: 0, where: .!(y .< rows[0])).sum()
              target[1] += w.replacing(with: 0, where: .!(y .> rows[members - 1])).sum()
              target[2] += w.sum()
            }
          }
          for i in 0..<presentCount {
            let r = present[i]
            let w = weights[r]
            let target = fieldSums + r * fieldCount * 2
            for f in 0..<fieldCount {
              let value = fields[f]
              let isThere = (value .== value) .& (w .> 0)
              target[2 * f] += (value * w).replacing(with: 0, where: .!isThere)
              target[2 * f + 1] += w.replacing(with: 0, where: .!isThere)
            }
          }
        }
      }
      for (place, score) in mapped.enumerated() {
        UnsafeMutableRawPointer(maps.pointer + place * pass.padded + start).storeBytes(
          of: fields[score.index], as: Lanes.self)
      }
    }

    /// Ranks, bins of the spread and missing points.
    @inline(__always)
    private func count(
      _ start: Int, _ found: ScoreColumn.Ranks, _ known: ScoreColumn.Mask,
      _ weights: UnsafeMutableBufferPointer<Lanes>, _ present: UnsafeMutableBufferPointer<Int>,
      _ presentCount: Int, _ fields: UnsafePointer<Lanes>, _ group: Int, _ thread: Int
    ) {
      let regionCount = pass.regions.count
      let (variance, squareError) = (
        fields[ScoreColumn.Place.variance], fields[ScoreColumn.Place.meanSquareError]
      )
      for lane in 0..<min(8, max(0, pass.points - start)) {
        guard known[lane] else {
          missing.pointer[group] += 1
          continue
        }
        let tied = Int(found.equal[lane])
        let rank =
          Int(found.below[lane]) + (tied == 0 ? 0 : input.ties.integer(below: tied + 1, UInt64(start + lane)))
        let number = SpreadBins.number(variance[lane])
        for i in 0..<presentCount {
          let r = present[i]
          let weight = weights[r][lane]
          guard weight > 0 else { continue }
          ranks.pointer[(thread * regionCount + r) * (members + 1) + rank] += 1
          if let number {
            let bin = min(ScorePass.spreadBinCount - 1, max(0, number + ScorePass.spreadBinCount / 2))
            let target = bins.pointer + ((group * regionCount + r) * ScorePass.spreadBinCount + bin) * 3
            target[0] += weight
            target[1] += weight * variance[lane]
            target[2] += weight * squareError[lane]
          }
        }
      }
    }

    /// Extreme forecast index and shifts of tails.
    private func extremes(
      _ start: Int, _ rows: UnsafePointer<Lanes>, _ complete: ScoreColumn.Mask,
      _ fields: UnsafeMutablePointer<Lanes>
    ) {
      for i in 0..<3 { fields[i] = Lanes(repeating: .nan) }
      guard let climate = input.climate else { return }
      let column = UnsafeRawPointer(rows).assumingMemoryBound(to: Double.self)
      for lane in 0..<min(8, max(0, pass.points - start)) where complete[lane] {
        let quantiles = climate.values.pointer + (start + lane) * ClimateQuantiles.levelCount
        guard !quantiles[0].isNaN else { continue }
        fields[0][lane] = ExtremeForecastIndex.standard.value(
          sorted: column + lane, stride: 8, members, quantiles)
        fields[1][lane] = ShiftOfTails.value(
          sorted: column + lane, stride: 8, members, quantiles, percent: 90, tailPercent: 99)
        fields[2][lane] = ShiftOfTails.value(
          sorted: column + lane, stride: 8, members, quantiles, percent: 10, tailPercent: 1)
      }
    }

    func add(to target: inout ScoreMaps?) {
      for place in mapped.indices {
        for point in 0..<pass.points {
          let value = maps.pointer[place * pass.padded + point]
          guard !value.isNaN else { continue }
          target?.sums[place][point] += value
          target?.counts[place][point] += 1
        }
      }
    }

    func result() -> CaseResult {
      let (regions, events) = (pass.regions.count, input.events.count)
      func mean(_ region: Int, _ field: Int) -> Double {
        var (value, weight) = (0.0, 0.0)
        for group in 0..<groups {
          let place = ((group * regions + region) * fieldCount + field) * 2
          value += sums.pointer[place]
          weight += sums.pointer[place + 1]
        }
        return weight > 0 ? value / weight : .nan
      }
      let workers = ranks.count / max(1, regions * (members + 1))
      var result = CaseResult(
        means: [], eventMeans: [], extremes: [], ranks: [], events: [], decomposition: [], spreadBins: [],
        missing: 0)
      for r in 0..<regions {
        result.means.append((0..<ScoreColumn.Place.count).map { mean(r, $0) })
        if input.climate != nil {
          result.extremes.append((0..<3).map { mean(r, ScoreColumn.Place.count + $0) })
        }
        result.eventMeans.append(
          (0..<events).map { e in
            (0..<ScoreColumn.EventPlace.count).map {
              mean(r, eventStart + e * ScoreColumn.EventPlace.count + $0)
            }
          })
        var histogram = RankHistogram(members: members)
        var found = (0..<events).map { _ in EventCounts(members: members) }
        for worker in 0..<workers {
          let own = ranks.pointer + (worker * regions + r) * (members + 1)
          for k in 0...members { histogram.add(Int(own[k]), rank: k) }
          for e in 0..<events {
            let own = counts.pointer + (((worker * regions + r) * events + e) * (members + 1)) * 2
            for k in 0...members {
              found[e].events[k] += Int(own[2 * k])
              found[e].nonEvents[k] += Int(own[2 * k + 1])
            }
          }
        }
        result.ranks.append(histogram)
        result.events.append(found)
        if decomposes {
          var sum = CRPSDecomposition(members: members)
          for group in 0..<groups {
            let own = parts.pointer + (group * regions + r) * (partLength + 3)
            for i in 0...members {
              sum.alpha[i] += own[2 * i]
              sum.beta[i] += own[2 * i + 1]
            }
            sum.below += own[partLength]
            sum.above += own[partLength + 1]
            sum.weight += own[partLength + 2]
          }
          result.decomposition.append(sum)
        }
        var spread = SpreadBins()
        for bin in 0..<ScorePass.spreadBinCount {
          var (weight, variance, error) = (0.0, 0.0, 0.0)
          for group in 0..<groups {
            let own = bins.pointer + ((group * regions + r) * ScorePass.spreadBinCount + bin) * 3
            weight += own[0]
            variance += own[1]
            error += own[2]
          }
          if weight > 0 {
            spread.bins[bin - ScorePass.spreadBinCount / 2] = SpreadBins.Bin(
              weight: weight, variance: variance, squareError: error)
          }
        }
        result.spreadBins.append(spread)
      }
      for group in 0..<groups { result.missing += missing.pointer[group] }
      return result
    }
  }
}
