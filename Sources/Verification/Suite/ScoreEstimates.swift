import Basics

/// Each kind of pooled score with its intervals, from rows of what every date adds to it.
extension BlockBootstrap {
  /// Of an event's pooled counts: ROC area, the Brier score's reliability, resolution and uncertainty, the extremal
  /// dependence index, then the observed frequency in each bin of probability.
  public func estimates(
    of counts: EventCounts, bins: Int, rows: [[Float]], columns: Range<Int>,
    threads: Int = Parallel.defaultThreads
  ) throws -> [Estimate] {
    @Sendable func statistics(_ counts: EventCounts) -> [Double] {
      let brier = counts.brierDecomposition
      return [
        counts.area, brier.reliability, brier.resolution, brier.uncertainty, counts.extremalDependenceIndex,
      ] + counts.reliability(bins: bins).map(\.frequency)
    }
    let centring: [Centring] =
      [.added, .addedFromZero, .addedFromZero, .addedFromZero, .added] + (0..<bins).map { _ in .added }
    return try estimates(
      rows, columns: columns, of: zip(statistics(counts), centring).map { ($0, $1) }, threads: threads
    ) { statistics(EventCounts(row: $0)) }
  }

  /// Of the area under the extreme forecast index' ROC curve.
  public func estimate(
    of counts: IndexCounts, rows: [[Float]], columns: Range<Int>, threads: Int = Parallel.defaultThreads
  ) throws -> Estimate {
    try estimates(rows, columns: columns, of: [(counts.area, .added)], threads: threads) {
      [IndexCounts(row: $0).area]
    }[0]
  }

  /// Of the unreliability of a rank histogram.
  public func estimate(
    of ranks: RankHistogram, rows: [[Float]], columns: Range<Int>, threads: Int = Parallel.defaultThreads
  ) throws -> Estimate {
    try estimates(rows, columns: columns, of: [(ranks.unreliability, .multiplied)], threads: threads) {
      [RankHistogram.unreliability($0)]
    }[0]
  }

  /// Of reliability and potential CRPS.
  public func estimates(
    of parts: CRPSDecomposition, rows: [[Float]], columns: Range<Int>,
    threads: Int = Parallel.defaultThreads
  ) throws -> [Estimate] {
    let own = parts.parts
    return try estimates(
      rows, columns: columns, of: [(own.reliability, .addedFromZero), (own.potential, .addedFromZero)],
      threads: threads
    ) {
      let parts = CRPSDecomposition(row: $0).parts
      return [parts.reliability, parts.potential]
    }
  }

  /// Of what smaller ensembles show, in the order of `EnsembleSizes.statistics`.
  public func estimates(
    of sizes: EnsembleSizes, rows: [[Float]], columns: Range<Int>, threads: Int = Parallel.defaultThreads
  ) throws -> [Estimate] {
    try estimates(
      rows, columns: columns, of: sizes.statistics.map { ($0, .asDrawn) }, threads: threads
    ) { sizes.with(sums: $0).statistics }
  }

  /// Of spectra, in the order of `SpectralScores.statistics`.
  /// - Parameters:
  ///   - spectra: means over dates.
  ///   - rows: 1 and what `SpectralScores.row` gives; of a date without spectra, zeros.
  public func estimates(
    of spectra: SpectralScores, members: Int, rows: [[Float]], threads: Int = Parallel.defaultThreads
  ) throws -> [Estimate] {
    try estimates(
      rows, columns: 0..<1 + spectra.row.count,
      of: spectra.statistics(members: members).map { ($0, .asDrawn) }, threads: threads
    ) { sums in
      SpectralScores(row: sums.dropFirst().map { $0 / sums[0] }).statistics(members: members)
    }
  }

  /// Of spread and error in bins of the spread, in the order of `SpreadBins.curve`: all spreads, then all errors.
  /// - Parameters:
  ///   - bins: sums over dates.
  ///   - byDate: of every date.
  public func estimates(
    of bins: SpreadBins, members: Int, byDate: [SpreadBins], threads: Int = Parallel.defaultThreads
  ) throws -> [Estimate] {
    let numbers = bins.bins.keys.sorted()
    let rows = byDate.map { date in
      numbers.flatMap { number -> [Float] in
        let bin = date.bins[number] ?? SpreadBins.Bin()
        return [Float(bin.weight), Float(bin.variance), Float(bin.squareError)]
      }
    }
    @Sendable func statistics(_ sums: [Double]) -> [Double] {
      let bins = numbers.indices.map {
        SpreadBins.Bin(weight: sums[3 * $0], variance: sums[3 * $0 + 1], squareError: sums[3 * $0 + 2])
      }
      return bins.map { $0.spread(members: members) } + bins.map(\.error)
    }
    let sums = numbers.compactMap { bins.bins[$0] }.flatMap { [$0.weight, $0.variance, $0.squareError] }
    return try estimates(
      rows, columns: 0..<3 * numbers.count, of: statistics(sums).map { ($0, .asDrawn) }, threads: threads,
      statistics)
  }
}

extension PairedBlockBootstrap {
  /// Compares the areas above two forecasts' ROC curves of one event, 1 - area: less is better.
  /// - Parameters:
  ///   - rows: counts of the event on every date, of `PooledLayout`'s columns of it.
  ///   - reference: of the other forecast, on the same dates; it may have another number of members.
  /// - Returns: nil where the event comes too rarely for areas.
  public init?(
    areasAboveROC rows: [[Float]], minus reference: [[Float]], blockLength: Int?, confidence: Double,
    resamples: Int, threads: Int = Parallel.defaultThreads
  ) throws {
    @Sendable func areaAbove(_ sums: [Double]) -> Double { 1 - EventCounts(row: sums).area }
    try self.init(
      rows: rows, minus: reference, blockLength: blockLength, confidence: confidence, resamples: resamples,
      threads: threads, scores: (areaAbove, areaAbove))
  }
}
