import Basics
import COpenBLAS
import Foundation

/// Helps OpenBLAS on processors that are younger than it.
///
/// Debian 12's OpenBLAS 0.3.21 knows no processor after 2022 and then falls back to kernels of 2004 (SSE3), a
/// fifth of what an AVX-512 machine can do. It reads `OPENBLAS_CORETYPE` once, as it is loaded; so where it
/// fell back although the processor has AVX2 or AVX-512, the program starts itself again with that set. A
/// value the user has set is left alone.
enum BLASProcessor {
  private static let variable = "OPENBLAS_CORETYPE"
  private static let fallbacks: Set<String> = [
    "prescott", "core2", "penryn", "dunnington", "nehalem", "generic", "katmai", "coppermine", "banias",
    "northwood", "atom", "opteron", "athlon", "barcelona",
  ]

  /// The kernels that fit a processor with these flags; nil where the fallback is right.
  static func better(flags: Set<Substring>) -> String? {
    if ["avx512f", "avx512bw", "avx512dq", "avx512cd", "avx512vl"].allSatisfy({ flags.contains($0[...]) }) {
      return "SKYLAKEX"
    }
    return flags.contains("avx2") && flags.contains("fma") ? "HASWELL" : nil
  }

  /// The processor that OpenBLAS' kernels in use were written for, such as SkylakeX.
  static var kernels: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// The kernels that fit this processor.
  private static var fitting: String? {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return nil }
    return better(flags: Set(line.split(separator: " ")))
  }

  /// What to do where the environment keeps OpenBLAS from using AVX-512 that is there, so that a sgemm peak is half of what
  /// it could be; nil elsewhere.
  static var advice: String? {
    guard environmentValue(variable) != nil, fitting == "SKYLAKEX",
      !["skylakex", "cooperlake", "sapphirerapids"].contains(kernels.lowercased())
    else { return nil }
    return "\(variable) keeps OpenBLAS from using this processor's AVX-512: unset it for the true sgemm peak"
  }

  /// Starts the program again where that helps; returns where it does not (or cannot be done).
  static func restartIfMistaken() {
    guard environmentValue(variable) == nil, fallbacks.contains(kernels.lowercased()), let core = fitting
    else { return }
    setenv(variable, core, 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
}
