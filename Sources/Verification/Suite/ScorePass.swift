import Basics
import Foundation
import Kernels

/// All pointwise scores of one case, averaged over regions, in one pass over the points.
///
/// The rows are cut into at most 64 bands whatever the threads; sums go band by band, point by point, so results
/// depend neither on the number of threads nor on how many bands are in memory at a time. Members are copied in
/// chunks of 32 points, sorted sixteen points at a time and scored eight at a time, in double precision.
public struct ScorePass: Sendable {
  /// The regions, in the order of the results.
  public let regions: [Region]
  /// alpha of the almost fair CRPS.
  public let alpha: Double
  /// Rows of each band.
  public let bands: [Range<Int>]
  let columnCount: Int
  let threads: Int
  /// [region][slot]: points band by band, each band filled up with zeros to whole blocks.
  private let weights: AlignedBuffer<Double>
  /// First slot of every band, and the number of all slots.
  private let slots: [Int]

  static let block = 16
  static let chunkBlocks = 2
  static let mostBands = 64
  static let spreadBinCount = 512

  /// - Parameters:
  ///   - rows: of every field.
  ///   - columns: of every field.
  public init(
    regions: [Region], rows: Int, columns: Int, alpha: Double = 0.95, threads: Int = Parallel.defaultThreads
  ) {
    precondition(regions.allSatisfy { $0.weights.count == rows * columns })
    self.regions = regions
    self.alpha = alpha
    self.threads = threads
    columnCount = columns
    let count = min(Self.mostBands, rows)
    let bands = (0..<count).map { $0 * rows / count..<($0 + 1) * rows / count }
    var slots = [0]
    for band in bands {
      slots.append(slots[slots.count - 1] + (band.count * columns + Self.block - 1) / Self.block * Self.block)
    }
    let slotCount = slots[count]
    weights = AlignedBuffer(regions.count * slotCount)
    for (r, region) in regions.enumerated() {
      for (number, band) in bands.enumerated() {
        for i in 0..<band.count * columns {
          weights.pointer[r * slotCount + slots[number] + i] = region.weights[band.lowerBound * columns + i]
        }
      }
    }
    self.bands = bands
    self.slots = slots
  }

  /// Rows of some bands.
  public func rows(_ range: Range<Int>) -> Range<Int> {
    bands[range.lowerBound].lowerBound..<bands[range.upperBound - 1].upperBound
  }

  /// Points of each of some bands.
  public func points(_ range: Range<Int>) -> [Range<Int>] {
    range.map { bands[$0].lowerBound * columnCount..<bands[$0].upperBound * columnCount }
  }

  /// Scores one case.
  /// - Parameters:
  ///   - input: its ensemble has the rows of `range` only, all other fields all rows.
  ///   - range: bands that are scored; nil: all.
  ///   - earlier: the result of the bands before `range`, which this one goes on from.
  ///   - maps: where given, the fields wanted are added to it.
  ///   - decomposes: whether the CRPS is taken apart, which costs as much again for a few regions.
  public func run(
    _ input: CaseInput, bands range: Range<Int>? = nil, after earlier: CaseResult? = nil,
    maps: inout ScoreMaps?, decomposes: Bool = true
  ) throws -> CaseResult {
    let work = Work(self, range ?? bands.indices, input, decomposes: decomposes, mapped: maps?.scores ?? [])
    try Parallel.forEach(work.range.count, threads: threads) { band, thread in work.score(band, thread) }
    if maps != nil { work.add(to: &maps) }
    return work.result(after: earlier)
  }

  /// Copies and sorts the members as `run` does, and nothing else: what a benchmark compares it with.
  public func readAndSort(_ ensemble: EnsembleValues) throws {
    let input = CaseInput(
      ensemble: ensemble, truth: [Double](repeating: 0, count: ensemble.pointCount),
      ties: Philox(seed: 0, purpose: .tieBreak))
    let work = Work(self, bands.indices, input, decomposes: false, mapped: [])
    try Parallel.forEach(work.range.count, threads: threads) { band, thread in work.sort(band, thread) }
  }

  /// The fields of a case, band by band as the weights, and everything that is summed.
  private final class Work: Sendable {
    let pass: ScorePass
    let range: Range<Int>
    let input: CaseInput
    let members: Int
    /// Points of the ensemble's values.
    let points: Int
    /// First point and first slot of the range.
    let firstPoint: Int
    let firstSlot: Int
    let slotCount: Int
    /// Fields a block has: `PointScore`s, three extremes, then `EventScore`s of each event.
    let fieldCount: Int
    let eventStart: Int
    let decomposes: Bool
    let mapped: [MapScore]
    let truth: AlignedBuffer<Double>
    let control: AlignedBuffer<Double>?
    let persistence: AlignedBuffer<Double>?
    let climateMean: AlignedBuffer<Double>?
    let climateCRPS: AlignedBuffer<Double>?
    let thresholds: [AlignedBuffer<Double>]
    /// -ln((k + 1/2) / (M + 1))
    let logarithms: AlignedBuffer<Double>
    /// [band][region][field][value, weight]
    let sums: AlignedBuffer<Double>
    /// [band][region][2 (M + 1)] and below, above, weight after it
    let parts: AlignedBuffer<Double>
    let partLength: Int
    /// [band][region][bin][weight, variance, square error]
    let bins: AlignedBuffer<Double>
    /// [thread][region][rank]; [thread][region][event][k][came, not]
    let ranks: AlignedBuffer<Int32>
    let counts: AlignedBuffer<Int32>
    /// [thread][region][event][level of the extreme forecast index][came, not]; nothing without a climate.
    let indexCounts: AlignedBuffer<Int32>
    let missing: AlignedBuffer<Int>
    let columns: AlignedBuffer<Vector>
    let rows: AlignedBuffer<Lanes>
    let fields: AlignedBuffer<Lanes>
    /// [thread][region][field][value, weight]
    let fieldSums: AlignedBuffer<Lanes>
    let partSums: AlignedBuffer<Lanes>
    let maps: AlignedBuffer<Double>

    init(_ pass: ScorePass, _ range: Range<Int>, _ input: CaseInput, decomposes: Bool, mapped: [MapScore]) {
      self.pass = pass
      self.range = range
      self.input = input
      self.decomposes = decomposes
      self.mapped = mapped
      let rowRange = pass.rows(range)
      points = rowRange.count * pass.columnCount
      precondition(input.ensemble.pointCount == points)
      let firstPoint = rowRange.lowerBound * pass.columnCount
      self.firstPoint = firstPoint
      firstSlot = pass.slots[range.lowerBound]
      let slotCount = pass.slots[range.upperBound] - firstSlot
      self.slotCount = slotCount
      members = input.ensemble.memberCount
      let (regions, events, bandCount) = (pass.regions.count, input.events.count, range.count)
      eventStart = ScoreColumn.Place.count + 3
      fieldCount = eventStart + events * ScoreColumn.EventPlace.count
      func field(_ values: [Double], _ from: Int) -> AlignedBuffer<Double> {
        let buffer = AlignedBuffer<Double>(slotCount)
        buffer.pointer.update(repeating: .nan, count: slotCount)
        for band in range {
          let start = pass.bands[band].lowerBound * pass.columnCount - from
          let slot = pass.slots[band] - pass.slots[range.lowerBound]
          for i in 0..<pass.bands[band].count * pass.columnCount {
            buffer.pointer[slot + i] = values[start + i]
          }
        }
        return buffer
      }
      truth = field(input.truth, 0)
      control = input.control.map { field(input.ensemble.member($0), firstPoint) }
      persistence = input.persistence.map { field($0, 0) }
      climateMean = input.climateMean.map { field($0, 0) }
      climateCRPS = input.climateCRPS.map { field($0, 0) }
      thresholds = input.events.map { field($0.threshold, 0) }
      logarithms = AlignedBuffer(
        (0...members).map { -log((Double($0) + 0.5) / Double(input.ensemble.memberCount + 1)) })
      sums = AlignedBuffer(bandCount * regions * fieldCount * 2)
      partLength = 2 * (members + 1)
      parts = AlignedBuffer(decomposes ? bandCount * regions * (partLength + 3) : 0)
      bins = AlignedBuffer(bandCount * regions * ScorePass.spreadBinCount * 3)
      let workers = max(1, min(pass.threads, bandCount))
      ranks = AlignedBuffer(workers * regions * (members + 1))
      counts = AlignedBuffer(workers * regions * events * (members + 1) * 2)
      indexCounts = AlignedBuffer(
        input.climate == nil ? 0 : workers * regions * events * IndexCounts.levels.count * 2)
      missing = AlignedBuffer(bandCount)
      columns = AlignedBuffer(workers * ColumnSort.room(members) * ScorePass.chunkBlocks)
      rows = AlignedBuffer(workers * members)
      fields = AlignedBuffer(workers * fieldCount)
      fieldSums = AlignedBuffer(workers * regions * fieldCount * 2)
      partSums = AlignedBuffer(decomposes ? workers * regions * partLength : 0)
      maps = AlignedBuffer(mapped.count * slotCount)
    }

    /// A stretch of points of one band.
    struct Place {
      /// Slot within the range's slots; a multiple of 8.
      let slot: Int
      /// The first point within the grid.
      let point: Int
      /// Points from here to the band's end.
      let rest: Int
    }

    /// Visits a band in chunks of two blocks.
    @inline(__always)
    private func eachChunk(_ band: Int, _ body: (_ place: Place, _ blocks: Int) -> Void) {
      let number = range.lowerBound + band
      let start = pass.bands[number].lowerBound * pass.columnCount
      let count = pass.bands[number].count * pass.columnCount
      let slot = pass.slots[number] - firstSlot
      for offset in stride(from: 0, to: count, by: ScorePass.block * ScorePass.chunkBlocks) {
        let rest = count - offset
        body(
          Place(slot: slot + offset, point: start + offset, rest: rest),
          min(ScorePass.chunkBlocks, (rest + ScorePass.block - 1) / ScorePass.block))
      }
    }

    func score(_ band: Int, _ thread: Int) {
      let regions = pass.regions.count
      let fieldSums = self.fieldSums.pointer + thread * regions * fieldCount * 2
      fieldSums.update(repeating: .zero, count: regions * fieldCount * 2)
      let partSums = self.partSums.pointer + (decomposes ? thread * regions * partLength : 0)
      if decomposes { partSums.update(repeating: .zero, count: regions * partLength) }
      let room = ColumnSort.room(members)
      let columns = self.columns.pointer + thread * room * ScorePass.chunkBlocks
      let rows = self.rows.pointer + thread * members
      eachChunk(band) { place, blocks in
        for part in 0..<blocks {
          let offset = part * ScorePass.block
          switch input.ensemble.storage {
          case .single(let values):
            let column = columns + part * room
            let bad = gather(values.pointer, place.point + offset, place.rest - offset, column)
            if !input.ensemble.isSorted { ColumnSort.sort(column, members) }
            for half in 0..<2 where place.rest > offset + half * 8 {
              for k in 0..<members {
                rows[k] = half == 0 ? Lanes(column[k].lowHalf) : Lanes(column[k].highHalf)
              }
              let flags = half == 0 ? bad.lowHalf : bad.highHalf
              score(
                Place(
                  slot: place.slot + offset + half * 8, point: place.point + offset + half * 8,
                  rest: place.rest - offset - half * 8), rows, Lanes(flags) .== 0, band, thread, fieldSums,
                partSums)
            }
          case .double(let values):
            for half in 0..<2 where place.rest > offset + half * 8 {
              let here = Place(
                slot: place.slot + offset + half * 8, point: place.point + offset + half * 8,
                rest: place.rest - offset - half * 8)
              let complete = gather(values.pointer, here.point, here.rest, rows)
              if !input.ensemble.isSorted { SortingNetwork.sort(rows, members) }
              score(here, rows, complete, band, thread, fieldSums, partSums)
            }
          }
        }
      }
      // Lanes are added up once a band.
      let target = sums.pointer + band * regions * fieldCount * 2
      for i in 0..<regions * fieldCount * 2 { target[i] = fieldSums[i].sum() }
      if decomposes {
        for r in 0..<regions {
          let own = parts.pointer + (band * regions + r) * (partLength + 3)
          for i in 0..<partLength { own[i] = partSums[r * partLength + i].sum() }
        }
      }
    }

    func sort(_ band: Int, _ thread: Int) {
      guard case .single(let values) = input.ensemble.storage else { return }
      let columns = self.columns.pointer + thread * ColumnSort.room(members) * ScorePass.chunkBlocks
      eachChunk(band) { place, blocks in
        for part in 0..<blocks {
          let offset = part * ScorePass.block
          _ = gather(values.pointer, place.point + offset, place.rest - offset, columns)
          ColumnSort.sort(columns, members)
        }
      }
    }

    /// Copies sixteen points; lanes with a NaN, or past the band's end, hold zeros and are flagged 1.
    @inline(__always)
    private func gather(
      _ values: UnsafePointer<Float>, _ point: Int, _ rest: Int, _ column: UnsafeMutablePointer<Vector>
    ) -> Vector {
      let from = point - firstPoint
      var bad = SIMDMask<SIMD16<Int32>>(repeating: false)
      if rest >= ScorePass.block {
        for k in 0..<members {
          let x = (values + k * points + from).vector
          bad = bad .| (x .!= x)
          column[k] = x
        }
      } else {
        for lane in rest..<ScorePass.block { bad[lane] = true }
        for k in 0..<members {
          var x = Vector.zero
          for lane in 0..<rest { x[lane] = values[k * points + from + lane] }
          bad = bad .| (x .!= x)
          column[k] = x
        }
      }
      if any(bad) { for k in 0..<members { column[k].replace(with: 0, where: bad) } }
      return Vector.zero.replacing(with: 1, where: bad)
    }

    private func gather(
      _ values: UnsafePointer<Double>, _ point: Int, _ rest: Int, _ rows: UnsafeMutablePointer<Lanes>
    ) -> ScoreColumn.Mask {
      let from = point - firstPoint
      var bad = ScoreColumn.Mask(repeating: false)
      for lane in min(8, rest)..<8 { bad[lane] = true }
      for k in 0..<members {
        var x = Lanes.zero
        for lane in 0..<min(8, rest) { x[lane] = values[k * points + from + lane] }
        bad = bad .| (x .!= x)
        rows[k] = x
      }
      if any(bad) { for k in 0..<members { rows[k].replace(with: 0, where: bad) } }
      return .!bad
    }

    /// Numbers of eight points' own, 0 to 1: multiples of the golden ratio, less their whole parts.
    @inline(__always)
    private func numbers(from point: Int) -> Lanes {
      var numbers = Lanes.zero
      for lane in 0..<8 {
        let word = UInt64(truncatingIfNeeded: point &+ lane &+ 1) &* 0x9E37_79B9_7F4A_7C15
        numbers[lane] = Double(word >> 11) * 0x1p-53
      }
      return numbers
    }

    @inline(__always)
    private func lanes(_ buffer: AlignedBuffer<Double>, _ start: Int) -> Lanes {
      UnsafeRawPointer(buffer.pointer + start).loadUnaligned(as: Lanes.self)
    }

    private func score(
      _ place: Place, _ rows: UnsafePointer<Lanes>, _ complete: ScoreColumn.Mask, _ band: Int, _ thread: Int,
      _ fieldSums: UnsafeMutablePointer<Lanes>, _ partSums: UnsafeMutablePointer<Lanes>
    ) {
      let start = place.slot
      let y = lanes(truth, start)
      let column = ScoreColumn(rows: rows, members: members, truth: y, isComplete: complete)
      let fields = self.fields.pointer + thread * fieldCount
      typealias Field = ScoreColumn.Place
      let nothing = Lanes(repeating: .nan)
      let (ranks, mean) = column.scores(alpha: pass.alpha, into: fields)
      let known = complete .& (y .== y)
      @inline(__always) func put(_ field: Int, _ value: Lanes) {
        fields[field] = nothing.replacing(with: value, where: known)
      }
      (fields[Field.control], fields[Field.controlAbsolute]) = (nothing, nothing)
      let own = control.map { lanes($0, start) }
      if let own {
        put(Field.control, (own - y) * (own - y))
        put(Field.controlAbsolute, ScoreColumn.absolute(own - y))
      }
      fields[Field.persistence] = nothing
      if let persistence {
        let error = lanes(persistence, start) - y
        put(Field.persistence, error * error)
      }
      for field in [Field.climatology, Field.anomalyProduct, Field.forecastAnomaly, Field.truthAnomaly] {
        fields[field] = nothing
      }
      if let climateMean {
        let c = lanes(climateMean, start)
        let (forecast, observed) = (mean - c, y - c)
        put(Field.climatology, observed * observed)
        put(Field.anomalyProduct, forecast * observed)
        put(Field.forecastAnomaly, forecast * forecast)
        put(Field.truthAnomaly, observed * observed)
      }
      (fields[Field.climatologyCRPS], fields[Field.crpsFairBesideClimate]) = (nothing, nothing)
      if let climateCRPS {
        let climate = lanes(climateCRPS, start)
        put(Field.climatologyCRPS, climate)
        put(
          Field.crpsFairBesideClimate,
          fields[Field.crpsFair].replacing(with: .nan, where: climate .!= climate))
      }
      put(Field.pointsScored, numbers(from: place.point))
      extremes(place, rows, complete, fields + Field.count)

      // Regions with a weight here.
      let regionCount = pass.regions.count
      withUnsafeTemporaryAllocation(of: Lanes.self, capacity: max(1, regionCount)) { weights in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: max(1, regionCount)) { present in
          var presentCount = 0
          for r in 0..<regionCount {
            weights[r] = UnsafeRawPointer(
              pass.weights.pointer + r * pass.slots[pass.bands.count] + firstSlot + start
            ).loadUnaligned(
              as: Lanes.self)
            if any(weights[r] .> 0) {
              present[presentCount] = r
              presentCount += 1
            }
          }
          count(place, ranks, known, weights, present, presentCount, fields, band, thread)
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
            if input.climate != nil {
              countIndex(fields[Field.count], e, came, isKnown, weights, present, presentCount, thread)
            }
          }
          if decomposes, let base = weights.baseAddress, let places = present.baseAddress {
            column.decompose(weights: base, regions: places, regionCount: presentCount, into: partSums)
            for i in 0..<presentCount {
              let r = present[i]
              let target = parts.pointer + (band * regionCount + r) * (partLength + 3) + partLength
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
      for (number, score) in mapped.enumerated() {
        UnsafeMutableRawPointer(maps.pointer + number * slotCount + start).storeBytes(
          of: fields[score.field], as: Lanes.self)
      }
    }

    /// Levels that the extreme forecast index reaches where an event came and where not.
    private func countIndex(
      _ index: Lanes, _ event: Int, _ came: ScoreColumn.Mask, _ isKnown: ScoreColumn.Mask,
      _ weights: UnsafeMutableBufferPointer<Lanes>, _ present: UnsafeMutableBufferPointer<Int>,
      _ presentCount: Int, _ thread: Int
    ) {
      let (regionCount, levels) = (pass.regions.count, IndexCounts.levels.count)
      let sign: Double = input.events[event].isBelow ? -1 : 1
      for lane in 0..<8 where isKnown[lane] && !index[lane].isNaN {
        let level = IndexCounts.level(sign * index[lane])
        for i in 0..<presentCount where weights[present[i]][lane] > 0 {
          let place = ((thread * regionCount + present[i]) * input.events.count + event) * levels + level
          indexCounts.pointer[2 * place + (came[lane] ? 0 : 1)] += 1
        }
      }
    }

    /// Ranks, bins of the spread and missing points.
    @inline(__always)
    private func count(
      _ place: Place, _ found: ScoreColumn.Ranks, _ known: ScoreColumn.Mask,
      _ weights: UnsafeMutableBufferPointer<Lanes>, _ present: UnsafeMutableBufferPointer<Int>,
      _ presentCount: Int, _ fields: UnsafePointer<Lanes>, _ band: Int, _ thread: Int
    ) {
      let regionCount = pass.regions.count
      let (variance, squareError) = (
        fields[ScoreColumn.Place.variance], fields[ScoreColumn.Place.meanSquareError]
      )
      for lane in 0..<min(8, place.rest) {
        guard known[lane] else {
          missing.pointer[band] += 1
          continue
        }
        let tied = Int(found.equal[lane])
        let rank =
          Int(found.below[lane])
          + (tied == 0 ? 0 : input.ties.integer(below: tied + 1, UInt64(place.point + lane)))
        let number = SpreadBins.number(variance[lane])
        for i in 0..<presentCount {
          let r = present[i]
          let weight = weights[r][lane]
          guard weight > 0 else { continue }
          ranks.pointer[(thread * regionCount + r) * (members + 1) + rank] += 1
          if let number {
            let bin = min(ScorePass.spreadBinCount - 1, max(0, number + ScorePass.spreadBinCount / 2))
            let target = bins.pointer + ((band * regionCount + r) * ScorePass.spreadBinCount + bin) * 3
            target[0] += weight
            target[1] += weight * variance[lane]
            target[2] += weight * squareError[lane]
          }
        }
      }
    }

    /// Extreme forecast index and shifts of tails.
    private func extremes(
      _ place: Place, _ rows: UnsafePointer<Lanes>, _ complete: ScoreColumn.Mask,
      _ fields: UnsafeMutablePointer<Lanes>
    ) {
      for i in 0..<3 { fields[i] = Lanes(repeating: .nan) }
      guard let climate = input.climate else { return }
      let column = UnsafeRawPointer(rows).assumingMemoryBound(to: Double.self)
      for lane in 0..<min(8, place.rest) where complete[lane] {
        let quantiles = climate.values.pointer + (place.point + lane) * ClimateQuantiles.levels.count
        guard !quantiles[0].isNaN else { continue }
        fields[0][lane] = input.extremeForecastIndex.value(
          sorted: column + lane, stride: 8, members, quantiles)
        fields[1][lane] = ShiftOfTails.value(
          sorted: column + lane, stride: 8, members, quantiles, percent: 90, tailPercent: 99)
        fields[2][lane] = ShiftOfTails.value(
          sorted: column + lane, stride: 8, members, quantiles, percent: 10, tailPercent: 1)
      }
    }

    func add(to target: inout ScoreMaps?) {
      for number in mapped.indices {
        for band in range {
          let (slot, point) = (pass.slots[band] - firstSlot, pass.bands[band].lowerBound * pass.columnCount)
          for i in 0..<pass.bands[band].count * pass.columnCount {
            let value = maps.pointer[number * slotCount + slot + i]
            guard !value.isNaN else { continue }
            target?.sums[number][point + i] += value
            target?.counts[number][point + i] += 1
          }
        }
      }
    }

    func result(after earlier: CaseResult?) -> CaseResult {
      let (regions, events, bandCount) = (pass.regions.count, input.events.count, range.count)
      let workers = ranks.count / max(1, regions * (members + 1))
      // Band by band, also across calls: the order of every sum is fixed.
      var result =
        earlier
        ?? CaseResult(
          regions: regions, fields: fieldCount, events: events, members: members, decomposes: decomposes)
      for r in 0..<regions {
        for band in 0..<bandCount {
          for field in 0..<fieldCount {
            let place = ((band * regions + r) * fieldCount + field) * 2
            result.sums[r][field] += SIMD2(sums.pointer[place], sums.pointer[place + 1])
          }
        }
        for worker in 0..<workers {
          let own = ranks.pointer + (worker * regions + r) * (members + 1)
          for k in 0...members { result.ranks[r].add(Int(own[k]), rank: k) }
          for e in 0..<events {
            let own = counts.pointer + (((worker * regions + r) * events + e) * (members + 1)) * 2
            for k in 0...members {
              result.events[r][e].events[k] += Int(own[2 * k])
              result.events[r][e].nonEvents[k] += Int(own[2 * k + 1])
            }
            guard input.climate != nil else { continue }
            let levels = IndexCounts.levels.count
            let reached = indexCounts.pointer + ((worker * regions + r) * events + e) * levels * 2
            for level in 0..<levels {
              result.indices[r][e].events[level] += Int(reached[2 * level])
              result.indices[r][e].nonEvents[level] += Int(reached[2 * level + 1])
            }
          }
        }
        if decomposes {
          for band in 0..<bandCount {
            let own = parts.pointer + (band * regions + r) * (partLength + 3)
            for i in 0...members {
              result.decomposition[r].alpha[i] += own[2 * i]
              result.decomposition[r].beta[i] += own[2 * i + 1]
            }
            result.decomposition[r].below += own[partLength]
            result.decomposition[r].above += own[partLength + 1]
            result.decomposition[r].weight += own[partLength + 2]
          }
        }
        for band in 0..<bandCount {
          var spread = SpreadBins()
          for bin in 0..<ScorePass.spreadBinCount {
            let own = bins.pointer + ((band * regions + r) * ScorePass.spreadBinCount + bin) * 3
            guard own[0] > 0 else { continue }
            spread.bins[bin - ScorePass.spreadBinCount / 2] = SpreadBins.Bin(
              weight: own[0], variance: own[1], squareError: own[2])
          }
          result.spreadBins[r].add(spread)
        }
      }
      for band in 0..<bandCount { result.missing += missing.pointer[band] }
      return result
    }
  }
}
