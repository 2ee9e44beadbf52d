import Basics
import Emulators
import FieldIO
import Fields
import Sphere

/// The ensemble that seeds are taken from: one archive a channel, read one time at a time.
struct SeedSource: Sendable {
  /// How seeds are chosen.
  enum Choice: Sendable, Hashable {
    /// The same members for all that is drawn.
    case fixed([Int])
    /// So many members, drawn anew for every member that is drawn.
    case random(count: Int)
  }

  private let archives: [EnsembleArchive]
  private let conversions: [Units.Conversion?]
  private let domain: EmulatorDomain
  let choice: Choice
  /// Members that may be seeds.
  let pool: [Int]
  let files: [String]

  /// Opens an ensemble.
  /// - Throws: `ApusError`: as `EnsembleArchive`; `badData` for another grid or members that are not there.
  init(
    _ patterns: [String], emulator: any Emulator, choice: Choice, leavingOut: Set<Int>
  ) throws {
    let domain = emulator.domain
    let files = try FileList.expand(patterns)
    self.files = files
    self.domain = domain
    self.choice = choice
    archives = try domain.channels.map { try EnsembleArchive(files, variable: $0) }
    conversions = try zip(archives, domain.units).map { archive, unit in
      try archive.units.map {
        try Units.conversion(from: $0, to: unit, file: archive.file, variable: archive.variable)
      }
    }
    guard let first = archives.first else { throw ApusError(.badData, "the emulator draws no channel") }
    for archive in archives {
      guard archive.grid.matches(latitudes: domain.grid.latitudes, longitudes: domain.grid.longitudes) else {
        throw ApusError(
          .badData, "seeds are on another grid than the emulator", file: archive.file,
          variable: archive.variable, found: "\(archive.grid)", expected: "\(domain.grid)",
          advice: "Interpolate them first, for example with: cdo remapbil.")
      }
      guard archive.members == first.members else {
        throw ApusError(
          .badData, "members differ between variables", file: archive.file, variable: archive.variable,
          found: "\(archive.members)", expected: "\(first.members) as of \(first.variable)")
      }
      guard archive.cases == first.cases else {
        throw ApusError(
          .badData, "times differ between variables", file: archive.file, variable: archive.variable,
          found: "\(archive.cases.count) times", expected: "the \(first.cases.count) of \(first.variable)")
      }
    }
    try first.requireOwnNumbers()
    switch choice {
    case .fixed(let members):
      pool = members
      for member in members where !first.members.contains(member) {
        throw ApusError(
          .badData, "a seed is not among the members", file: first.file, found: "member \(member)",
          expected: "one of \(first.members.map(String.init).joined(separator: ", "))")
      }
    case .random:
      pool = first.members.filter { !leavingOut.contains($0) }
    }
    let count = choice.count
    guard emulator.seedCounts.contains(count), pool.count >= count else {
      throw ApusError(
        .badData, "number of seeds does not fit the emulator", file: first.file,
        found: "\(count) of \(pool.count) members",
        expected: emulator.seedCounts.map(String.init).joined(separator: " or "),
        advice: "Choose them with --seed-members, or --random-seeds.")
    }
  }

  /// Initial times and, of each, the lead times [h] that the emulator draws.
  func forecasts(from: Instant?, to: Instant?) -> [(
    initial: Instant, cases: [(hours: Int, EnsembleArchive.Case)]
  )] {
    var found: [Instant: [(hours: Int, EnsembleArchive.Case)]] = [:]
    for item in archives[0].cases {
      guard let initial = item.initial, let lead = item.leadHours,
        let hours = domain.leadHours.first(where: { Double($0) == lead }),
        from.map({ $0 <= initial }) ?? true,
        to.map({ initial <= $0 }) ?? true
      else { continue }
      found[initial, default: []].append((hours, item))
    }
    return found.keys.sorted().map { ($0, (found[$0] ?? []).sorted { $0.hours < $1.hours }) }
  }

  /// Names of the files that hold the pool of an initial time, up to four of them. Without directories, so that a member's
  /// file is the same however its seeds were named.
  func fileNames(_ initial: Instant) -> String {
    let archive = archives[0]
    let paths = archive.cases.filter { $0.initial == initial }.flatMap {
      archive.files(of: $0, members: pool)
    }
    let names = Set(paths.map(FilePath.name(of:))).sorted()
    let others = names.count > 4 ? " and \(names.count - 4) more" : ""
    return names.prefix(4).joined(separator: ", ") + others
  }

  /// Standardised anomalies of the pool at a time, [member of the pool][channel][point].
  func read(_ item: EnsembleArchive.Case, _ scale: Standardisation) throws -> [AlignedBuffer<Float>] {
    let points = domain.grid.pointCount
    let result = pool.map { _ in AlignedBuffer<Float>(domain.fieldSize) }
    for (channel, archive) in archives.enumerated() {
      let fields = try archive.values(item).singles
      for (index, member) in pool.enumerated() {
        guard let place = archive.members.firstIndex(of: member) else { continue }
        let target = result[index].pointer + channel * points
        for i in 0..<points {
          let raw = fields[place * points + i]
          guard raw.isFinite else {
            throw ApusError(
              .badData, "missing values (NaN) in a seed", file: archive.file, variable: archive.variable,
              found: "member \(member) at \(item)", expected: "none",
              advice: "Fill them, for example with: cdo setmisstodis in.nc out.nc.")
          }
          target[i] = conversions[channel].map { Float(Double(raw) * $0.scale + $0.offset) } ?? raw
        }
      }
    }
    for seed in result { scale.standardise(seed.pointer) }
    return result
  }

  /// Digests of what every member of the pool says at some times, of as many values as `read` gave.
  func digests(_ seeds: [[AlignedBuffer<Float>]]) -> [String] {
    pool.indices.map { place in
      var sum = SHA256()
      for time in seeds {
        sum.update(UnsafeRawBufferPointer(start: time[place].pointer, count: 4 * domain.fieldSize))
      }
      return sum.hexadecimal()
    }
  }

  /// Places in the pool of the seeds of a member that is drawn.
  func seeds(seed: UInt64, initial: Instant, member: Int) -> [Int] {
    switch choice {
    case .fixed: return Array(pool.indices)
    case .random(let count):
      let hours = UInt64(bitPattern: Int64(initial.seconds / 3600))
      let stream = Philox(seed: seed, purpose: .emulation, hours, UInt64(member), 100)
      return Array(stream.permutation(pool.count).prefix(count)).sorted()
    }
  }
}

extension SeedSource.Choice {
  var count: Int {
    switch self {
    case .fixed(let members): members.count
    case .random(let count): count
    }
  }
}
