import Basics
import Fields
import Foundation

/// One variable of an ensemble forecast in any number of NetCDF files: one file a member, bundles of
/// members, one file a time, in any order of dimensions. Reads one time at a time.
public struct EnsembleArchive: Sendable {
  /// One time of one forecast.
  public struct Case: Sendable, Hashable, CustomStringConvertible {
    /// Start of the forecast, where the files say.
    public let initial: Instant?
    /// Valid time, where the files say.
    public let valid: Instant?
    /// Place along the files' time axis; tells times apart where there is no coordinate.
    public let index: Int

    /// A time of a forecast that is known by its start and valid time.
    public init(initial: Instant?, valid: Instant) { self.init(initial: initial, valid: valid, index: 0) }

    init(initial: Instant?, valid: Instant?, index: Int) {
      (self.initial, self.valid, self.index) = (initial, valid, index)
    }

    /// Hours from start to valid time.
    public var leadHours: Double? {
      guard let initial, let valid else { return nil }
      return Double(valid.seconds - initial.seconds) / 3600
    }
    /// The valid time, else the place along the axis.
    public var description: String { valid.map { "\($0)" } ?? "time \(index)" }
  }

  /// The variable as asked for.
  public let variable: String
  /// Every time, by start and valid time; where files have neither, in their order.
  public let cases: [Case]
  /// Member numbers as the files give them; 0, 1, 2... where a file gives none or one comes twice.
  public let members: [Int]
  /// A number that the files give two members or more: no number chooses one of them.
  public let repeatedMember: Int?
  /// Rows and columns of every field.
  public let grid: LatitudeLongitude
  /// Units as spelt in the first file that has any.
  public let units: String?
  /// CF units of the first file's time axis.
  public let timeUnits: String?
  /// The first file.
  public let file: String

  private struct Slot: Sendable {
    let source: Int
    let indices: [GriddedVariable.Axis: Int]
    /// Members that the file has of this case, first in the file's axis.
    let numbers: [Int?]
  }
  private let sources: [FieldSource]
  private let slots: [Case: [Slot]]
  /// Place of each member in the order of the slots.
  private let order: [Int]

  /// Recognises the files' layouts and joins them.
  ///
  /// Members come in order of their numbers; where numbers are missing or come twice (the same number from
  /// several checkpoints), in the order of the files.
  /// - Parameter eachTimeOnce: whether files without members are parts of one series, of which a time that several hold
  ///   counts once, from the first; else they are members.
  /// - Throws: `ApusError`: `inputMissing` for a missing file or variable, `badData` for differing grids or
  ///   units, a file given twice, or a time with fewer members than others.
  public init(_ paths: [String], variable: String, eachTimeOnce: Bool = false) throws {
    self.variable = variable
    var places: Set<String> = []
    for path in paths where !places.insert(FilePath.real(path)).inserted {
      throw ApusError(.badData, "file is given twice", file: path, advice: "Each file counts once.")
    }
    let sources = try paths.map { try FieldSource($0, variable: variable) }
    guard let first = sources.first else {
      throw ApusError(.usage, "no forecast file is given", expected: "at least one")
    }
    var slots: [Case: [Slot]] = [:]
    var cases: [Case] = []
    for (place, source) in sources.enumerated() {
      try EnsembleArchive.requireSame(source, first)
      let times = try EnsembleArchive.layOut(source)
      var seen: Set<Case> = []
      for (key, _) in times where !seen.insert(key).inserted {
        throw EnsembleArchive.twice("\(key)", file: source.reader.path, variable: variable)
      }
      let axis = EnsembleArchive.memberAxis(source)
      for (key, indices) in times {
        if slots[key] == nil {
          cases.append(key)
        } else if eachTimeOnce, axis == nil, source.members.isEmpty {
          continue
        }
        let count = axis.map { source.length($0) } ?? 1
        let numbers: [Int?] =
          source.members.count == count ? source.members : .init(repeating: nil, count: count)
        slots[key, default: []].append(Slot(source: place, indices: indices, numbers: numbers))
      }
    }
    func key(_ item: Case) -> (Int, Int, Int) {
      (item.initial?.seconds ?? .min, item.valid?.seconds ?? .min, item.index)
    }
    cases.sort { key($0) < key($1) }
    let numbers = cases.first.flatMap { slots[$0] }?.flatMap(\.numbers) ?? []
    guard let firstCase = cases.first, !numbers.isEmpty else {
      throw ApusError(.badData, "holds no time or no member", file: first.reader.path, variable: variable)
    }
    for item in cases {
      let found = slots[item]?.reduce(0) { $0 + $1.numbers.count } ?? 0
      guard found == numbers.count else {
        throw ApusError(
          .badData, "number of members differs between times", file: first.reader.path, variable: variable,
          found: "\(found) at \(item)", expected: "\(numbers.count) as at \(firstCase)",
          advice: "Give all files of all members, or only times that all have.")
      }
    }
    let known = numbers.compactMap { $0 }
    var seen: Set<Int> = []
    repeatedMember = known.first { !seen.insert($0).inserted }
    let areNumbered = known.count == numbers.count && repeatedMember == nil
    let order = areNumbered ? known.indices.sorted { known[$0] < known[$1] } : Array(numbers.indices)
    // One order for all times: they must have the same members in the same places.
    if areNumbered {
      for item in cases where (slots[item] ?? []).flatMap({ $0.numbers }) != numbers {
        throw ApusError(
          .badData, "members differ between times", file: first.reader.path, variable: variable,
          found: "\((slots[item] ?? []).flatMap { $0.numbers.compactMap { $0 } }) at \(item)",
          expected: "\(known) as at \(firstCase)", advice: "Give the files of one member after the other.")
      }
    }
    self.order = order
    members = areNumbered ? order.map { known[$0] } : Array(numbers.indices)
    self.cases = cases
    self.slots = slots
    self.sources = sources
    grid = first.grid
    units = sources.compactMap(\.units).first
    timeUnits = first.timeUnits
    file = first.reader.path
  }

  /// - Throws: `ApusError` (`badData`) where members are chosen by numbers that come twice.
  public func requireOwnNumbers() throws {
    guard let repeatedMember else { return }
    throw EnsembleArchive.repeated(repeatedMember, file: file, variable: variable)
  }

  /// The error of a choice by numbers that come twice.
  public static func repeated(_ number: Int, file: String, variable: String) -> ApusError {
    ApusError(
      .badData, "a member number comes twice: none can be chosen by its number", file: file,
      variable: variable, found: "two members \(number) or more", expected: "every number once",
      advice: "Give the files of one ensemble, or renumber members, for example with: ncap2.")
  }

  /// Members at one time, [member][latitude north to south][longitude from 0 east], in the file's unit.
  /// - Parameters:
  ///   - rows: only these rows, counted from the north; nil: all.
  ///   - range: only these members, by place; nil: all.
  /// - Throws: `ApusError` where reading fails.
  public func values(_ item: Case, rows: Range<Int>? = nil, members range: Range<Int>? = nil) throws
    -> GriddedValues
  {
    let points = (rows?.count ?? grid.latitudes.count) * grid.longitudes.count
    let wanted = (range ?? order.indices).clamped(to: order.indices)
    if sources.allSatisfy(\.isSingle) {
      return .single(
        try gather(item) { part in
          switch part {
          case .single(let values): values
          case .double(let values): values.map { Float($0) }
          }
        })
    }
    return .double(try gather(item) { $0.doubles })

    func gather<Number>(_ item: Case, _ numbers: (GriddedValues) -> [Number]) throws -> [Number]
    where Number: BinaryFloatingPoint {
      // Place in the result of each member in the order of the slots.
      var places = [Int](repeating: 0, count: order.count)
      for (place, number) in order.enumerated() { places[number] = place }
      let isInOrder = places.enumerated().allSatisfy { $0.offset == $0.element }
      var result: [Number] = []
      var next = 0
      for slot in slots[item] ?? [] {
        let source = sources[slot.source]
        let axis = EnsembleArchive.memberAxis(source)
        // Member by member where they are stored one after the other: less memory for huge ensembles.
        let isOneByOne = source.axes.first { $0 == .latitude || $0 == .longitude || $0 == axis } == axis
        let steps: [[GriddedVariable.Axis: Int]] =
          if let axis, isOneByOne, slot.numbers.count > 64 || wanted.count < order.count {
            slot.numbers.indices.map { slot.indices.merging([axis: $0]) { $1 } }
          } else {
            [slot.indices]
          }
        for indices in steps {
          let along = axis.flatMap { indices[$0] == nil ? [$0] : nil } ?? []
          if along.isEmpty && !wanted.contains(places[next]) {
            next += 1
            continue
          }
          let part = numbers(try source.fields(along, at: indices, rows: rows))
          if part.count == order.count * points && wanted.count == order.count && isInOrder { return part }
          if result.isEmpty { result = [Number](repeating: 0, count: wanted.count * points) }
          for start in stride(from: 0, to: part.count, by: points) {
            let place = places[next]
            next += 1
            guard wanted.contains(place) else { continue }
            let target = (place - wanted.lowerBound) * points
            result.withUnsafeMutableBufferPointer { result in
              for point in 0..<points { result[target + point] = part[start + point] }
            }
          }
        }
      }
      return result
    }
  }

  /// The files that hold members at one time; where a file does not number its members, it may hold any.
  public func files(of item: Case, members: [Int]) -> [String] {
    let wanted = Set(members)
    return (slots[item] ?? []).filter { slot in
      slot.numbers.contains { $0.map(wanted.contains) ?? true }
    }.map { sources[$0.source].reader.path }
  }

  /// The axis that members lie along: the member axis, else an axis of samples.
  static func memberAxis(_ source: FieldSource) -> GriddedVariable.Axis? {
    source.axes.contains(.member) ? .member : source.axes.contains(.sample) ? .sample : nil
  }

  /// Every time of a file with its place.
  static func layOut(_ source: FieldSource) throws -> [(Case, [GriddedVariable.Axis: Int])] {
    let (timeCount, leadCount) = (source.length(.time), source.length(.leadTime))
    let (hasTime, hasLead) = (source.axes.contains(.time), source.axes.contains(.leadTime))
    func later(_ start: Instant, _ hours: Double) -> Instant {
      Instant(seconds: start.seconds + Int((hours * 3600).rounded()))
    }
    var result: [(Case, [GriddedVariable.Axis: Int])] = []
    for time in 0..<timeCount {
      for lead in 0..<leadCount {
        let index = time * leadCount + lead
        var (initial, valid) = (source.referenceTime, Instant?.none)
        if hasTime && hasLead {
          // Times of start, and lead times from each.
          initial = source.times.count == timeCount ? source.times[time] : initial
          if let start = initial, source.leadHours.count == leadCount {
            valid = later(start, source.leadHours[lead])
          }
        } else if source.times.count == timeCount * leadCount {
          valid = source.times[index]
          if initial == nil, let valid, source.leadHours.count == timeCount * leadCount {
            initial = later(valid, -source.leadHours[index])
          }
        } else if source.times.count == 1, source.leadHours.count == leadCount {
          // Lead times from a scalar time that is not marked as the start, but can be nothing else.
          initial = source.times[0]
          valid = later(source.times[0], source.leadHours[lead])
        }
        var indices: [GriddedVariable.Axis: Int] = [:]
        if hasTime { indices[.time] = time }
        if hasLead { indices[.leadTime] = lead }
        result.append((Case(initial: initial, valid: valid, index: valid == nil ? index : 0), indices))
      }
    }
    return result
  }

  /// The error of a file in which a time comes twice: nobody could say which state counts.
  static func twice(_ found: String, file: String, variable: String) -> ApusError {
    ApusError(
      .badData, "a time comes twice", file: file, variable: variable, found: found,
      expected: "every time once",
      advice: "Keep one of them, for example with: ncks -d time,FIRST,LAST.")
  }

  /// - Throws: `ApusError` (`badData`) where two files differ in grid or units.
  static func requireSame(_ source: FieldSource, _ first: FieldSource) throws {
    guard source.grid.matches(first.grid) else {
      throw ApusError(
        .badData, "grid differs from the other files'", file: source.reader.path,
        variable: source.variable.name, found: "\(source.grid)",
        expected: "\(first.grid) as in \(first.reader.path)",
        advice: "Interpolate to one grid first, for example with: cdo remapbil.")
    }
    try requireSameUnits(
      source.units, source.reader.path, first.units, first.reader.path, source.variable.name)
  }

  /// - Throws: `ApusError` (`badData`) where truth or climate are on another grid or in other units.
  func requireFitting(_ source: FieldSource) throws {
    guard source.grid.matches(grid) else {
      throw ApusError(
        .badData, "grid differs from the forecast's", file: source.reader.path,
        variable: source.variable.name, found: "\(source.grid)", expected: "\(grid) as in \(file)",
        advice: "Interpolate to one grid first, for example with: cdo remapbil.")
    }
    try EnsembleArchive.requireSameUnits(source.units, source.reader.path, units, file, source.variable.name)
  }

  /// - Throws: `ApusError` (`badData`) where both units are known and differ.
  static func requireSameUnits(
    _ units: String?, _ file: String, _ expected: String?, _ other: String, _ variable: String
  ) throws {
    guard let units, let expected, Units.canonical(units) != Units.canonical(expected) else { return }
    throw ApusError(
      .badData, "units differ", file: file, variable: variable, found: "'\(units)'",
      expected: "'\(expected)' as in \(other)",
      advice: "Convert one of them, or mend its units attribute, for example with: ncatted.")
  }
}
