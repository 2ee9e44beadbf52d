import Basics
import Fields
import Foundation
import Sphere

/// States from files: the channels asked for, in their units, on the grid asked for.
///
/// Accepts what docs/files.md lists: one file or many, single-level variables or variables with a
/// pressure axis, packed or not, old and new ERA5 layouts. Vorticity and divergence that the files lack are
/// computed from the wind of their level.
public final class Archive: Sendable {
  /// One variable of one file that holds a channel.
  private struct Source: Sendable {
    let variable: GriddedVariable
    let level: Int
    let conversion: Units.Conversion
  }

  /// How a channel is had.
  private enum Recipe: Sendable {
    case read([Source])
    /// Vorticity or divergence of a wind.
    case derived(wantsVorticity: Bool, eastward: [Source], northward: [Source])

    var sources: [Source] {
      switch self {
      case .read(let sources): sources
      case .derived(_, let eastward, _): eastward
      }
    }
  }

  private struct Place: Sendable { let source: Int, time: Int }

  /// Files read.
  public let files: [String]
  /// Channels of the states, in order.
  public let channels: [String]
  /// Unit of each channel.
  public let units: [String]
  /// Grid of the states.
  public let grid: SphereGrid
  /// Degrees l kept, exclusive.
  public let degrees: Int
  /// Moments at which every channel is there, ascending.
  public let times: [Instant]
  private let recipes: [Recipe]
  private let places: [[Instant: Place]]
  private let regriddings: [SphereGrid: SpectralRegridding]
  private let winds: [SphereGrid: VectorTransform]

  /// Opens files and finds the channels in them.
  /// - Parameters:
  ///   - patterns: paths or globs.
  ///   - units: unit wanted of each channel; by default the catalogue's, or the file's for a channel that
  ///     the catalogue does not know.
  ///   - grid, degrees: what states are brought to, by spectral truncation to l < degrees.
  ///   - from, to: states outside do not exist for this archive.
  /// - Throws: `ApusError`: `inputMissing` for a file or channel that is not there, `badData` for wrong units,
  ///   an unknown grid or a damaged file.
  public init(
    _ patterns: [String], channels: [String], units: [String]? = nil, grid: SphereGrid, degrees: Int,
    from: Instant? = nil, to: Instant? = nil
  ) throws {
    files = try FileList.expand(patterns)
    self.channels = channels
    self.grid = grid
    self.degrees = degrees
    let readers = try files.map { try NetCDFReader($0) }
    var recipes: [Recipe] = []
    var found: [String] = []
    for (index, channel) in channels.enumerated() {
      var unit = units?[index] ?? ChannelCatalogue.channel(channel)?.unit
      recipes.append(try Archive.recipe(for: channel, unit: &unit, in: readers))
      found.append(unit ?? "1")
    }
    self.units = found
    self.recipes = recipes
    var places: [[Instant: Place]] = []
    var common: Set<Instant>?
    for recipe in recipes {
      var map: [Instant: Place] = [:]
      for (number, source) in recipe.sources.enumerated() {
        var seen: Set<Instant> = []
        for (time, instant) in source.variable.times.enumerated()
        where (from.map { $0 <= instant } ?? true) && (to.map { instant <= $0 } ?? true) {
          guard seen.insert(instant).inserted else {
            throw EnsembleArchive.twice(
              "\(instant)", file: source.variable.reader.path, variable: source.variable.variable.name)
          }
          // Files may overlap; the first that has a time counts.
          if map[instant] == nil { map[instant] = Place(source: number, time: time) }
        }
      }
      places.append(map)
      common = common?.intersection(map.keys) ?? Set(map.keys)
    }
    self.places = places
    times = (common ?? []).sorted()
    var regriddings: [SphereGrid: SpectralRegridding] = [:]
    var winds: [SphereGrid: VectorTransform] = [:]
    for recipe in recipes {
      for source in recipe.sources {
        let from = source.variable.grid
        if regriddings[from] == nil {
          regriddings[from] = SpectralRegridding(from: from, to: grid, degrees: degrees)
        }
        if case .derived = recipe, winds[from] == nil {
          winds[from] = VectorTransform(grid: from, degrees: from.defaultDegreeCount)
        }
      }
    }
    self.regriddings = regriddings
    self.winds = winds
  }

  /// The state at a moment.
  /// - Throws: `ApusError` of kind `inputMissing` naming the date and its neighbours where there is none,
  ///   `badData` where a value is missing (NaN).
  public func state(at time: Instant) throws -> State {
    State(channels: channels, grid: grid, time: time, values: try load([time], threads: 1))
  }

  /// Many states: [time][channel][latitude][longitude].
  /// - Throws: as `state(at:)`.
  public func load(_ times: [Instant], threads: Int = Parallel.defaultThreads) throws -> [Float] {
    try load(times, Array(channels.indices), threads: threads)
  }

  /// One channel, by its number, at many times: [time][latitude][longitude].
  /// - Throws: as `state(at:)`.
  public func load(_ times: [Instant], channel: Int, threads: Int = Parallel.defaultThreads) throws -> [Float]
  {
    try load(times, [channel], threads: threads)
  }

  private func load(_ times: [Instant], _ chosen: [Int], threads: Int) throws -> [Float] {
    let points = grid.pointCount
    var values = [Float](repeating: 0, count: times.count * chosen.count * points)
    for (row, channel) in chosen.enumerated() {
      let wanted = try times.map { time in
        guard let place = places[channel][time] else { throw missing(time, channel: channel) }
        return place
      }
      // Runs of neighbouring times in one file are read at once.
      var first = 0
      while first < wanted.count {
        var last = first
        while last + 1 < wanted.count, last - first < 127, wanted[last + 1].source == wanted[first].source,
          wanted[last + 1].time == wanted[last].time + 1
        { last += 1 }
        let range = wanted[first].time..<wanted[last].time + 1
        let fields = try fields(channel, source: wanted[first].source, range, threads: threads)
        for (item, index) in (first...last).enumerated() {
          let target = (index * chosen.count + row) * points
          values.replaceSubrange(target..<target + points, with: fields[item * points..<(item + 1) * points])
        }
        first = last + 1
      }
    }
    return values
  }

  /// Times from a first to a last one at equal steps, all of which must be there.
  /// - Throws: `ApusError` of kind `badData` naming the gap.
  public func regularTimes(from: Instant? = nil, to: Instant? = nil, stepHours: Int) throws -> [Instant] {
    let inside = times.filter { time in (from.map { $0 <= time } ?? true) && (to.map { time <= $0 } ?? true) }
    guard let first = inside.first, let last = inside.last else {
      throw ApusError(
        .inputMissing, "no states in the period", file: files.first,
        found: times.isEmpty ? "none at all" : "\(times[0]) to \(times[times.count - 1])",
        expected: "\(from.map(\.description) ?? "the first") to \(to.map(\.description) ?? "the last")")
    }
    let wanted = stride(from: first.seconds, through: last.seconds, by: stepHours * 3600).map {
      Instant(seconds: $0)
    }
    let there = Set(inside)
    if let gap = wanted.first(where: { !there.contains($0) }) {
      let before = inside.last { $0 < gap } ?? first
      let after = inside.first { $0 > gap } ?? last
      throw ApusError(
        .badData, "gap in time",
        file: files.count == 1 ? files[0] : "\(files[0]) and \(files.count - 1) more",
        found: "nothing between \(before) and \(after)", expected: "a state every \(stepHours) h",
        advice: "Add the missing files, or name the periods on either side as entries of their own.")
    }
    return wanted
  }

  // MARK: - Reading

  private func fields(_ channel: Int, source: Int, _ range: Range<Int>, threads: Int) throws -> [Float] {
    let name = channels[channel]
    switch recipes[channel] {
    case .read(let sources):
      let source = sources[source]
      let fields = try read(source, range, name: name)
      return try regrid(fields, from: source.variable.grid, count: range.count, threads: threads)
    case .derived(let wantsVorticity, let eastward, let northward):
      let grid = eastward[source].variable.grid
      let u = try read(eastward[source], range, name: name)
      let v = try read(northward[source], range, name: name)
      let points = grid.pointCount
      let result = AlignedBuffer<Float>(u.count)
      guard let transform = winds[grid] else { return [] }
      try Parallel.forEach(range.count, threads: threads) { index, _ in
        let part = index * points..<(index + 1) * points
        let both = transform.vorticityDivergence(u: u[part].map(Double.init), v: v[part].map(Double.init))
        let wanted = wantsVorticity ? both.vorticity : both.divergence
        for i in 0..<points { result.pointer[index * points + i] = Float(wanted[i]) }
      }
      return try regrid(result.array, from: grid, count: range.count, threads: threads)
    }
  }

  private func regrid(_ fields: [Float], from source: SphereGrid, count: Int, threads: Int) throws -> [Float]
  {
    guard let regridding = regriddings[source] else { return fields }
    return try regridding.apply(fields, count: count, threads: threads)
  }

  private func read(_ source: Source, _ range: Range<Int>, name: String) throws -> [Float] {
    var fields = try source.variable.fields(.time, range, at: [.level: source.level])
    let points = source.variable.grid.pointCount
    for (item, index) in range.enumerated() {
      let bad = fields[item * points..<(item + 1) * points].count { !$0.isFinite }
      if bad > 0 {
        throw ApusError(
          .badData, "missing values (NaN) in an analysis", file: source.variable.reader.path, variable: name,
          found: "\(bad) of \(points) points at \(source.variable.times[index])", expected: "none",
          advice: "Fill them, for example with: cdo setmisstodis in.nc out.nc.")
      }
    }
    let conversion = source.conversion
    if !conversion.isIdentity {
      for i in fields.indices { fields[i] = Float(Double(fields[i]) * conversion.scale + conversion.offset) }
    }
    return fields
  }

  private func missing(_ time: Instant, channel: Int) -> ApusError {
    let there = places[channel].keys.sorted()
    let before = there.last { $0 < time }.map(\.description) ?? "none"
    let after = there.first { $0 > time }.map(\.description) ?? "none"
    return ApusError(
      .inputMissing, "no state at \(time)", file: files.count == 1 ? files[0] : files.joined(separator: ", "),
      variable: channels[channel], found: "the last before is \(before), the first after \(after)")
  }

  // MARK: - Finding channels

  private static func recipe(for name: String, unit: inout String?, in readers: [NetCDFReader]) throws
    -> Recipe
  {
    let direct = try sources(of: name, unit: &unit, in: readers)
    if !direct.isEmpty { return .read(direct) }
    if let wind = ChannelCatalogue.channel(name)?.windComponents {
      var speed: String? = "m s-1"
      let eastward = try sources(of: wind.eastward, unit: &speed, in: readers)
      let northward = try sources(of: wind.northward, unit: &speed, in: readers)
      let pairs =
        eastward.count == northward.count
        && zip(eastward, northward).allSatisfy {
          $0.variable.times == $1.variable.times && $0.variable.grid == $1.variable.grid
        }
      if !eastward.isEmpty, pairs {
        return .derived(
          wantsVorticity: wind.isVorticity, eastward: eastward, northward: northward)
      }
    }
    let there = readers.flatMap { reader in reader.variables.filter { $0.dimensions.count >= 2 }.map(\.name) }
    throw ApusError(
      .inputMissing, ApusError.noSuchVariable, file: readers.map(\.path).joined(separator: ", "),
      variable: name,
      found: Set(there).sorted().joined(separator: ", "))
  }

  private static func sources(of name: String, unit: inout String?, in readers: [NetCDFReader]) throws
    -> [Source]
  {
    var sources: [Source] = []
    for reader in readers {
      guard let (variable, level) = try find(name, in: reader) else { continue }
      try requireOneState(variable, hasLevel: ChannelCatalogue.channel(name)?.level != nil)
      let wanted = unit ?? variable.units
      unit = wanted
      let conversion = try Units.conversion(
        from: variable.units, to: wanted, file: reader.path, variable: variable.variable.name)
      sources.append(Source(variable: variable, level: level, conversion: conversion))
    }
    return sources
  }

  /// An analysis is one state a time, a field that does not change one at all: of members, lead times or whatever else,
  /// none could be preferred.
  static func requireOneState(_ variable: GriddedVariable, hasLevel: Bool, isStatic: Bool = false) throws {
    for (dimension, axis) in zip(variable.variable.dimensions, variable.axes) where dimension.length > 1 {
      let words: String
      switch axis {
      case .time where isStatic: words = "several times"
      case .time, .latitude, .longitude, .experimentVersion: continue
      case .level where hasLevel: continue
      case .level: words = "several levels"
      case .member: words = "several members"
      case .leadTime: words = "several lead times"
      case .sample: words = "several samples"
      case .other: words = "a dimension that is not understood"
      }
      throw ApusError(
        .badData, "\(isStatic ? "a static field" : "an analysis") has \(words)", file: variable.reader.path,
        variable: variable.variable.name,
        found: "\(dimension.name) = \(dimension.length)", expected: "1",
        advice: "Pick one first, for example with: ncks -d \(dimension.name),0 in.nc out.nc.")
    }
  }

  /// The variable that holds a channel, and its index along the level axis.
  static func find(_ name: String, in reader: NetCDFReader) throws -> (GriddedVariable, Int)? {
    func level(_ variable: GriddedVariable, _ wanted: Int) -> Int? {
      variable.levels.firstIndex { abs($0 - Double(wanted)) < 0.5 }
    }
    let channel = ChannelCatalogue.channel(name)
    let candidates = reader.variables.filter { $0.isNumeric && $0.dimensions.count >= 2 }
    if let exact = candidates.first(where: { $0.name == name }) {
      let variable = try GriddedVariable(reader, exact.name)
      if let wanted = channel?.level, variable.levels.count > 1 {
        return level(variable, wanted).map { (variable, $0) }
      }
      return (variable, 0)
    }
    guard let channel else { return nil }
    for candidate in candidates
    where ChannelCatalogue.quantity(ofVariable: candidate.name) == channel.quantity
      || (candidate.text("standard_name") == channel.standardName && channel.level != nil
        && ChannelCatalogue.channel(candidate.name) == nil)
    {
      guard let variable = try? GriddedVariable(reader, candidate.name) else { continue }
      guard let wanted = channel.level else { return (variable, 0) }
      if let place = level(variable, wanted) { return (variable, place) }
    }
    return nil
  }
}
