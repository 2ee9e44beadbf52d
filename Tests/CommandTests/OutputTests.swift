import FieldIO
import Foundation
import Sphere
import Testing

/// Parts of members through the real binary: what is in the files, and that products know nothing of it.
@Suite struct OutputTests {
  let world: SmallWorld
  let scratch: Scratch
  init() throws {
    world = try SmallWorld.shared.get()
    scratch = try Scratch()
  }

  static let date = "20260114T00"
  static let part =
    "members: [0, 3, 8], variables: [t2m], lead_times: [48, 12, 0], region: {south: -30, north: 75, west: 300, east: 50}"

  /// A run file whose members are rounded and kept as `output` says.
  func runFile(_ output: String, in directory: String, extra: String = "") throws -> String {
    let text = world.ensemble(output: directory, extra: extra)
      .replacing(
        "quantise_bits: 14",
        with: ["quantise_bits: 14", output].filter { !$0.isEmpty }.joined(separator: ", "))
    let file = scratch.file(directory + ".yml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  /// The files of a part of a run directory and their bytes.
  func files(_ part: String) throws -> [String: Data] {
    // A lock names the process that held it last; what was killed leaves temporary files.
    let names = scratch.files.filter {
      $0.hasPrefix(part + "/") && !$0.hasSuffix("/.lock") && !$0.contains(".tmp-")
    }
    return Dictionary(
      uniqueKeysWithValues: try names.map {
        (String($0.dropFirst(part.count)), try Data(contentsOf: scratch.file($0)))
      })
  }

  func run(_ arguments: [String]) throws -> Binary.Outcome {
    let outcome = try Binary.run(arguments, in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome
  }

  @Test func aPartOfTheMembersIsThatPart() throws {
    _ = try run(["forecast", runFile("", in: "whole")])
    let file = try runFile(Self.part, in: "part")
    let plan = try Binary.run(["plan", file, "--json"], in: scratch.directory).json()
    // 3 members and 4 products of 2 initial times; lead times x channels x points of each.
    #expect(plan["files"] as? Int == 2 * (3 + 4))
    let rows = try SmallWorld.grid().latitudes.filter { $0 >= -30 && $0 <= 75 }
    #expect(plan["bytes"] as? Int == 2 * 4 * (3 * 3 * 1 * rows.count * 5 + 4 * 9 * 2 * 128))
    _ = try run(["forecast", file])
    let members = try files("part/members")
    #expect(
      members.keys.sorted()
        == ["14", "15"].flatMap { day in
          [0, 3, 8].map { "/202601\(day)T00/member_000\($0).nc" }
        })
    for number in [0, 3, 8] {
      let name = "members/\(Self.date)/member_000\(number).nc"
      let part = try NetCDFReader(scratch.file("part/" + name).path)
      let whole = try NetCDFReader(scratch.file("whole/" + name).path)
      func values(_ reader: NetCDFReader, _ variable: String) throws -> [Double] {
        try reader.values(reader.variable(variable))
      }
      #expect(!part.variables.contains { $0.name == "msl" })
      #expect(try values(part, "forecast_period") == [0, 12, 48])
      #expect(try values(part, "realization") == [Double(number)])
      let (lat, lon) = (try values(part, "lat"), try values(part, "lon"))
      #expect(lat == rows)
      #expect(lon == [315, 337.5, 360, 382.5, 405])
      let (all, found) = (try values(whole, "t2m"), try values(part, "t2m"))
      let latitudes = try values(whole, "lat")
      var expected: [Double] = []
      for time in [0, 2, 8] {
        for latitude in lat {
          let row = try #require(latitudes.firstIndex(of: latitude))
          for column in [14, 15, 0, 1, 2] { expected.append(all[(time * 8 + row) * 16 + column]) }
        }
      }
      #expect(found == expected)
      #expect(part.attributes["member"]?.text == whole.attributes["member"]?.text)
    }
    // One member alone: the part, or all of it.
    let alone = ["member", file, "--date", "2026-01-14", "--member", "3", "--output"]
    _ = try run(alone + ["three.nc"])
    _ = try run(alone + ["whole.nc", "--whole"])
    #expect(try Data(contentsOf: scratch.file("three.nc")) == members["/\(Self.date)/member_0003.nc"])
    #expect(
      try Data(contentsOf: scratch.file("whole.nc")) == files("whole/members")["/\(Self.date)/member_0003.nc"]
    )
    let status = try run(["status", "part", "--json"]).json()
    #expect(status["members_done"] as? Int == 18)
    let inspected = try run(["inspect", "part/members/\(Self.date)/member_0003.nc"]).output
    #expect(inspected.contains("t2m [K], \(rows.count) x 5 ("), "\(inspected)")
    #expect(inspected.contains("3 times 2026-01-14T00:00:00Z to 2026-01-16T00:00:00Z, member 3"))
  }

  @Test func productsAreTheSameBytesWhateverIsKept() throws {
    let products = "\n" + ProductTests.products
    _ = try run(["forecast", runFile("", in: "all", extra: products)])
    let whole = try files("all/products")
    #expect(whole.count == 2 * 12)
    let region = "region: {west: 170, east: -170}"
    for (run, output) in [("none", "members: none"), ("part", Self.part), ("box", region)] {
      _ = try self.run(["run", runFile(output, in: run, extra: products)])
      #expect(try files("\(run)/products") == whole, "\(run)")
      #expect(scratch.files.contains("\(run)/scores/products.json"))
      #expect(!scratch.files.contains { $0.hasPrefix("\(run)/partials") || $0.contains("report.html") })
    }
    let file = try runFile(Self.part, in: "shards", extra: products)
    for shard in ["2/3", "0/3", "1/3"] { _ = try run(["forecast", file, "--shard", shard]) }
    let merged = try run(["merge", file])
    #expect(merged.errors.contains("no report"))
    #expect(try files("shards/products") == whole)
    #expect(try files("shards/members") == files("part/members"))
    // Members that are lost afterwards are missed.
    let lost = try #require(scratch.files.first { $0.hasPrefix("shards/members/") && $0.hasSuffix(".nc") })
    try FileManager.default.removeItem(at: scratch.file(lost))
    let again = try Binary.run(["merge", file], in: scratch.directory)
    #expect(again.code == 75 && again.errors.contains("lack members"), "\(again.errors)")
  }

  @Test func aKilledRunGoesOn() throws {
    let file = try runFile(Self.part, in: "killed", extra: "products: {save_minutes: 0}")
    let calm = try runFile(Self.part, in: "calm", extra: "products: {save_minutes: 0}")
    _ = try run(["forecast", calm])
    for milliseconds in [60, 120, 180, 240, 300] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Binary.path)
      process.arguments = ["forecast", file, "--threads", "1"]
      process.currentDirectoryURL = scratch.directory
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      usleep(UInt32(milliseconds) * 1000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    _ = try run(["forecast", file])
    for part in ["members", "products", "checksums"] {
      let (killed, whole) = (try files("killed/" + part), try files("calm/" + part))
      #expect(killed.keys.sorted() == whole.keys.sorted() && !whole.isEmpty)
      for (name, bytes) in whole { #expect(killed[name] == bytes, "\(name)") }
    }
  }

  static let emulation = "emulation: {emulator: e.safetensors, members: 3, random_seeds: 2}"
  static let refusals: [(output: String, extra: String, words: [String])] = [
    ("members: some", "", ["'members': unknown choice: found 'some', expected all, none or a list"]),
    ("members: [0, 9]", "", ["'members': no such member: found 9, expected 0 to 8"]),
    ("members: [0, -1]", "", ["'members': wrong value", "-1"]),
    ("members: []", "", ["'members': empty list"]),
    ("variables: []", "", ["'variables': empty list"]),
    ("variables: [t2m, t2m]", "", ["channel named twice"]),
    ("variables: [z500]", "", ["'output.variables': is not forecast: found z500, expected one of msl, t2m"]),
    (
      "lead_times: [24, 25]", "",
      ["'lead_times': is no output time: found 25 h", "multiples of output.every_hours (6 h) up to 48 h"]
    ),
    ("lead_times: [54]", "", ["'lead_times': is no output time"]),
    ("region: {south: 50, north: 40}", "", ["'north': lies south of its southern edge"]),
    ("region: {west: 50}", "", ["'east': missing key in region"]),
    ("region: {south: 0, north: 1}", "", ["'output.region': the region has no point of the grid"]),
    ("region: {left: 50}", "", ["'left': unknown key"]),
    (
      "members: none", emulation,
      ["'emulation': seeds are drawn from members that are not kept whole: found output.members: none"]
    ),
    ("members: [1, 2]", emulation, ["'emulation'", "output.members: a list"]),
    ("variables: [msl]", emulation, ["'emulation'", "output.variables"]),
    ("region: {west: 1, east: 50}", emulation, ["'emulation'", "found output.region"]),
  ]

  @Test(arguments: refusals) func whatCannotWorkIsRefused(
    _ item: (output: String, extra: String, words: [String])
  ) throws {
    let outcome = try Binary.run(
      ["run", runFile(item.output, in: "run", extra: item.extra)], in: scratch.directory)
    #expect(outcome.code == 78 && outcome.output.isEmpty, "\(outcome.errors)")
    for word in item.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
    #expect(!scratch.files.contains { $0.hasSuffix(".nc") })
  }

  @Test func reportsAndOtherPartsAreRefusedWhereMembersAreNotWhole() throws {
    _ = try run(["forecast", runFile(Self.part, in: "run")])
    let report = try Binary.run(["report", "run.yml"], in: scratch.directory)
    #expect(report.code == 78 && report.errors.contains("output.members: a list"), "\(report.errors)")
    let before = try files("run")
    let other = try Binary.run(
      ["forecast", runFile(Self.part.replacing("t2m", with: "msl"), in: "run")], in: scratch.directory)
    #expect(other.code == 73 && other.errors.contains("'output': "), "\(other.errors)")
    #expect(other.errors.contains("found variables t2m, lead times 0 12 48 h"), "\(other.errors)")
    #expect(try files("run") == before)
  }

  @Test func aDailyRunScoresProductsOfPartsOfMembers() throws {
    var tables: [Data] = []
    for output in ["members: none", "members: [0, 3], variables: [msl]", "lead_times: [24]"] {
      let daily = try DailyWorld(members: false)
      let file = daily.scratch.file("daily.yml")
      try String(contentsOf: file, encoding: .utf8).replacing("members: none", with: output).write(
        to: file, atomically: true, encoding: .utf8)
      for day in 14...15 {
        try daily.deliver(day: day)
        let outcome = try daily.run(day: day)
        #expect(outcome.code == 0, "\(outcome.errors)")
      }
      tables.append(try #require(try daily.products()["out/products/verification.csv"]))
      #expect(
        daily.scratch.files.count { $0.contains("member_") }
          == (output.contains("none") ? 0 : output.contains("[0, 3]") ? 4 : 18))
    }
    #expect(tables[1] == tables[0] && tables[2] == tables[0])
  }
}
