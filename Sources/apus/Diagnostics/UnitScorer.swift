import Basics
import FieldIO
import Fields
import Foundation
import Logging
import RunFiles
import Sphere
import Verification

/// Scores the dates of one variable, lead time by lead time.
final class UnitScorer {
  private let run: SuiteRun
  private let source: SuiteSource
  private let fingerprint: String
  private let pass: ScorePass
  private let climate: (any SuiteClimate)?
  private let rules: [(rule: ThresholdRule, isBelow: Bool)]
  private let columns: ScoreColumns
  private let control: Int?
  private let maps: [MapScore]
  private let weights: AreaWeights
  private let groups: [GroupDraw]
  private let tiles: TileScores?
  private let variogram: GlobalVariogram?
  private let transform: SphericalTransform<Double>?
  private var saved = ContinuousClock.now

  init(_ run: SuiteRun, _ source: SuiteSource, fingerprint: String) throws {
    self.run = run
    self.source = source
    self.fingerprint = fingerprint
    let definition = run.definition
    let (rows, columnCount) = (source.grid.latitudes.count, source.grid.longitudes.count)
    pass = ScorePass(
      regions: try SuiteRegions.make(definition, source.grid), rows: rows, columns: columnCount,
      alpha: definition.almostFairAlpha, threads: run.threads)
    weights = AreaWeights(latitudes: source.grid.latitudes, columns: columnCount)
    rules = try SuiteEvents.rules(definition, source.variable)
    columns = ScoreColumns(events: rules.count)
    control = try ControlMember.place(
      definition.control, among: source.members, repeated: source.repeatedMember, file: source.file,
      variable: source.variable)
    maps = try SuiteMaps.scores(definition)
    let place = control
    groups = try definition.ensembleGroups.map { wanted in
      let group = GroupDraw(name: wanted.name, members: wanted.members, control: place)
      guard group.divides(source.members.count) else {
        throw ApusError(
          .badData, "members do not part into groups", file: source.file, variable: source.variable,
          found: "\(source.members.count) members\(place == nil ? "" : ", one of them the control")",
          expected: "two or more groups '\(wanted.name)' of \(wanted.members)",
          advice: "Change ensemble_groups, or name the control's number with control.")
      }
      return group
    }
    let memory = definition.memoryMegabytes * 1_000_000
    if let file = definition.climate?.file {
      climate = try FileClimate(file.path, source)
    } else if var settings = definition.climate {
      if settings.period.files.isEmpty { settings.period.files = run.climate.map { InputPath($0) } }
      let files = try FileList.expand(settings.period.files.paths)
      let archive = try SuiteSource(
        source.variable, forecast: [source.file], truth: files, threads: run.threads)
      climate = try ArchiveClimate(settings, archive, memory: memory, threads: run.threads)
    } else {
      climate = nil
    }
    if let needy = rules.first(where: { $0.rule.needsClimate }), climate == nil {
      throw ApusError(
        .badRunFile, "an event needs a climate", variable: source.variable, found: needy.rule.text,
        expected: "climate: in the definition",
        advice: "Add climate: {files: [...]}, or climate: {} and --climate.")
    }
    if climate == nil, let needy = definition.maps.first(where: SuiteMaps.needClimate.contains) {
      throw ApusError(
        .badRunFile, "a map needs a climate", variable: "maps", found: needy,
        expected: "climate: in the definition",
        advice: "Add climate: {files: [...]}, or climate: {} and --climate.")
    }
    variogram = definition.variogram.map {
      GlobalVariogram(
        latitudes: source.grid.latitudes, longitudes: source.grid.longitudes, points: $0.points)
    }
    tiles = definition.tiles.map {
      TileScores(
        latitudes: source.grid.latitudes, longitudes: source.grid.longitudes, degrees: $0.degrees,
        pointLimit: $0.points, memberLimit: $0.members)
    }
    if let spectra = definition.spectra {
      if let grid = try? SphereGrid.detect(
        latitudes: source.grid.latitudes, longitudes: source.grid.longitudes)
      {
        let most = grid.defaultDegreeCount
        transform = SphericalTransform<Double>(grid: grid, degrees: min(spectra.degrees ?? 128, most))
      } else {
        run.logger.notice(
          "no spectra: the grid is not global", metadata: ["variable": "\(source.variable)"])
        transform = nil
      }
    } else {
      transform = nil
    }
  }

  /// Scores all dates of one lead time, going on from what is kept.
  func score(_ cases: [EnsembleArchive.Case], lead: Double?, keptAt path: String) throws -> UnitDigest {
    let points = source.grid.pointCount
    var state =
      try UnitState.read(path)
      ?? UnitState(
        fingerprint: fingerprint, variable: source.variable, units: source.units, leadHours: lead,
        members: source.members.count)
    guard state.fingerprint == fingerprint else {
      throw ApusError(
        .cannotCreateOutput, "the directory holds another verification", file: path,
        found: "made from another definition, other files or another version",
        expected: "the same definition and files as now",
        advice: "Choose another --output, or remove this directory.")
    }
    if state.isDone && state.dates.count == cases.count { return try digest(state, path) }
    var fields: ScoreMaps? = maps.isEmpty ? nil : state.maps(maps, points: points)
    for (number, item) in cases.enumerated() where number >= state.dates.count {
      if StopFlag.isSet {
        state.keep(fields)
        try state.write(path)
        try StopFlag.check()
      }
      try score(item, number, isLast: number == cases.count - 1, &state, &fields)
      progress(item, number, cases.count)
      if ContinuousClock.now - saved > .seconds(60 * run.definition.saveMinutes) {
        state.keep(fields)
        try state.write(path)
        saved = .now
      }
    }
    state.isDone = true
    state.keep(fields)
    try state.write(path)
    saved = .now
    if state.missing > 0 {
      run.logger.notice(
        "left out points with missing values",
        metadata: ["variable": "\(source.variable)", "lead": "\(lead ?? .nan)", "points": "\(state.missing)"])
    }
    return try digest(state, path)
  }

  private func digest(_ state: UnitState, _ path: String) throws -> UnitDigest {
    try UnitDigest(
      state, bins: run.definition.probabilityBins, keptAt: path,
      bootstrap: run.draws.of(dates: state.dates.count), threads: run.threads)
  }

  private func progress(_ item: EnsembleArchive.Case, _ number: Int, _ count: Int) {
    guard run.showsProgress else { return }
    let lead = item.leadHours.map { "+\(Int($0)) h " } ?? ""
    FileHandle.standardError.write(
      Data("\r\u{1b}[K\(source.variable) \(lead)\(number + 1) of \(count): \(item)".utf8))
    if number + 1 == count { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
  }

  private func score(
    _ item: EnsembleArchive.Case, _ number: Int, isLast: Bool, _ state: inout UnitState,
    _ fields: inout ScoreMaps?
  ) throws {
    let definition = run.definition
    let (columnCount, memberCount) = (source.grid.longitudes.count, source.members.count)
    let truth = try source.truth(item)
    let season = try climate?.season(item)
    let events = try rules.map { rule, isBelow in
      CaseInput.Event(
        threshold: try rule.threshold(season?.quantiles, points: truth.count), isBelow: isBelow)
    }
    let persistence = try item.initial.flatMap { try source.truth(at: $0) }
    let climateCRPS = try season.map { season in
      try season.sample.map { try PointwiseScores($0, truth: truth, threads: run.threads).crpsFair }
        ?? season.quantiles.crps(truth)
    }
    // As many bands of rows as fit in memory, with the copy that reading takes.
    let budget = definition.memoryMegabytes * 500_000
    let sizes = definition.ensembleSizes.filter { $0 <= memberCount }
    func bytes(_ rows: Int) -> Int { rows * columnCount * memberCount * 4 }
    var start = 0
    // The last date's indices are shown by themselves.
    let isShown = isLast && season != nil && maps.contains { LastExtremes.known.contains($0.name) }
    var own: ScoreMaps? = isShown ? ScoreMaps(maps, points: source.grid.pointCount) : nil
    var result: CaseResult?
    func score(_ input: CaseInput, _ bands: Range<Int>, _ maps: inout ScoreMaps?) throws -> CaseResult {
      try pass.run(
        input, bands: bands, after: result, maps: &maps, decomposes: definition.decomposition)
    }
    var whole: EnsembleValues?
    // By member, then by each kind of group.
    var bySize =
      sizes.isEmpty
      ? []
      : [EnsembleSizes(sizes: sizes, events: events.count)]
        + groups.map { group in
          EnsembleSizes(
            sizes: sizes.filter { $0 % group.members == 0 }, events: events.count, group: group)
        }
    while start < pass.bands.count {
      var end = start + 1
      while end < pass.bands.count && bytes(pass.rows(start..<end + 1).count) <= budget { end += 1 }
      let isWhole = start == 0 && end == pass.bands.count
      let members = try source.members(item, rows: isWhole ? nil : pass.rows(start..<end))
      var input = CaseInput(
        ensemble: members, truth: truth, ties: Philox(seed: 0, purpose: .tieBreak, UInt64(number)))
      input.control = control
      input.persistence = persistence
      input.climateMean = season?.quantiles.mean
      input.climateCRPS = climateCRPS
      input.climate = season?.quantiles
      input.extremeForecastIndex = definition.extremeForecastIndex == .hens ? .hens : .standard
      input.events = events
      result = try isShown ? score(input, start..<end, &own) : score(input, start..<end, &fields)
      if isWhole { whole = members }
      for kind in bySize.indices {
        try bySize[kind].add(
          members, truth: truth, weights: pass.regions[0].weights, events: events,
          bands: pass.points(start..<end), threads: run.threads)
      }
      start = end
    }
    guard let result else { return }
    guard result.missing < truth.count else {
      throw ApusError(
        .badData, "no point has a truth and all members", file: source.file, variable: source.variable,
        found: "only missing values at \(item)")
    }
    if let own, let season {
      fields?.add(own)
      state.lastExtremes = LastExtremes(own, outcome: season.quantiles.level(of: truth))
    }
    func fieldMembers(_ range: Range<Int>) throws -> EnsembleValues {
      try whole.map { $0.members(range) } ?? source.members(item, members: range)
    }
    func first(_ wanted: Int) throws -> EnsembleValues { try fieldMembers(0..<min(wanted, memberCount)) }
    let tileResult = try tiles.map { tiles in
      try tiles.score(
        try first(definition.tiles?.members ?? 2), truth: truth,
        ties: Philox(seed: 1, purpose: .tieBreak, UInt64(number)), threads: run.threads)
    }
    if let tileResult {
      if state.averageRanks == nil {
        (state.averageRanks, state.bandDepthRanks) = (tileResult.averageRanks, tileResult.bandDepthRanks)
      } else {
        state.averageRanks?.add(tileResult.averageRanks)
        state.bandDepthRanks?.add(tileResult.bandDepthRanks)
      }
    }
    let energy = try definition.energyMembers.map {
      try EnergyScore.values(
        try first($0), truth: truth, weights: weights, threads: run.threads
      ).fair
    }
    let globalVariogram = try variogram.map {
      try $0.score(
        try first(definition.variogram?.members ?? memberCount), truth: truth, threads: run.threads)
    }
    let spectra = try transform.flatMap { transform in
      try SpectralScores(
        members: memberCount, truth: truth, control: control, transform: transform,
        convention: definition.spectra?.convention == .hens ? .hens : .standard, threads: run.threads,
        fields: fieldMembers)
    }
    state.add(
      item, result,
      values: columns.values(
        result, regions: pass.regions.count, hasClimate: season != nil, energy: energy, tiles: tileResult,
        variogram: globalVariogram), sizes: bySize, spectra: spectra)
  }
}
