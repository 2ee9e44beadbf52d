import Basics
import Emulators
import Ensembles
import FieldIO
import Fields
import Foundation
import Logging
import Sphere

/// Draws members from seeds and writes one file a member and initial time, in the format of ensemble runs.
///
/// A member's file follows from emulator, seeds, random seed, initial time and number alone; files that are there are
/// not made again, so an interrupted command continues, but those of another draw are refused.
struct EmulationRun {
  let emulator: any Emulator
  let finish: SpectralFinish
  let file: String
  let digest: String
  let source: SeedSource
  let seed: UInt64
  /// Numbers of the members drawn.
  let members: Range<Int>
  let output: String
  let quantiseBits: Int?
  /// Whether members get files of their own; without, statistics alone remain.
  var keepsMembers = true
  /// Whether mean, spread, minimum and maximum of all members are written too.
  var writesProducts = false
  let threads: Int
  let logger: Logger

  /// Draws all members of all initial times.
  /// - Throws: `ApusError`; `tryAgainLater` where it was asked to stop.
  func run(from: Instant?, to: Instant?, leadHours: [Int]?) throws -> EmulationReport {
    let directory = RunDirectory(output)
    try EmulatedFile.requireNoRun(in: directory)
    let forecasts = source.forecasts(from: from, to: to).map { forecast in
      (forecast.initial, forecast.cases.filter { leadHours?.contains($0.hours) ?? true })
    }.filter { !$0.1.isEmpty }
    for hours in leadHours ?? [] { _ = try emulator.domain.lead(hours, file: file) }
    guard !forecasts.isEmpty else {
      let starts = source.forecasts(from: nil, to: nil).map(\.initial)
      if let first = starts.first, let last = starts.last, source.forecasts(from: from, to: to).isEmpty {
        throw ApusError(
          .inputMissing, "the seeds have no initial time in the period", file: source.files.first,
          found: "\(first) to \(last)",
          expected: "\(from.map(\.description) ?? "the first") to \(to.map(\.description) ?? "the last")")
      }
      throw ApusError(
        .inputMissing, "the seeds hold no lead time that the emulator draws", file: source.files.first,
        expected: (leadHours ?? emulator.domain.leadHours).map { "\($0) h" }.joined(separator: ", "))
    }
    for (initial, cases) in forecasts {
      if let lacking = leadHours?.first(where: { hours in !cases.contains { $0.hours == hours } }) {
        throw ApusError(
          .inputMissing, "the seeds lack a lead time that is asked for", file: source.files.first,
          found: cases.map { "\($0.hours) h" }.joined(separator: ", ") + " from \(initial)",
          expected: "\(lacking) h", advice: "Ask for lead times that all initial times have.")
      }
    }
    try directory.createMembers(
      initialTimes: keepsMembers ? forecasts.map(\.0) : [], withProducts: writesProducts)
    let seedsIndex = emulator.seedCounts.firstIndex(of: source.choice.count) ?? 0
    let generators = (0..<threads).map { _ in emulator.makeGenerator() }
    var (drawn, seconds) = (0, 0.0)
    var distinct: Set<Int> = []
    for (number, (initial, cases)) in forecasts.enumerated() {
      let hours = cases.map(\.hours)
      let chosen = Dictionary(
        uniqueKeysWithValues: members.map {
          ($0, source.seeds(seed: seed, initial: initial, member: $0))
        })
      try requireWhole(directory, initial)
      var seeds: [[AlignedBuffer<Float>]] = []
      var scales: [Standardisation] = []
      for (hours, item) in cases {
        let scale = Standardisation(emulator.domain.climate, at: initial.adding(hours: hours))
        seeds.append(try source.read(item, scale))
        scales.append(scale)
      }
      let digests = source.digests(seeds)
      let seedFiles = ("emulator_seed_files", NetCDFAttribute.text(source.fileNames(initial)))
      let absent = try members.filter { member in
        try keepsMembers
          && emulated.existing(
            directory.memberFile(member, at: initial), hours,
            marks: marks(initial, member, seeds: chosen[member] ?? [], digests), member: member) == nil
      }
      let needsProducts = try writesProducts && !hasProducts(directory, initial, hours, digests)
      let missing = needsProducts && !keepsMembers ? Array(members) : absent
      guard !missing.isEmpty || needsProducts else { continue }
      distinct.formUnion(missing.flatMap { chosen[$0] ?? [] })
      let (allSeeds, allScales) = (seeds, scales)
      let streamed =
        needsProducts ? StreamedEnsemble(near: mean(seeds, scales, initial, hours)) : nil
      if let streamed {
        for member in members where !missing.contains(member) {
          let path = directory.memberFile(member, at: initial)
          let values = try Trajectory.read(path, channels: emulator.domain.channels).values
          guard values.allSatisfy(\.isFinite) else {
            throw ApusError(
              .badData, "a member holds values that are no finite numbers", file: path,
              advice: "Remove the file and start again.")
          }
          streamed.add(values, number: member)
        }
      }
      let start = ContinuousClock.now
      let tools = Tools(
        generators: generators, spaces: generators.map { _ in finish.makeWorkspace() })
      try Parallel.forEach(missing.count, threads: threads) { index, thread in
        guard !StopFlag.isSet else { return }
        let member = missing[index]
        let places = chosen[member] ?? []
        let size = emulator.domain.fieldSize
        let fields = AlignedBuffer<Float>(cases.count * size)
        for (turn, (hours, _)) in cases.enumerated() {
          let draw = EmulatorDraw(
            seeds: places.map { UnsafePointer(allSeeds[turn][$0].pointer) },
            lead: try emulator.domain.lead(hours, file: file), validTime: initial.adding(hours: hours),
            seed: seed, initial: initial, member: member)
          let target = fields.pointer + turn * size
          tools.generators[thread].generate(draw, into: target)
          finish.apply(
            target, allScales[turn], seeds: seedsIndex, lead: draw.lead, tools.spaces[thread])
          guard UnsafeBufferPointer(start: target, count: size).allSatisfy(\.isFinite) else {
            throw ApusError(
              .badData, "a member that was drawn is not finite", file: source.files.first,
              found: "member \(member) from \(initial) at \(hours) h", expected: "numbers",
              advice: "Look at the seeds: they may be far from anything that the emulator has learnt.")
          }
          Moisture.clip(
            target, channels: emulator.domain.channels, points: emulator.domain.grid.pointCount)
        }
        var values = fields.array
        if let quantiseBits { BitRound.apply(&values, bits: quantiseBits) }
        streamed?.add(values, number: member)
        guard keepsMembers else { return }
        try emulated.write(
          values, initial, hours, title: "member \(member), drawn by an emulator", member: member,
          extra: [seedFiles, ("random_seed", .text("\(seed)"))]
            + marks(initial, member, seeds: places, digests), to: directory.memberFile(member, at: initial))
      }
      seconds += (ContinuousClock.now - start) / .seconds(1)
      if StopFlag.isSet {
        throw ApusError(.tryAgainLater, "stopped on request", advice: "Run the same command to go on.")
      }
      drawn += missing.count * cases.count
      if let products = streamed?.products(members: members.count) {
        for product in RunDirectory.Product.allCases {
          try emulated.write(
            products.values(of: product), initial, hours, title: "ensemble \(product.rawValue)",
            cellMethods: product.cellMethods,
            extra: [seedFiles] + productMarks(digests) + [
              ("members", .integers([Int32(members.count)])), memberNumbers,
            ],
            to: directory.product(product, at: initial))
        }
      }
      if forecasts.count > 1 { logger.info("\(number + 1) of \(forecasts.count) initial times") }
    }
    return EmulationReport(
      output: output, members: members.count, initialTimes: forecasts.count,
      leadHours: Set(forecasts.flatMap { $0.1.map(\.hours) }).sorted(), draws: drawn, seconds: seconds,
      seedsPerMember: source.choice.count, distinctSeeds: distinct.map { source.pool[$0] }.sorted(),
      gigaflopPerDraw: emulator.operationsPerDraw.map { $0 / 1e9 })
  }

  /// What tells the file of a member from those of other draws.
  /// - Parameter digests: of the pool (`SeedSource.digests`).
  private func marks(_ initial: Instant, _ member: Int, seeds: [Int], _ digests: [String])
    -> [(String, NetCDFAttribute)]
  {
    [
      ("emulator_seeds", .text("members \(seeds.map { "\(source.pool[$0])" }.joined(separator: ", "))")),
      ("emulator_seeds_sha256", .text(joined(seeds.map { digests[$0] }))),
      ("member_seed", .text("seed \(seed), initial time \(initial), member \(member)")),
    ] + sampling
  }

  /// What tells products from those of other draws, but for the members.
  private func productMarks(_ digests: [String]) -> [(String, NetCDFAttribute)] {
    let seeds =
      switch source.choice {
      case .fixed(let members): "members \(members.map(String.init).joined(separator: ", "))"
      case .random(let count): "\(count) of \(source.pool.count) members, drawn anew for every member"
      }
    return [
      ("emulator_seeds", .text(seeds)), ("emulator_seeds_sha256", .text(joined(digests))),
      ("random_seed", .text("\(seed)")),
    ] + sampling
  }

  /// One digest of several.
  private func joined(_ digests: [String]) -> String {
    SHA256.hexadecimal(of: Array(digests.joined(separator: " ").utf8))
  }

  /// How a diffusion emulator samples.
  private var sampling: [(String, NetCDFAttribute)] {
    guard let network = emulator as? NetworkEmulator, network.kind == .diffusion else { return [] }
    let sampler = network.sampler
    return [
      (
        "sampler",
        .text("\(sampler.method.rawValue), \(sampler.levels) levels, noise factor \(sampler.noiseFactor)")
      )
    ]
  }

  private var memberNumbers: (String, NetCDFAttribute) {
    ("member_numbers", .text("\(members.lowerBound) to \(members.upperBound - 1)"))
  }

  /// Makes sure that products are of all members that an initial time has, and says where they are no longer.
  /// - Throws: `ApusError` (`cannotCreateOutput`) where they would be of some.
  private func requireWhole(_ directory: RunDirectory, _ initial: Instant) throws {
    if writesProducts {
      let there = directory.memberNumbers(at: initial)
      guard let other = there.first(where: { !members.contains($0) }) else { return }
      throw ApusError(
        .cannotCreateOutput, "the directory holds members that the products would leave out",
        file: directory.memberFile(other, at: initial), found: "\(there.count) members",
        expected: "members \(memberNumbers.1.text ?? "")",
        advice: "Draw all of them with --products (what is there is not made again), or choose another place."
      )
    }
    let product = directory.product(.mean, at: initial)
    guard let file = try? NetCDFReader(product), let kept = file.attributes[memberNumbers.0]?.text else {
      return
    }
    let all = Set(directory.memberNumbers(at: initial)).union(members)
    if let first = all.min(), let last = all.max(), kept != "\(first) to \(last)" {
      logger.warning(
        "products there are of fewer members; renew them with --products",
        metadata: ["file": "\(product)", "members": "\(kept)"])
    }
  }

  /// Whether the products of an initial time are there, of these members.
  private func hasProducts(
    _ directory: RunDirectory, _ initial: Instant, _ hours: [Int], _ digests: [String]
  ) throws -> Bool {
    try RunDirectory.Product.allCases.allSatisfy { product in
      let path = directory.product(product, at: initial)
      let there = try emulated.existing(path, hours, marks: productMarks(digests), member: nil)
      return there?.attributes[memberNumbers.0]?.text == memberNumbers.1.text
    }
  }

  /// Generators are used by one thread each.
  private struct Tools: @unchecked Sendable {
    let generators: [any MemberGenerator]
    let spaces: [SpectralWhitening.Workspace]
  }

  /// The mean of the pool in physical units: what members are near.
  private func mean(
    _ seeds: [[AlignedBuffer<Float>]], _ scales: [Standardisation], _ initial: Instant, _ leadHours: [Int]
  ) -> Trajectory {
    let size = emulator.domain.fieldSize
    var values: [Float] = []
    for (pool, scale) in zip(seeds, scales) {
      let mean = AlignedBuffer<Float>(size)
      for seed in pool { for i in 0..<size { mean.pointer[i] += seed.pointer[i] / Float(pool.count) } }
      scale.restore(mean.pointer)
      values += mean.array
    }
    return Trajectory(
      initialTime: initial, channels: emulator.domain.channels, grid: emulator.domain.grid,
      leadHours: leadHours, values: values)
  }

  private var emulated: EmulatedFile {
    let domain = emulator.domain
    return EmulatedFile(
      model: (file, digest), channels: domain.channels, units: domain.units, grid: domain.grid,
      source: "ensemble emulator", reference: "Li et al. 2024, SEEDS, doi:10.1126/sciadv.adk4489",
      quantiseBits: quantiseBits)
  }
}

/// What an emulation did.
struct EmulationReport: Encodable, CustomStringConvertible {
  var output: String
  var members, initialTimes: Int
  var leadHours: [Int]
  /// Members times lead times times initial times drawn now.
  var draws: Int
  /// What drawing and writing took.
  var seconds: Double
  var seedsPerMember: Int
  /// Members of the parent ensemble that any member drawn has seen.
  var distinctSeeds: [Int]
  var gigaflopPerDraw: Double?

  var description: String {
    let leads = leadHours.map { "\($0)" }.joined(separator: ", ")
    let speed =
      draws == 0
      ? "nothing was missing"
      : String(format: "%d draws in %.1f s, %.1f ms each", draws, seconds, 1000 * seconds / Double(draws))
    return """
      \(output): members of \(initialTimes) initial times, \(members) each, lead times \(leads) h
        \(speed)\(gigaflopPerDraw.map { String(format: ", %.2f GFLOP each", $0) } ?? "")
        \(seedsPerMember) seeds a member, from \(distinctSeeds.count) members of the parent ensemble
      """
  }
}
