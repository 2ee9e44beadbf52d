import Foundation
import Kernels
import Testing

@Suite struct BenchTests {
  @Test func everyKernelHasPlausibleFigures() throws {
    let outcome = try Binary.run(["bench", "all", "--threads", "1", "--seconds", "0.001", "--json"])
    #expect(outcome.code == 0)
    let json = try outcome.json()
    let limits = try #require(json["limits"] as? [String: Any])
    #expect(limits["threads"] as? Int == 1)
    // Any processor that runs the AVX2 kernels is between these.
    let peak = try #require(limits["sgemm_gflops"] as? Double)
    #expect((limits["openblas_kernels"] as? String)?.isEmpty == false)
    #expect(peak > 1 && peak < 10_000)
    #expect(try #require(limits["triad_gbytes"] as? Double) > 0.1)
    let kernels = try #require(json["kernels"] as? [[String: Any]])
    let names = kernels.compactMap { $0["name"] as? String }
    let transforms = [
      "sht.forward.64x48x96", "sht.inverse.64x48x96", "sht.forward.256x91x180", "sht.inverse.256x91x180",
    ]
    let networks = [
      "sfno.forward.64x4.sf1", "sfno.forward.64x4.sf2", "sfno.forward.128x6.sf1", "train.step.64x4.sf1",
      "train.step.64x4.sf2", "train.step.128x6.sf1",
    ]
    // With every precision that makes a difference on this processor.
    let precisions = ProductPrecision.distinct.map { $0 == .highest ? "" : ".\($0)" }
    #expect(names == transforms + networks.flatMap { name in precisions.map { name + $0 } })
    for kernel in kernels {
      #expect(try #require(kernel["ms"] as? Double) > 0)
      #expect(try #require(kernel["repeats"] as? Int) >= 5)
      // How large it is says how busy the machine is: no matter for a test.
      let fraction = try #require(kernel["fraction_of_sgemm"] as? Double)
      #expect(fraction > 0)
      let gflops = try #require(kernel["gflops"] as? Double)
      #expect(abs(gflops / peak - fraction) < 1e-9 * fraction)
    }
    // 10^6 operations from rate and time: the counts do not depend on the machine. Towards orders or back,
    // 3072 rows in four parts of 25 places and 16 orders; then 528 harmonics of 48 rows, real and imaginary.
    for (name, expected) in [
      ("sht.forward.64x48x96", 64.0 * (48 * 2 * 4 * 25 * 16 + 528 * 48 * 4) * 1e-6),
      ("sht.inverse.64x48x96", 64.0 * (48 * 2 * 4 * 25 * 16 + 528 * 48 * 4) * 1e-6),
    ] {
      let kernel = try #require(kernels.first { $0["name"] as? String == name })
      let (ms, gflops) = try (
        #require(kernel["ms"] as? Double), #require(kernel["gflops"] as? Double)
      )
      #expect(abs(ms * gflops - expected) < 1e-9 * expected)
    }
  }

  /// A note comes first where the environment keeps OpenBLAS from kernels that the processor could run.
  @Test(arguments: ["HASWELL", "SKYLAKEX"]) func oneSuiteAsText(kernels: String) throws {
    let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(
      whereSeparator: \.isWhitespace)
    let hasAVX512 = ["avx512f", "avx512bw", "avx512dq", "avx512cd", "avx512vl"]
      .allSatisfy { flags.contains($0[...]) }
    // Kernels that the processor cannot run would end the program.
    guard kernels == "HASWELL" || hasAVX512 else { return }
    let outcome = try Binary.run(
      ["bench", "sht", "--threads", "2", "--seconds", "0.001"],
      environment: ["OPENBLAS_CORETYPE": kernels])
    #expect(outcome.code == 0)
    var lines = outcome.output.split(separator: "\n")
    if hasAVX512 && kernels == "HASWELL" {
      #expect(lines.removeFirst().hasPrefix("note: OPENBLAS_CORETYPE keeps OpenBLAS from "))
    }
    #expect(lines.count == 7)
    #expect(lines.first?.hasPrefix("2 threads: sgemm ") == true)
    #expect(lines.dropFirst(2).dropLast().allSatisfy { $0.hasPrefix("sht.") })
    #expect(lines.last?.hasPrefix("peak memory ") == true)
  }

  @Test func badArgumentsAreUsageErrors() throws {
    #expect(try Binary.run(["bench", "fft"]).code == 64)
    #expect(try Binary.run(["bench", "sht", "--seconds", "0"]).code == 64)
    #expect(try Binary.run(["bench", "sht", "--threads", "0"]).code == 64)
  }

  @Test func scoresAreTimedBesideSorting() throws {
    let outcome = try Binary.run(["bench", "crps", "--threads", "2", "--seconds", "0.001", "--json"])
    #expect(outcome.code == 0)
    let kernels = try #require(try outcome.json()["kernels"] as? [[String: Any]])
    let times = Dictionary(
      uniqueKeysWithValues: kernels.compactMap { kernel in
        (kernel["name"] as? String).map { ($0, kernel["ms"] as? Double ?? 0) }
      })
    for shape in ["50x721x1440", "7424x48x96"] {
      for kernel in ["sort", "scores", "decomposed"] { #expect(times["crps.\(kernel).\(shape)"] ?? 0 > 0) }
    }
  }
}
