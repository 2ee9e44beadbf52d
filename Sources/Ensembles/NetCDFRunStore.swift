import Basics
import FieldIO
import Fields
import Sphere

/// Members and products of a run as CF NetCDF files.
public struct NetCDFRunStore: RunStore {
  /// Unit of each channel.
  private let units: [String: String]
  private let quantiseBits: Int?
  private let manifest: RunManifest
  private let fields: MemberFields

  /// A store for the run that `manifest` describes.
  /// - Parameters:
  ///   - units: of the channels kept, by name.
  ///   - quantiseBits: mantissa bits of member files; products keep all.
  ///   - fields: what of a member its file has.
  public init(
    manifest: RunManifest, units: [String: String], quantiseBits: Int?, fields: MemberFields = .whole
  ) {
    self.fields = fields
    self.manifest = manifest
    self.units = units
    self.quantiseBits = quantiseBits
  }

  /// See `RunStore`.
  public func rounded(_ trajectory: Trajectory) -> Trajectory {
    guard let quantiseBits else { return trajectory }
    var rounded = trajectory
    BitRound.apply(&rounded.values, bits: quantiseBits)
    return rounded
  }

  /// See `RunStore`.
  public func write(_ trajectory: Trajectory, of member: MemberIdentity, to path: String) throws {
    let checkpoint = manifest.checkpoints[member.checkpoint]
    try file(
      trajectory.part(fields), title: "member \(member.number)", realization: member.number, cellMethods: nil,
      quantiseBits: quantiseBits,
      window: try fields.window(of: trajectory.grid),
      extra: [
        ("member", .text(member.text)), ("checkpoint", .text(checkpoint.path)),
        ("checkpoint_sha256", .text(checkpoint.sha256)),
        ("perturbation", .text(member.sign == 0 ? "none" : manifest.perturbation.kind.rawValue)),
        ("member_seed", .text(memberSeed(member, at: trajectory.initialTime))),
      ]
    ).write(path)
  }

  /// See `RunStore`.
  public func read(_ path: String) throws -> Trajectory {
    try Trajectory.read(path, channels: manifest.channels)
  }

  /// See `RunStore`.
  public func write(
    _ product: RunDirectory.Product, values: [Float], like shape: Trajectory, members: Int, to path: String
  ) throws {
    let trajectory = Trajectory(
      initialTime: shape.initialTime, channels: shape.channels, grid: shape.grid, leadHours: shape.leadHours,
      values: values)
    try file(
      trajectory, title: "ensemble \(product.rawValue)", realization: nil,
      cellMethods: product.cellMethods, quantiseBits: nil,
      extra: [("members", .integers([Int32(members)]))]
    ).write(path)
  }

  private func file(
    _ trajectory: Trajectory, title: String, realization: Int?, cellMethods: String?, quantiseBits: Int?,
    window: GridWindow? = nil, extra: [(String, NetCDFAttribute)]
  ) -> ForecastFile {
    ForecastFile(
      initialTime: trajectory.initialTime, leadHours: trajectory.leadHours, channels: trajectory.channels,
      units: trajectory.channels.map { units[$0] ?? "1" }, grid: trajectory.grid, values: trajectory.values,
      realization: realization, cellMethods: cellMethods, quantiseBits: quantiseBits,
      window: window, attributes: provenance(title) + extra)
  }

  /// Global attributes that say what made a file of the run.
  public func provenance(_ words: String) -> [(String, NetCDFAttribute)] {
    [
      ("title", .text("\(manifest.name): \(words)")), ("institution", .text("made with Apus")),
      ("source", .text("Apus \(manifest.apusVersion), spherical Fourier neural operator")),
      ("history", .text("apus run \(manifest.name), run file \(manifest.runFileDigest.prefix(12))")),
      ("references", .text("Mahesh et al. 2024, Huge Ensembles Part I, arXiv:2408.03100")),
      (
        "comment",
        .text("No wall-clock time is kept, so that the same run file, inputs and seed give the same bytes.")
      ), ("run_name", .text(manifest.name)), ("run_file_sha256", .text(manifest.runFileDigest)),
      ("random_seed", .text("\(manifest.seed)")),
    ] + (manifest.matmulPrecision.map { [("matmul_precision", .text($0))] } ?? [])
  }

  /// What keys the member's random numbers (docs/architecture.md).
  private func memberSeed(_ member: MemberIdentity, at time: Instant) -> String {
    guard let pair = member.perturbation else { return "none: unperturbed" }
    return "seed \(manifest.seed), initial time \(time), checkpoint \(member.checkpoint), pair \(pair)"
  }
}

extension Trajectory {
  /// A member's file as it was written.
  /// - Throws: `ApusError` of kind `badData` for what is no member file, or as `GriddedVariable`.
  public static func read(_ path: String, channels: [String]) throws -> Trajectory {
    let reader = try NetCDFReader(path)
    let series = try channels.map { try GriddedVariable(reader, $0) }
    guard let first = series.first, let initialTime = first.referenceTime else {
      throw ApusError(.badData, "is no member file of this run", file: path)
    }
    let leadHours = first.leadHours.map { Int($0) }
    let fields = try series.map { try $0.fields(.time, 0..<leadHours.count) }
    let points = first.grid.pointCount
    let values = leadHours.indices.flatMap { lead in
      fields.flatMap { $0[lead * points..<(lead + 1) * points] }
    }
    return Trajectory(
      initialTime: initialTime, channels: channels, grid: first.grid, leadHours: leadHours,
      values: values)
  }
}
