import ArgumentParser
import Basics
import Emulators
import FieldIO
import Fields
import Logging
import Models

struct EmulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emulate",
    abstract: "Draw further members of an ensemble from a few, with an emulator.",
    discussion: """
      Reads seeds from any ensemble in NetCDF and writes one file a member and initial time, as `apus run` does, \
      with what made it among its attributes. A member follows from emulator, seeds, --seed, initial time and its \
      number: --first-member 37 --members 1 makes member 37 alone, bit for bit. Members that are there are not \
      made again.
      """)

  @Argument(help: "The emulator: a safetensors file of `apus train`.", completion: .file())
  var emulator: String

  @Option(name: .long, parsing: .upToNextOption, help: "Files of the ensemble that seeds are taken from.")
  var seeds: [String] = []

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "For a variational forecaster instead: files with the analyses that it starts from.")
  var analyses: [String] = []

  @Option(
    help: ArgumentHelp(
      "For a variational forecaster: hours between initial times; 24 by default.", valueName: "hours"))
  var everyHours: Int?

  @Option(
    name: .long, parsing: .upToNextOption, help: "Members that are seeds: the same for every member drawn.")
  var seedMembers: [Int] = []

  @Option(
    help: ArgumentHelp("Instead, so many seeds drawn anew for every member.", valueName: "count"))
  var randomSeeds: Int?

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Members that random seeds are not drawn from; member 0 is the control.")
  var excludeMembers: [Int] = [0]

  @Option(
    help: ArgumentHelp(
      "For a variational forecaster: correlation of its noise from one step to the next, 0 to below 1; by default the file's.",
      valueName: "phi"))
  var noiseMemory: Double?

  @Option(help: "Members to draw.")
  var members: Int

  @Option(help: "Number of the first of them.")
  var firstMember = 1

  @Option(name: .long, parsing: .upToNextOption, help: "Lead times [h]; all that emulator and seeds have.")
  var leadTimes: [Int] = []

  @Option(help: "First initial time.")
  var from: Instant?

  @Option(help: "Last initial time.")
  var to: Instant?

  @Option(help: "Random numbers follow from it.")
  var seed: UInt64 = 1

  @Option(help: "How a diffusion emulator samples: heun or dpm_solver_2s.")
  var sampler: DiffusionSampler.Method?

  @Option(help: "Noise levels of a diffusion emulator; 8 take 15 evaluations of the network.")
  var levels: Int?

  @Option(help: "Factor on a diffusion emulator's starting noise.")
  var noiseFactor: Double?

  @Option(help: ArgumentHelp("Mantissa bits kept in the files; all by default.", valueName: "bits"))
  var quantiseBits: Int?

  @Flag(help: "With --seeds: write mean, spread, minimum and maximum of the members too.")
  var products = false

  @Flag(
    inversion: .prefixedNo,
    help: "Write the members; with --no-write-members, which goes with --seeds, their products alone.")
  var writeMembers = true

  @Option(help: "The directory to write to.")
  var output: String

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard seeds.isEmpty != analyses.isEmpty else {
      throw ValidationError("Give --seeds, or --analyses for a variational forecaster.")
    }
    guard !analyses.isEmpty || seedMembers.isEmpty != (randomSeeds == nil) else {
      throw ValidationError("Give --seed-members or --random-seeds, one of the two.")
    }
    guard analyses.isEmpty || (from != nil && !leadTimes.isEmpty) else {
      throw ValidationError("--analyses goes with --from and --lead-times.")
    }
    guard !analyses.isEmpty || everyHours == nil && noiseMemory == nil else {
      throw ValidationError("--every-hours and --noise-memory go with --analyses.")
    }
    if let everyHours, !(1...87_600).contains(everyHours) {
      throw ValidationError("--every-hours is \(everyHours); expected 1...87600.")
    }
    if let hours = leadTimes.first(where: { !(0...87_600).contains($0) }) {
      throw ValidationError("--lead-times names \(hours); expected 0...87600.")
    }
    if let from, let to, to < from { throw ValidationError("--to is before --from.") }
    guard
      analyses.isEmpty
        || seedMembers.isEmpty && randomSeeds == nil && sampler == nil && levels == nil && noiseFactor == nil
    else {
      throw ValidationError(
        "--seed-members, --random-seeds, --sampler, --levels and --noise-factor go with --seeds.")
    }
    guard members >= 1, firstMember >= (analyses.isEmpty ? 1 : 0) else {
      throw ValidationError("--members and --first-member are 1 or more.")
    }
    guard members <= 1_000_000, firstMember <= 1_000_000_000 else {
      throw ValidationError("--members is at most 1000000, --first-member 1000000000.")
    }
    guard !products || members <= 65_535 else {
      throw ValidationError("--members is \(members); with --products at most 65535.")
    }
    guard writeMembers || products else { throw ValidationError("--no-write-members needs --products.") }
    guard analyses.isEmpty || !products else { throw ValidationError("--products goes with --seeds.") }
    guard Set(seedMembers).count == seedMembers.count else {
      throw ValidationError("--seed-members names a member twice.")
    }
    if let levels, !(2...1000).contains(levels) {
      throw ValidationError("--levels is \(levels); expected 2...1000.")
    }
    if let quantiseBits, !(1...23).contains(quantiseBits) {
      throw ValidationError("--quantise-bits is \(quantiseBits); expected 1...23.")
    }
    if let noiseMemory, !(0..<1).contains(noiseMemory) {
      throw ValidationError("--noise-memory is \(noiseMemory); expected 0 to below 1.")
    }
    if let noiseFactor, !(0.1...10).contains(noiseFactor) {
      throw ValidationError("--noise-factor is \(noiseFactor); expected 0.1...10.")
    }
  }

  func run() throws {
    if !analyses.isEmpty { return try forecast() }
    var (plan, finish) = try EmulatorFile.readWithFinish(emulator)
    if sampler != nil || levels != nil || noiseFactor != nil {
      guard var network = plan as? NetworkEmulator, network.kind == .diffusion else {
        throw ApusError(
          .usage, "--sampler, --levels and --noise-factor are for diffusion emulators", file: emulator)
      }
      if let sampler { network.sampler.method = sampler }
      if let levels { network.sampler.levels = levels }
      if let noiseFactor { network.sampler.noiseFactor = noiseFactor }
      plan = network
    }
    let source = try SeedSource(
      seeds, emulator: plan, choice: randomSeeds.map { .random(count: $0) } ?? .fixed(seedMembers),
      leavingOut: Set(excludeMembers))
    let run = EmulationRun(
      emulator: plan, finish: finish, file: emulator, digest: try SHA256.hexadecimal(ofFile: emulator),
      source: source,
      seed: seed, members: firstMember..<firstMember + members, output: output, quantiseBits: quantiseBits,
      keepsMembers: writeMembers, writesProducts: products, threads: threads.count, logger: log.logger)
    try result.show(run.run(from: from, to: to, leadHours: leadTimes.isEmpty ? nil : leadTimes))
  }

  /// A variational forecaster's own forecasts.
  private func forecast() throws {
    let stored = try VariationalFile.read(emulator)
    let forecaster = noiseMemory.map(stored.with(noiseMemory:)) ?? stored
    if stored.finish != nil, forecaster.finish == nil {
      log.logger.warning(
        "members do not get the truth's power at their lead time: that was measured with a noise memory of \(stored.noiseMemory)"
      )
    }
    let base = forecaster.base
    let archive = try Archive(
      analyses, channels: base.channels, units: base.units, grid: base.grid, degrees: base.degrees)
    guard let first = from else { throw ApusError(.usage, "--from is missing") }
    let times = stride(from: first.seconds, through: (to ?? first).seconds, by: (everyHours ?? 24) * 3600).map
    {
      Instant(seconds: $0)
    }
    let run = VariationalRun(
      forecaster: forecaster, file: emulator, digest: try SHA256.hexadecimal(ofFile: emulator),
      analyses: archive, seed: seed, members: firstMember..<firstMember + members, initialTimes: times,
      leadHours: Set(leadTimes).sorted(), output: output, quantiseBits: quantiseBits, threads: threads.count,
      logger: log.logger)
    try result.show(run.run())
  }
}

extension DiffusionSampler.Method: ExpressibleByArgument {}
