import Basics
import FieldIO
import Foundation
import Testing

/// An ensemble for tests, [member][time][row][column], that can be written in any layout.
struct SyntheticEnsemble {
  let members: Int
  let times: Int
  let latitudes: [Double]
  let longitudes: [Double]
  var values: [Float]
  var truth: [Float]

  init(members: Int = 5, times: Int = 2, rows: Int = 7, columns: Int = 12) {
    (self.members, self.times) = (members, times)
    latitudes = (0..<rows).map { 90 - 180 * Double($0) / Double(rows - 1) }
    longitudes = (0..<columns).map { 360 * Double($0) / Double(columns) }
    let count = times * rows * columns
    values = Philox(seed: 1, purpose: .test).normals(members * count).map { Float(280 + 2 * $0) }
    truth = Philox(seed: 2, purpose: .test).normals(count).map { Float(280 + 2 * $0) }
  }

  func value(_ member: Int, _ time: Int, _ row: Int, _ column: Int) -> Float {
    values[((member * times + time) * latitudes.count + row) * longitudes.count + column]
  }

  /// How a file is laid out.
  struct Layout {
    /// Dimension names in order; `member`, `time`, `lat`, `lon` stand for the axes.
    var order = ["time", "member", "lat", "lon"]
    var names = ["member": "realization", "time": "time", "lat": "lat", "lon": "lon"]
    var memberRange: Range<Int>?
    var scalarMember: Int?
    var southToNorth = false
    var fromMinus180 = false
    var units = "K"
    var variable = "t2m"
    var isDouble = false
    var firstHour = 6.0
  }

  func write(_ file: URL, _ layout: Layout = Layout()) throws {
    let numbers = Array(layout.memberRange ?? 0..<members)
    let rows = layout.southToNorth ? Array(latitudes.indices.reversed()) : Array(latitudes.indices)
    let half = longitudes.count / 2
    let columns = longitudes.indices.map { layout.fromMinus180 ? ($0 + half) % longitudes.count : $0 }
    let lengths = ["member": numbers.count, "time": times, "lat": rows.count, "lon": columns.count]
    let writer = try NetCDFWriter(file.path)
    func name(_ axis: String) -> String { layout.names[axis] ?? axis }
    for axis in layout.order { try writer.dimension(name(axis), lengths[axis] ?? 1) }
    try writer.variable(
      name("time"), .double, [name("time")], ["units": .text("hours since 2001-01-01 00:00:00")])
    try writer.put(name("time"), (0..<times).map { layout.firstHour + 6 * Double($0) })
    try writer.variable(name("lat"), .double, [name("lat")], ["units": .text("degrees_north")])
    try writer.put(name("lat"), rows.map { latitudes[$0] })
    try writer.variable(name("lon"), .double, [name("lon")], ["units": .text("degrees_east")])
    try writer.put(
      name("lon"),
      columns.map { layout.fromMinus180 && longitudes[$0] >= 180 ? longitudes[$0] - 360 : longitudes[$0] })
    if layout.order.contains("member") {
      try writer.variable(name("member"), .int32, [name("member")], ["standard_name": .text("realization")])
      try writer.put(name("member"), numbers.map { Int32($0) })
    } else if let scalar = layout.scalarMember {
      try writer.variable("realization", .int32, [], ["standard_name": .text("realization")])
      try writer.put("realization", [Int32(scalar)])
    }
    try writer.variable(
      layout.variable, layout.isDouble ? .double : .float, layout.order.map(name),
      ["units": .text(layout.units)])
    var data: [Float] = []
    func visit(_ axes: ArraySlice<String>, _ place: [String: Int]) {
      guard let axis = axes.first else {
        let member = layout.scalarMember ?? numbers[place["member"] ?? 0]
        data.append(
          value(member, place["time"] ?? 0, rows[place["lat"] ?? 0], columns[place["lon"] ?? 0]))
        return
      }
      for i in 0..<(lengths[axis] ?? 1) { visit(axes.dropFirst(), place.merging([axis: i]) { $1 }) }
    }
    visit(layout.order[...], [:])
    if layout.isDouble {
      try writer.put(layout.variable, data.map(Double.init))
    } else {
      try writer.put(layout.variable, data)
    }
    try writer.finish()
  }

  func writeTruth(_ file: URL, _ layout: Layout = Layout()) throws {
    var other = self
    other.values = truth
    var single = layout
    single.order.removeAll { $0 == "member" }
    single.memberRange = 0..<1
    try other.write(file, single)
  }
}

@Suite struct VerifyTests {
  static let reference = URL(fileURLWithPath: Bundle.module.bundlePath)
    .appendingPathComponent("Resources/verification")

  static func path(_ name: String) -> String { reference.appendingPathComponent(name).path }

  static let referenceArguments = [
    "verify", "--forecast", path("verification_forecast.nc"), "--truth", path("verification_truth.nc"),
    "--variable", "t2m", "--climate", path("verification_climate.nc"), "--threshold-from",
    "climate:mean+1std",
  ]

  /// Everything in a file of scores, by name.
  static func scores(_ file: String) throws -> [String: [Double]] {
    let reader = try NetCDFReader(file)
    return try Dictionary(
      uniqueKeysWithValues: reader.variables.map { ($0.name, try reader.values($0)) })
  }

  @Test func everyReferenceAnswer() throws {
    let scratch = try Scratch()
    let outcome = try Binary.run(
      VerifyTests.referenceArguments + ["--output", "scores.nc"], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let answers = try NetCDFReader(VerifyTests.path("verification_answers.nc"))
    let scores = try NetCDFReader(scratch.file("scores.nc").path)
    #expect(answers.variables.count == 24)
    for answer in answers.variables {
      let score = try #require(scores.variables.first { $0.name == answer.name }, "\(answer.name)")
      #expect(score.dimensions.map(\.name) == answer.dimensions.map(\.name))
      let (expected, found) = (try answers.values(answer), try scores.values(score))
      let isFar = zip(expected, found).filter { expected, found in
        // 1e-15: what is 0 but for rounding in the programs that made the answers.
        expected.isNaN != found.isNaN || abs(found - expected) > 1e-6 * abs(expected) + 1e-15
      }
      #expect(expected.count == found.count && isFar.isEmpty, "\(answer.name): \(isFar.prefix(3))")
    }
    #expect(scratch.files == ["scores.nc"])
    #expect(outcome.output.contains("t2m [K], 11 members"))
    #expect(outcome.output.contains("ROC area  0.8847"))
  }

  @Test func jsonHasTheSameNumbers() throws {
    let scratch = try Scratch()
    let outcome = try Binary.run(
      VerifyTests.referenceArguments + ["--output", "s.nc", "--json", "--control", "3", "--no-pointwise"],
      in: scratch.directory)
    let json = try outcome.json()
    let scores = try VerifyTests.scores(scratch.file("s.nc").path)
    let times = try #require(json["times"] as? [[String: Any]])
    #expect(times.count == 4)
    #expect(times[2]["time"] as? String == "2001-01-01T18:00:00Z")
    for (key, name) in [
      ("rmse_mean", "rmse_mean"), ("crps_fair", "crps_fair_mean"), ("energy_score", "energy_score"),
      ("mae_control", "mae_control"), ("rmse_control", "rmse_control"), ("spread", "spread"),
    ] {
      let found = try times.map { try #require($0[key] as? Double) }
      let written = try #require(scores[name])
      #expect(zip(found, written).allSatisfy { abs($0 - $1) < 1e-12 * $1 }, "\(name)")
    }
    let overall = try #require(json["overall"] as? [String: Any])
    let meanSquare = try #require(scores["rmse_mean"]).reduce(0) { $0 + $1 * $1 } / 4
    #expect(abs(try #require(overall["rmse_mean"] as? Double) - meanSquare.squareRoot()) < 1e-12)
    #expect(scores["crps"] == nil && scores["efi"] == nil && scores["threshold"] != nil)
    #expect(json["members"] as? Int == 11)
  }

  @Test func everyLayoutGivesTheSameBits() throws {
    let scratch = try Scratch()
    let ensemble = SyntheticEnsemble()
    try ensemble.write(scratch.file("plain.nc"))
    try ensemble.writeTruth(scratch.file("truth.nc"))
    func verify(_ forecasts: [String], truth: String = "truth.nc") throws -> [String: [Double]] {
      let outcome = try Binary.run(
        ["verify", "--forecast"] + forecasts + ["--truth", truth, "--variable", "t2m"]
          + ["--threshold-from", "281", "--output", "scores.nc"], in: scratch.directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try VerifyTests.scores(scratch.file("scores.nc").path)
    }
    let plain = try verify(["plain.nc"])
    // A score by hand, so that all layouts are not merely wrong alike.
    let members = (0..<5).map { Double(ensemble.value($0, 1, 2, 3)) }
    let truth = Double(ensemble.truth[(7 + 2) * 12 + 3])
    var crps = members.reduce(0) { $0 + abs($1 - truth) } / 5
    for a in members { for b in members { crps -= abs(a - b) / 50 } }
    #expect(abs(try #require(plain["crps"])[(7 + 2) * 12 + 3] - crps) < 1e-12)

    typealias Layout = SyntheticEnsemble.Layout
    let european = [
      "member": "number", "time": "valid_time", "lat": "latitude", "lon": "longitude",
    ]
    let layouts: [Layout] = [
      Layout(order: ["lon", "lat", "member", "time"]), Layout(order: ["lat", "time", "lon", "member"]),
      Layout(order: ["member", "time", "lat", "lon"], names: european), Layout(southToNorth: true),
      Layout(southToNorth: true, fromMinus180: true), Layout(isDouble: true),
    ]
    for (place, layout) in layouts.enumerated() {
      try ensemble.write(scratch.file("f.nc"), layout)
      try ensemble.writeTruth(scratch.file("t.nc"), layout)
      #expect(try verify(["f.nc"]) == plain, "layout \(place)")
      #expect(try verify(["f.nc"], truth: "t.nc") == plain, "layout \(place), truth too")
    }
    // One file a member, given in any order; and bundles.
    for member in 0..<5 {
      try ensemble.write(
        scratch.file("m\(member).nc"), Layout(order: ["time", "lat", "lon"], scalarMember: member))
    }
    #expect(try verify([3, 1, 4, 0, 2].map { "m\($0).nc" }) == plain)
    try ensemble.write(scratch.file("a.nc"), Layout(memberRange: 2..<5))
    try ensemble.write(scratch.file("b.nc"), Layout(memberRange: 0..<2))
    #expect(try verify(["a.nc", "b.nc"]) == plain)
  }

  @Test func missingValuesAreLeftOut() throws {
    let scratch = try Scratch()
    var ensemble = SyntheticEnsemble()
    try ensemble.write(scratch.file("whole.nc"))
    try ensemble.writeTruth(scratch.file("truth.nc"))
    ensemble.values[3 * 168 + 40] = .nan
    ensemble.truth[100] = .nan
    try ensemble.write(scratch.file("holed.nc"))
    try ensemble.writeTruth(scratch.file("holedtruth.nc"))
    for (forecast, truth) in [("whole.nc", "truth.nc"), ("holed.nc", "holedtruth.nc")] {
      let outcome = try Binary.run(
        [
          "verify", "--forecast", forecast, "--truth", truth, "--variable", "t2m", "--output",
          "s-\(forecast)",
        ],
        in: scratch.directory)
      #expect(outcome.code == 0)
      #expect(outcome.errors.contains("points=2") == (forecast == "holed.nc"))
    }
    let whole = try VerifyTests.scores(scratch.file("s-whole.nc").path)
    let holed = try VerifyTests.scores(scratch.file("s-holed.nc").path)
    let (all, some) = (try #require(whole["crps"]), try #require(holed["crps"]))
    #expect(all.indices.filter { some[$0].isNaN } == [40, 100])
    #expect(all.indices.allSatisfy { some[$0].isNaN || some[$0] == all[$0] })
    #expect(try #require(holed["rank_histogram"]).reduce(0, +) == 166)
    let weights = ensemble.latitudes.map { max(0, cos($0 * .pi / 180)) }
    var (sum, weight) = (0.0, 0.0)
    for point in 0..<84 where point != 40 {
      sum += weights[point / 12] * all[point]
      weight += weights[point / 12]
    }
    #expect(abs(try #require(holed["crps_mean"])[0] - sum / weight) < 1e-12)
    // Nothing left at one time: no scores at all.
    for point in 0..<84 { ensemble.truth[84 + point] = .nan }
    try ensemble.writeTruth(scratch.file("empty.nc"))
    let empty = try Binary.run(
      [
        "verify", "--forecast", "whole.nc", "--truth", "empty.nc", "--variable", "t2m", "--output", "none.nc",
      ],
      in: scratch.directory)
    #expect(empty.code == 65)
    #expect(empty.errors.contains("only missing values at 2001-01-01T12:00:00Z"))
    #expect(!scratch.files.contains { $0.hasPrefix("none.nc") })
  }

  @Test func aSingleMemberHasNoFairScores() throws {
    let scratch = try Scratch()
    let ensemble = SyntheticEnsemble(members: 1)
    try ensemble.write(scratch.file("f.nc"))
    try ensemble.writeTruth(scratch.file("t.nc"))
    let outcome = try Binary.run(
      [
        "verify", "--forecast", "f.nc", "--truth", "t.nc", "--variable", "t2m", "--threshold-from", "280",
        "--output", "s.nc",
      ], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let scores = try VerifyTests.scores(scratch.file("s.nc").path)
    #expect(try #require(scores["crps_fair"]).allSatisfy(\.isNaN))
    #expect(try #require(scores["spread"]).allSatisfy(\.isNaN))
    let errors = zip(ensemble.values, ensemble.truth).map { abs(Double($0) - Double($1)) }
    #expect(try #require(scores["crps"]) == errors)
  }

  /// An output is a file: a link is followed, a pipe or a device (`/dev/null` for one) stays what it is, and a limit on the
  /// size of files is an error of writing.
  @Test func outputsThatAreNoFiles() throws {
    let scratch = try Scratch()
    let ensemble = SyntheticEnsemble()
    try ensemble.write(scratch.file("forecast.nc"))
    try ensemble.writeTruth(scratch.file("truth.nc"))
    func arguments(_ output: String) -> [String] {
      [
        "verify", "--forecast", scratch.file("forecast.nc").path, "--truth", scratch.file("truth.nc").path,
        "--variable", "t2m", "--output", scratch.file(output).path,
      ]
    }
    #expect(mkfifo(scratch.file("pipe").path, 0o644) == 0)
    let pipe = try Binary.run(arguments("pipe"))
    #expect(pipe.code == 73 && pipe.errors.contains("what is there is no file"), "\(pipe.errors)")
    var facts = stat()
    #expect(lstat(scratch.file("pipe").path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO)

    try Data("old".utf8).write(to: scratch.file("real.nc"))
    #expect(symlink("real.nc", scratch.file("link.nc").path) == 0)
    let link = try Binary.run(arguments("link.nc"))
    #expect(link.code == 0, "\(link.errors)")
    #expect(lstat(scratch.file("link.nc").path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK)
    #expect(try NetCDFReader(scratch.file("real.nc").path).variables.contains { $0.name == "crps_mean" })

    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments =
      [
        "-c", "ulimit -f 4; exec \"$@\" 2> '\(scratch.file("errors").path)' > '\(scratch.file("said").path)'",
        "sh",
        Binary.path,
      ] + arguments("limited.nc")
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit && shell.terminationStatus == 74)
    #expect(!scratch.files.contains { $0.hasPrefix("limited.nc") })
  }

  @Test func badInputEndsWithOneMessageAndNoFile() throws {
    let scratch = try Scratch()
    let ensemble = SyntheticEnsemble()
    typealias Layout = SyntheticEnsemble.Layout
    try ensemble.write(scratch.file("f.nc"))
    try ensemble.writeTruth(scratch.file("t.nc"))
    try ensemble.writeTruth(scratch.file("celsius.nc"), Layout(units: "degC"))
    try ensemble.writeTruth(scratch.file("late.nc"), Layout(firstHour: 12))
    try SyntheticEnsemble(rows: 9).writeTruth(scratch.file("grid.nc"))
    try ensemble.write(scratch.file("half.nc"), Layout(memberRange: 0..<2, firstHour: 18))
    let whole = try Data(contentsOf: scratch.file("f.nc"))
    try whole.prefix(whole.count / 2).write(to: scratch.file("cut.nc"))
    try Data("no NetCDF".utf8).write(to: scratch.file("text.nc"))
    struct Case {
      var forecast = ["f.nc"]
      var truth = "t.nc"
      var variable = "t2m"
      var more: [String] = []
      var output = "s.nc"
      let code: Int32
      let words: [String]
    }
    let cases = [
      Case(forecast: ["nowhere.nc"], code: 66, words: ["nowhere.nc", "no such file"]),
      Case(truth: "nowhere.nc", code: 66, words: ["nowhere.nc"]),
      Case(variable: "z500", code: 66, words: ["f.nc: 'z500': no such variable", "t2m"]),
      Case(truth: "celsius.nc", code: 65, words: ["units differ", "'degC'", "'K' as in f.nc"]),
      Case(truth: "grid.nc", code: 65, words: ["grid differs", "9 x 12", "7 x 12"]),
      Case(truth: "late.nc", code: 66, words: ["1 of 2 times", "2001-01-01T06:00:00Z"]),
      Case(truth: "f.nc", code: 65, words: ["several members"]),
      Case(forecast: ["cut.nc"], code: 65, words: ["cut.nc"]),
      Case(forecast: ["text.nc"], code: 65, words: ["text.nc", "cannot read as NetCDF"]),
      Case(forecast: ["f.nc", "f.nc"], code: 65, words: ["given twice"]),
      Case(forecast: ["f.nc", "./f.nc"], code: 65, words: ["given twice"]),
      Case(
        forecast: ["f.nc", "half.nc"], code: 65, words: ["number of members differs", "found 2", "5 as at"]),
      Case(more: ["--control", "9"], code: 65, words: ["no such control", "members 0, 1, 2, 3, 4"]),
      Case(more: ["--threshold-from", "climate:mean+1std"], code: 64, words: ["needs --climate"]),
      Case(more: ["--threshold-from", "warm"], code: 64, words: ["--threshold-from"]),
      Case(more: ["--almost-fair-alpha", "2"], code: 64, words: ["expected 0...1"]),
      Case(more: ["--climate", "grid.nc"], code: 65, words: ["grid differs from the forecast's"]),
      Case(output: "nowhere/s.nc", code: 73, words: ["cannot create the file"]),
    ]
    let before = scratch.files
    for item in cases {
      let outcome = try Binary.run(
        ["verify", "--forecast"] + item.forecast + ["--truth", item.truth, "--variable", item.variable]
          + ["--output", item.output] + item.more, in: scratch.directory)
      #expect(outcome.code == item.code, "\(item.words): \(outcome.errors)")
      for words in item.words { #expect(outcome.errors.contains(words), "\(outcome.errors)") }
      #expect(outcome.output.isEmpty)
      #expect(scratch.files == before)
    }
  }
}
