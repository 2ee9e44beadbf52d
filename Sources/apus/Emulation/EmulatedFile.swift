import Basics
import Ensembles
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

  /// Makes sure that a directory is not that of an ensemble run, whose members are counted and merged by name.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  static func requireNoRun(in directory: RunDirectory) throws {
    guard RunDirectory.exists(directory.manifestFile) else { return }
    throw ApusError(
      .cannotCreateOutput, "the directory holds an ensemble run", file: directory.path,
      found: "manifest.json",
      expected: "a directory of its own for what is drawn",
      advice: "Choose another place, such as \(directory.path)/emulated.")
  }

  /// The file at a path, where it is there already and is what `write` would write, by what made it: model, `marks`, lead
  /// times, bits. One that cannot be read is none.
  /// - Parameter marks: attributes that tell one draw from another.
  /// - Throws: `ApusError` of kind `cannotCreateOutput` where another draw lives there.
  func existing(_ path: String, _ leadHours: [Int], marks: [(String, NetCDFAttribute)], member: Int?) throws
    -> NetCDFReader?
  {
    guard RunDirectory.exists(path), let there = try? NetCDFReader(path),
      let axis = there.variables.first(where: { $0.name == "forecast_period" }),
      let found = try? there.values(axis)
    else { return nil }
    func list(_ hours: [Double]) -> String {
      hours.map { String(format: "%g h", $0) }.joined(separator: ", ")
    }
    let bits = there.variables.first { $0.name == "quantization" }?.text("long_name")
    let wantedBits = (member == nil ? nil : quantiseBits).map(ForecastFile.quantisation)
    var same = [
      ("emulator_sha256", there.attributes["emulator_sha256"]?.text, model.digest),
      ("lead times", list(found), list(leadHours.map(Double.init))),
      ("quantization", bits ?? "none", wantedBits ?? "none"),
    ]
    for (name, value) in marks { same.append((name, there.attributes[name]?.text, value.text ?? "")) }
    for (name, found, wanted) in same where found != wanted {
      throw ApusError(
        .cannotCreateOutput, "the directory holds another draw", file: path, variable: name,
        found: found ?? "none", expected: wanted, advice: "Choose another place, or remove the directory.")
    }
    return there
  }

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
        ("emulator", .text(FilePath.name(of: model.file))),
        ("emulator_sha256", .text(model.digest)),
        ("comment", .text("No wall-clock time is kept, so that the same command gives the same bytes.")),
      ] + extra
    ).write(path)
  }
}
