import Basics
import Sphere

/// The scalar transform and its inverse in Float. Every thread transforms batches of its own, as it does when
/// it carries a member or a sample of its own; times are per batch, all threads together.
enum TransformBench {
  struct Shape {
    let fields: Int
    let kind: SphereGrid.Kind
    let latitudes: Int
    let longitudes: Int
    let degrees: Int
    var name: String { "\(fields)x\(latitudes)x\(longitudes)" }
  }

  /// The network's own transforms at T31, and the 2 degree grid with poles at its full resolution.
  static let shapes = [
    Shape(fields: 64, kind: .gaussian, latitudes: 48, longitudes: 96, degrees: 32),
    Shape(fields: 256, kind: .equiangular, latitudes: 91, longitudes: 180, degrees: 90),
  ]

  static func run(_ threads: Int, _ stopwatch: Stopwatch) throws -> [KernelTiming] {
    try shapes.flatMap { shape in
      let grid = try SphereGrid(shape.kind, latitudes: shape.latitudes, longitudes: shape.longitudes)
      let transform = SphericalTransform<Float>(grid: grid, degrees: shape.degrees)
      let count = shape.fields
      let values = Philox(seed: 1, purpose: .test).normals(count * grid.pointCount).map { Float($0) }
      let fields = (0..<threads).map { _ in AlignedBuffer(values) }
      let spectra = (0..<threads).map { _ in AlignedBuffer<Float>(transform.coefficientCount(count)) }
      let workspaces = (0..<threads).map { _ in transform.makeWorkspace(count) }
      // Several calls a repeat, so that waking a thread is not what is timed.
      let calls = 8
      let forward = try stopwatch.median {
        try Parallel.forEach(threads, threads: threads) { i, _ in
          for _ in 0..<calls {
            transform.forward(
              fields[i].pointer, count: count, into: spectra[i].pointer, workspaces[i])
          }
        }
      }
      let inverse = try stopwatch.median {
        try Parallel.forEach(threads, threads: threads) { i, _ in
          for _ in 0..<calls {
            transform.inverse(
              spectra[i].pointer, count: count, into: fields[i].pointer, workspaces[i])
          }
        }
      }
      let harmonics = (0..<transform.orders).reduce(0) { $0 + transform.degrees - $1 }
      let operations = Double(shape.fields) * transform.operationsPerField
      let bytes =
        4 * Double(shape.fields * (grid.pointCount + 2 * harmonics) + harmonics * grid.latitudeCount)
      return [("forward", forward), ("inverse", inverse)].map { direction, time in
        KernelTiming(
          name: "sht.\(direction).\(shape.name)", seconds: time.seconds / Double(calls * threads),
          repeats: time.repeats * calls,
          operations: operations, bytes: bytes)
      }
    }
  }
}
