import FieldIO
import Foundation
import Kernels
import Testing

/// `matmul_precision` of ensembles through the real binary, on the checkpoints and analyses of the demo.
@Suite struct PrecisionTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  static let home = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let control = "members/20260205T00/member_0000.nc"

  /// A run file of nine members, 24 h, with another line.
  func runFile(_ name: String, _ line: String, output: String? = nil) throws -> String {
    let home = Self.home.path
    let text = """
      name: precision
      seed: 5
      checkpoints: [\(home)/models/era5_seed1.safetensors, \(home)/models/era5_seed2.safetensors]
      analyses: {files: [\(home)/demo/era5_msl_vo850_t31_6h_20251201-20260228.nc]}
      initial_times: [2026-02-05]
      lead_time_hours: 24
      \(line)
      perturbation:
        method: bred_vector
        pairs: 2
        seed_channels: [msl]
        amplitudes: computed
        amplitude_times: {from: 2025-12-05, to: 2025-12-06, every_hours: 24}
      output: {directory: \(output ?? name)}
      """
    let file = scratch.file(name + ".yml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func run(_ arguments: [String]) throws -> Binary.Outcome {
    let outcome = try Binary.run(arguments, in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome
  }

  /// Root mean square difference of two files' last fields over the second one's deviation.
  func departure(_ a: String, _ b: String) throws -> Double {
    func last(_ path: String) throws -> [Double] {
      let reader = try NetCDFReader(scratch.file(path).path)
      return try reader.values(reader.variable("msl")).suffix(48 * 96)
    }
    let (x, y) = (try last(a), try last(b))
    let mean = y.reduce(0, +) / Double(y.count)
    let squares = zip(x, y).reduce(into: (0.0, 0.0)) { sums, pair in
      sums.0 += (pair.0 - pair.1) * (pair.0 - pair.1)
      sums.1 += (pair.1 - mean) * (pair.1 - mean)
    }
    return (squares.0 / squares.1).squareRoot()
  }

  /// Sixteen and eight bits change a forecast of a day by little, where the processor has a unit for them and by nothing
  /// where not; what was used is in manifest and files; a member alone and shards have the bits of the whole.
  @Test(arguments: [ProductPrecision.high, .medium])
  func lessIsNearlyTheSame(precision: ProductPrecision) throws {
    _ = try run(["forecast", runFile("exact", "")])
    let file = try runFile("less", "matmul_precision: \(precision)")
    _ = try run(["forecast", file, "--threads", "2"])
    let departure = try departure("less/\(Self.control)", "exact/\(Self.control)")
    if ProductPrecision.distinct.contains(precision) {
      #expect(departure > 0 && departure < (precision == .high ? 1e-4 : 2e-2))
    } else {
      #expect(departure == 0)
    }
    func attribute(_ path: String) throws -> String? {
      try NetCDFReader(scratch.file(path).path).attributes["matmul_precision"]?.text
    }
    #expect(try attribute("less/\(Self.control)") == "\(precision)")
    #expect(try attribute("exact/\(Self.control)") == nil)
    let manifest = try String(contentsOf: scratch.file("less/manifest.json"), encoding: .utf8)
    #expect(manifest.contains("\"matmul_precision\" : \"\(precision)\""))

    _ = try run(["member", file, "--date", "2026-02-05", "--member", "7", "--output", "alone.nc"])
    let alone = try Data(contentsOf: scratch.file("alone.nc"))
    #expect(try alone == Data(contentsOf: scratch.file("less/members/20260205T00/member_0007.nc")))
    let shards = try runFile("shards", "matmul_precision: \(precision)")
    for part in ["1/2", "0/2"] { _ = try run(["forecast", shards, "--shard", part, "--threads", "1"]) }
    _ = try run(["merge", shards])
    for product in ["mean", "spread"] {
      let name = "products/\(product)_20260205T00.nc"
      #expect(
        try Data(contentsOf: scratch.file("shards/" + name))
          == Data(contentsOf: scratch.file("less/" + name)))
    }
  }

  @Test func anotherPrecisionIsAnotherRun() throws {
    _ = try run(["forecast", runFile("exact", "matmul_precision: highest")])
    let other = try Binary.run(
      ["forecast", runFile("other", "matmul_precision: medium", output: "exact")], in: scratch.directory)
    #expect(other.code == 73)
    #expect(other.errors.contains("matmul_precision"))
    #expect(other.errors.contains("medium") && other.errors.contains("highest"))
  }
}
