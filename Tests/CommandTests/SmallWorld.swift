import FieldIO
import Fields
import Foundation
import Sphere

/// A small atmosphere in NetCDF, run files for it, and a checkpoint that the binary itself trains once.
final class SmallWorld: Sendable {
  /// Made once for all tests; files under it are only read.
  static let shared: Result<SmallWorld, any Error> = Result { try SmallWorld() }

  let directory: URL
  var checkpoint: String { directory.appendingPathComponent("model.safetensors").path }
  var analyses: String { directory.appendingPathComponent("analyses.nc").path }
  var gridFile: String { directory.appendingPathComponent("grid.txt").path }

  private init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-world-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try GridDescription.text(for: try SmallWorld.grid()).write(
      toFile: gridFile, atomically: true, encoding: .utf8)
    try SmallWorld.write(to: analyses)
    let runFile = directory.appendingPathComponent("train.yml").path
    try training().write(toFile: runFile, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["train", runFile], in: directory)
    guard outcome.code == 0 else { throw Trouble(text: outcome.errors) }
  }

  struct Trouble: Error { let text: String }

  static func grid() throws -> SphereGrid { try SphereGrid(.gaussian, latitudes: 8, longitudes: 16) }

  /// How a file departs from the good one.
  struct Fault {
    var units = "Pa"
    var missingHour: Int?
    var nanHour: Int?
    var latitudes: [Double]?
    var variables = ["msl", "t2m"]
    var skinUnits = "K"
  }

  /// Waves that move east: 80 states from 1 January 2026, 6-hourly, or some of these hours after it.
  static func write(to path: String, _ fault: Fault = Fault(), hours some: [Int]? = nil) throws {
    let grid = try grid()
    let hours = (some ?? (0..<80).map { $0 * 6 }).filter { $0 != fault.missingHour }
    let file = try NetCDFWriter(path)
    try file.dimension("time", hours.count)
    try file.dimension("lat", 8)
    try file.dimension("lon", 16)
    try file.variable("time", .double, ["time"], ["units": .text("hours since 2026-01-01")])
    try file.variable("lat", .double, ["lat"], ["units": .text("degrees_north")])
    try file.variable("lon", .double, ["lon"], ["units": .text("degrees_east")])
    let units = ["msl": fault.units, "t2m": "K", "skin": fault.skinUnits]
    for name in fault.variables {
      try file.variable(name, .float, ["time", "lat", "lon"], ["units": .text(units[name] ?? "1")])
    }
    try file.put("time", hours.map(Double.init))
    try file.put("lat", fault.latitudes ?? grid.latitudes)
    try file.put("lon", grid.longitudes)
    for (number, name) in fault.variables.enumerated() {
      let (offset, amplitude) = name == "msl" ? (101_000.0, 900.0) : (280.0, 12.0)
      var values: [Float] = []
      for hour in hours {
        for colatitude in grid.colatitudes {
          for longitude in grid.longitudes {
            let offset = name == "skin" && fault.skinUnits == "degC" ? offset - 273.15 : offset
            let phase = longitude * .pi / 180 - Double(hour) / 6 * 0.3
            let wave =
              sin(colatitude) * (cos(phase) + 0.5 * sin(2 * phase + 0.1 * Double(hour) / 6 + Double(number)))
            values.append(Float(offset + amplitude * (wave + cos(colatitude))))
          }
        }
        if hour == fault.nanHour { values[values.count - 5] = .nan }
      }
      try file.put(name, values)
    }
    try file.finish()
  }

  /// The training run file.
  func training(checkpoint: String = "model.safetensors", files: String? = nil, steps: Int = 60) -> String {
    """
    name: small
    seed: 4
    data:
      grid: \(gridFile)
      degrees: 8
      channels: [msl, t2m]
      training: [{files: \(files ?? analyses), to: 2026-01-12}]
      validation: [{files: \(files ?? analyses), from: 2026-01-13}]
    network: {embed_dim: 16, num_layers: 2}
    inputs: {position_frequencies: 1, season: true, solar_zenith: true}
    optimisation: {steps: \(steps), batch_size: 4, learning_rate: 3e-3, warmup_steps: 5, ema_decay: 0.9}
    output: {checkpoint: \(checkpoint), every_steps: 10}
    """
  }

  /// An ensemble run file: 2 initial times x (control + 2 pairs x 2 checkpoints).
  func ensemble(
    analyses: String? = nil, checkpoints: [String]? = nil, output: String = "run", extra: String = ""
  ) -> String {
    """
    name: small
    seed: 11
    checkpoints: [\((checkpoints ?? [checkpoint, checkpoint]).joined(separator: ", "))]
    analyses: {files: [\(analyses ?? self.analyses)]}
    climatology: {files: [\(self.analyses)], to: 2026-01-12}
    initial_times: {from: 2026-01-14, to: 2026-01-15, every_hours: 24}
    lead_time_hours: 48
    perturbation:
      method: bred_vector
      pairs: 2
      seed_channels: [msl]
      amplitudes: computed
      amplitude_times: {from: 2026-01-03, to: 2026-01-09, every_hours: 24}
    output: {directory: \(output), quantise_bits: 14}
    verification: {variables: [msl, t2m], threshold: "climate:mean+1std"}
    report: {title: "Small & simple"}
    \(extra)
    """
  }
}
