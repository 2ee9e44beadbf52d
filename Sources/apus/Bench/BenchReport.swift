import Foundation

/// Kernels beside the machine's limits.
struct BenchReport: Encodable, CustomStringConvertible {
  let limits: MachineLimits
  let kernels: [Line]
  /// Largest resident memory of this process so far, 10^9 bytes.
  let peakMemory: Double

  enum CodingKeys: String, CodingKey {
    case limits, kernels
    case peakMemory = "peak_memory_gbytes"
  }

  struct Line: Encodable {
    let name: String
    let milliseconds: Double
    let repeats: Int
    let gflops: Double
    let fractionOfSgemm: Double
    let gbytes: Double
    let fractionOfBandwidth: Double

    enum CodingKeys: String, CodingKey {
      case name, repeats, gflops
      case milliseconds = "ms"
      case fractionOfSgemm = "fraction_of_sgemm"
      case gbytes = "gbytes_per_s"
      case fractionOfBandwidth = "fraction_of_bandwidth"
    }
  }

  init(limits: MachineLimits, kernels: [KernelTiming]) {
    self.limits = limits
    peakMemory = Double(PeakMemory.bytes()) * 1e-9
    self.kernels = kernels.map { kernel in
      let gflops = kernel.operations / kernel.seconds * 1e-9
      let gbytes = kernel.bytes / kernel.seconds * 1e-9
      return Line(
        name: kernel.name, milliseconds: kernel.seconds * 1e3, repeats: kernel.repeats, gflops: gflops,
        fractionOfSgemm: gflops / limits.sgemm, gbytes: gbytes,
        fractionOfBandwidth: gbytes / limits.bandwidth)
    }
  }

  var description: String {
    let width = kernels.map(\.name.count).max() ?? 0
    func padded(_ text: String) -> String { text.padding(toLength: width, withPad: " ", startingAt: 0) }
    var lines = limits.advice.map { ["note: " + $0] } ?? []
    lines += [
      String(format: "%d threads: sgemm %.0f GFLOP/s ", limits.threads, limits.sgemm)
        + "(OpenBLAS' kernels for \(limits.kernels)), "
        + (limits.matrixUnit.map { String(format: "matrix unit %.0f GFLOP/s, ", $0) } ?? "")
        + String(format: "memory %.1f GB/s (triad)", limits.bandwidth),
      padded("kernel") + "         ms   GFLOP/s  of sgemm     GB/s  of memory",
    ]
    lines += kernels.map { kernel in
      padded(kernel.name)
        + String(
          format: " %10.3f  %8.1f  %7.1f%%  %7.2f  %8.1f%%", kernel.milliseconds, kernel.gflops,
          100 * kernel.fractionOfSgemm, kernel.gbytes, 100 * kernel.fractionOfBandwidth)
    }
    lines.append(String(format: "peak memory %.2f GB", peakMemory))
    return lines.joined(separator: "\n")
  }
}
