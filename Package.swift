// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Apus is built from source on the machine that runs it: AVX-512 where that machine has it, else AVX2 and
// FMA (every x86-64 server since 2013); with the matrix unit (AMX) where there is one, or else with products of
// bfloat16 where the vector unit has them (AVX512_BF16).
// APUS_PROCESSOR=x86-64-v3 builds for a cluster whose nodes differ.
#if arch(x86_64)
  let found = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
  let native = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"].allSatisfy(found.contains)
  let level = Context.environment["APUS_PROCESSOR"] ?? (native ? "x86-64-v4" : "x86-64-v3")
  let pairs = native && Context.environment["APUS_PROCESSOR"] == nil && found.contains("avx512_bf16")
  let unit = found.contains("amx_bf16") ? "APUS_AMX" : "APUS_BF16"
  let processor: [SwiftSetting] =
    [.unsafeFlags(["-Xcc", "-march=\(level)"])] + (level == "x86-64-v4" ? [.define("APUS_AVX512")] : [])
    + (pairs ? [.define(unit), .unsafeFlags(["-Xcc", "-mavx512bf16"])] : [])
#else
  let processor: [SwiftSetting] = []
#endif

let settings: [SwiftSetting] =
  processor + [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

func room(_ name: String, knows dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of name: String, knows dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
  name: "apus",
  products: [.executable(name: "apus", targets: ["apus"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // MARK: - C libraries
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CNetCDF", pkgConfig: "netcdf", providers: [.apt(["libnetcdf-dev"])]),
    .systemLibrary(name: "CVector"),
    .systemLibrary(name: "CDigest"),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),

    // MARK: - Rooms, each knowing only those above it
    room("Basics", knows: ["CDigest"]),
    room("Kernels", knows: ["CVector", "COpenBLAS"]),
    room("Sphere", knows: ["Basics", "Kernels", "CFFTW", "COpenBLAS"]),
    room("Fields", knows: ["Basics", "Sphere"]),
    room("FieldIO", knows: ["Basics", "Sphere", "Fields", "CNetCDF"]),
    room("RunFiles", knows: ["Basics", "Fields", yams]),
    room("Operators", knows: ["Basics", "Kernels", "Sphere", "COpenBLAS"]),
    room("Models", knows: ["Basics", "Kernels", "Sphere", "Fields", "Operators"]),
    room("Verification", knows: ["Basics", "Kernels", "Sphere", "Fields"]),
    room(
      "Training",
      knows: ["Basics", "Kernels", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Verification"]),
    room(
      "Emulators",
      knows: [
        "Basics", "Kernels", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Training",
      ]),
    room("Ensembles", knows: ["Basics", "Kernels", "Sphere", "Fields", "FieldIO", "Operators", "Models"]),
    room("Reports", knows: ["Basics", "Sphere", "Fields", "FieldIO", "CCairo"]),
    .executableTarget(
      name: "apus",
      dependencies: [
        "Basics", "Kernels", "Sphere", "Fields", "FieldIO", "RunFiles", "Operators", "Models", "Training",
        "Verification", "Emulators", "Ensembles", "Reports", "COpenBLAS", argumentParser, logging,
      ],
      swiftSettings: settings),

    // MARK: - Tests
    tests(of: "Kernels", knows: ["Basics", "Kernels"]),
    tests(
      of: "Sphere", knows: ["Basics", "Kernels", "Sphere", "Operators"], resources: [.copy("Resources")]),
    tests(of: "Fields", knows: ["Basics", "Sphere", "Fields"], resources: [.copy("Resources")]),
    tests(of: "FieldIO", knows: ["Basics", "Sphere", "Fields", "FieldIO", "CNetCDF"]),
    tests(of: "RunFiles", knows: ["Basics", "Fields", "RunFiles"]),
    tests(
      of: "Operators", knows: ["Basics", "Kernels", "Sphere", "Operators"], resources: [.copy("Resources")]),
    tests(
      of: "Training",
      knows: ["Basics", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Training"]),
    tests(
      of: "Emulators",
      knows: ["Basics", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Training", "Emulators"]),
    tests(of: "Verification", knows: ["Basics", "Kernels", "Sphere", "Fields", "Verification"]),
    tests(
      of: "Ensembles",
      knows: ["Basics", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Ensembles"]),
    tests(of: "Reports", knows: ["Basics", "Sphere", "Fields", "FieldIO", "Reports"]),
    tests(
      of: "Command",
      knows: [
        "Basics", "Kernels", "Sphere", "Fields", "FieldIO", "Operators", "Models", "Emulators", "Ensembles",
        "CNetCDF", "apus",
      ],
      resources: [.copy("Resources")]),
  ],
  swiftLanguageModes: [.v6]
)
