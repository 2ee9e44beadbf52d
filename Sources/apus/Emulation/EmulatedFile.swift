import Basics
import FieldIO
import Fields
import Foundation
import Sphere

/// What members and products that an emulator or a variational forecaster made have in common as files.
struct EmulatedFile {
  /// The model's file and its SHA-256.
  let model: (file: String, digest: String)
  let channels, units: [String]
  let grid: SphereGrid
  /// What kind of model, and where it is from.
  let source, reference: String
  let quantiseBits: Int?

  /// Writes fields [lead time][channel][point], which are rounded already where they are a member's.
  func write(
    _ values: [Float], _ initial: Instant, _ leadHours: [Int], title: String, member: Int? = nil,
    cellMethods: String? = nil, extra: [(String, NetCDFAttribute)], to path: String
  ) throws {
    try ForecastFile(
      initialTime: initial, leadHours: leadHours, channels: channels, units: units, grid: grid,
      values: values, realization: member, cellMethods: cellMethods,
      quantiseBits: member == nil ? nil : quantiseBits,
      attributes: [
        ("title", .text(title)), ("institution", .text("made with Apus")),
        ("source", .text("Apus \(apusVersion), \(source)")), ("references", .text(reference)),
        ("emulator", .text((model.file as NSString).lastPathComponent)),
        ("emulator_sha256", .text(model.digest)),
        ("comment", .text("No wall-clock time is kept, so that the same command gives the same bytes.")),
      ] + extra
    ).write(path)
  }
}
