import FieldIO
import Foundation
import Sphere
import Testing

/// Products of ensembles through the real binary: against the members themselves, and in shards.
@Suite struct ProductTests {
  let world: SmallWorld
  init() throws { world = try SmallWorld.shared.get() }

  static let products = """
    products:
      thresholds: {msl: [101500, "climate:p90"], t2m: ["climate:mean+1std"]}
      quantiles: true
      distribution: true
      spectra: true
      member_errors: true
      every_hours: 24
      points: [{name: Here, latitude: 12.5, longitude: -33}, {name: There, latitude: -40, longitude: 100}]
    """

  /// A run file that keeps members or not, unrounded.
  func runFile(_ scratch: Scratch, members: String, output: String) throws -> String {
    let text = world.ensemble(output: output, extra: Self.products)
      .replacing("quantise_bits: 14", with: "members: \(members)")
    let file = scratch.file(output + ".yml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func values(_ scratch: Scratch, _ path: String, _ name: String) throws -> [Double] {
    let reader = try NetCDFReader(scratch.file(path).path)
    return try reader.values(reader.variable(name))
  }

  func products(_ scratch: Scratch, _ run: String) throws -> [String: Data] {
    let names = scratch.files.filter { $0.hasPrefix(run + "/products/") }
    return Dictionary(
      uniqueKeysWithValues: try names.map {
        (String($0.dropFirst(run.count)), try Data(contentsOf: scratch.file($0)))
      })
  }

  @Test func productsSayWhatTheMembersSay() throws {
    let scratch = try Scratch()
    let outcome = try Binary.run(
      ["forecast", runFile(scratch, members: "all", output: "kept")], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let (points, date) = (128, "20260114T00")
    // [member][time][point]; lead times 24 h and 48 h are places 4 and 8.
    let members = try (0..<9).map { try values(scratch, "kept/members/\(date)/member_000\($0).nc", "msl") }
    func at(_ member: Int, _ lead: Int, _ point: Int) -> Double {
      members[member][(4 + 4 * lead) * points + point]
    }
    let above = try values(scratch, "kept/products/probabilities_\(date).nc", "msl_above_0")
    let distribution = try values(scratch, "kept/products/distribution_\(date).nc", "msl_above")
    let distances = try values(scratch, "kept/products/distribution_\(date).nc", "msl_distance")
    let least = try values(scratch, "kept/products/extreme_members_\(date).nc", "msl_minimum_member")
    let efi = try values(scratch, "kept/products/efi_\(date).nc", "msl_efi")
    #expect(efi.allSatisfy { abs($0) <= 1 } && efi.contains { $0 != efi[0] })
    for lead in 0..<2 {
      for point in 0..<points {
        let all = (0..<9).map { at($0, lead, point) }
        #expect(above[lead * points + point] == Double(Float(all.count { $0 > 101_500 }) / 9))
        #expect(Int(least[(4 + 4 * lead) * points + point]) == all.firstIndex(of: all.min() ?? 0))
        for (step, distance) in distances.enumerated() where step % 7 == 0 {
          let bound = Double(Float(all[0]) + Float(distance))
          let count = distribution[(lead * distances.count + step) * points + point]
          #expect(Int(count) == all.count { $0 > bound })
        }
      }
    }
    let plume = try values(scratch, "kept/products/plumes_\(date).nc", "msl")
    let places = try [(12.5, 327.0), (-40, 100)].map {
      BilinearPlace(try SmallWorld.grid(), latitude: $0.0, longitude: $0.1)
    }
    for member in 0..<9 {
      for time in 0..<9 {
        let field = members[member][time * points..<(time + 1) * points].map { Float($0) }
        for (point, place) in places.enumerated() {
          let written = Float(plume[(time * 9 + member) * 2 + point])
          #expect(field.withUnsafeBufferPointer { written == place.value($0) })
        }
      }
    }
    // The analyses are the truth: no member is without an error later, and the control has none at the start.
    let errors = try values(scratch, "kept/products/member_errors_\(date).nc", "msl_rmse")
    #expect(errors[0] == 0 && errors[9] > 0 && errors[8] > errors[0])
    let power = try values(scratch, "kept/products/spectra_\(date).nc", "msl_power")
    #expect(power.count == 9 * 8 && power[0] == 0 && power[1] > 0)
    // Only files of fields have a grid.
    for (name, hasGrid) in [
      ("efi", true), ("distribution", true), ("plumes", false), ("member_errors", false), ("spectra", false),
    ] {
      let reader = try NetCDFReader(scratch.file("kept/products/\(name)_\(date).nc").path)
      #expect(reader.variables.contains { $0.name == "lat" } == hasGrid, "\(name)")
    }
    try "text".write(to: scratch.file("taken"), atomically: true, encoding: .utf8)
    let plan = try Binary.run(
      ["plan", runFile(scratch, members: "all", output: "taken")], in: scratch.directory)
    #expect(plan.code == 73 && plan.errors.contains("there is a file where"), "\(plan.errors)")
  }

  @Test func membersKeptOrNotAndAnyShardsGiveTheSameBytes() throws {
    let scratch = try Scratch()
    for members in ["all", "none"] {
      let outcome = try Binary.run(
        ["run", runFile(scratch, members: members, output: members)], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let whole = try products(scratch, "none")
    #expect(whole.count == 2 * 12)
    #expect(!scratch.files.contains { $0.hasPrefix("none/members/") || $0.contains("partials") })
    // No report is drawn of products alone.
    for (run, word) in [("none", "none"), ("all", "done")] {
      let status = try Binary.run(["status", run], in: scratch.directory)
      #expect(status.output.contains("report    \(word)"), "\(status.output)")
    }
    let scored = try String(contentsOf: scratch.file("none/scores/products.json"), encoding: .utf8)
    #expect(
      scored.contains("\"crps\"") && scored.contains("\"lead_hours\"") && scored.contains("climate:p90"))
    // Titles and histories name run files alike; what is kept of members does not enter products.
    #expect(try products(scratch, "all") == whole)

    let file = try runFile(scratch, members: "none", output: "shards")
    for (shard, threads) in [("2/3", "1"), ("0/3", "2")] {
      let part = try Binary.run(
        ["forecast", file, "--shard", shard, "--threads", threads], in: scratch.directory)
      #expect(part.code == 0, "\(part.errors)")
    }
    let early = try Binary.run(["merge", file], in: scratch.directory)
    #expect(early.code == 75 && early.errors.contains("lack members"))
    let last = try Binary.run(["forecast", file, "--shard", "1/3"], in: scratch.directory)
    #expect(last.code == 0)
    let damaged = try #require(scratch.files.first { $0.hasSuffix("1_of_3.sums") })
    let data = try Data(contentsOf: scratch.file(damaged))
    try data.prefix(data.count - 1000).write(to: scratch.file(damaged))
    let refused = try Binary.run(["merge", file], in: scratch.directory)
    #expect(
      refused.code == 65 && refused.errors.contains("damaged") && refused.errors.contains("1_of_3.sums"))
    let again = try Binary.run(["run", file], in: scratch.directory)
    #expect(again.code == 0 && again.errors.contains("set aside"), "\(again.errors)")
    #expect(try products(scratch, "shards") == whole)
  }

  @Test func anotherRunFileOrCheckpointIsRefusedWithWhatDiffers() throws {
    let scratch = try Scratch()
    let file = try runFile(scratch, members: "none", output: "run")
    let first = try Binary.run(["forecast", file, "--shard", "0/3"], in: scratch.directory)
    #expect(first.code == 0)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let checkpoint = scratch.file("other.safetensors").path
    let trained = try Binary.run(
      ["checkpoint", "average", world.checkpoint, "--half", "-o", checkpoint], in: scratch.directory)
    #expect(trained.code == 0, "\(trained.errors)")
    for (change, word) in [
      (text.replacing("spectra: true", with: "spectra: false"), "products"),
      (text.replacing("seed: 11", with: "seed: 12"), "seed"),
      (text.replacing(world.checkpoint, with: checkpoint), "checkpoint"),
    ] {
      try change.write(toFile: file, atomically: true, encoding: .utf8)
      let outcome = try Binary.run(["forecast", file], in: scratch.directory)
      #expect(outcome.code == 73 && outcome.errors.contains(word), "\(outcome.errors)")
    }
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["run", file], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test func productsThatDoNotFitAreRefusedBeforeAnyWork() throws {
    let scratch = try Scratch()
    let file = try runFile(scratch, members: "none", output: "run")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for (change, word) in [
      (text.replacing("msl: [101500", with: "mls: [101500"), "mls"),
      (text.replacing("climate:p90", with: "climate:q90"), "climate:q90"),
      (text.replacing("every_hours: 24\n  points", with: "every_hours: 11\n  points"), "every_hours"),
      (text.replacing("distribution: true", with: "distributions: true"), "Did you mean 'distribution'?"),
      (text.replacing("latitude: 12.5", with: "latitude: 125"), "latitude"),
    ] {
      try change.write(toFile: file, atomically: true, encoding: .utf8)
      let outcome = try Binary.run(["forecast", file], in: scratch.directory)
      #expect(outcome.code == 78 && outcome.errors.contains(word), "\(outcome.errors)")
    }
    #expect(!scratch.files.contains { $0.hasSuffix(".nc") })
  }
}
