import Basics
import Sphere

/// The scalar transform and its inverse in Float, fields dealt out over threads.
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
      // One slice of the fields a thread: the Legendre tables are then read once by each.
      let slices = (0..<threads).map { shape.fields * $0 / threads..<shape.fields * ($0 + 1) / threads }
      let values = Philox(seed: 1, purpose: .test).normals(shape.fields * grid.pointCount).map { Float($0) }
      let fields = AlignedBuffer(values)
      let spectra = slices.map { AlignedBuffer<Float>(transform.coefficientCount($0.count)) }
      let workspaces = slices.map { transform.makeWorkspace($0.count) }
      // Threads go from call to call without waiting for each other, as they do when each has members of
      // its own: several calls a repeat, so that waking a thread is not what is timed.
      let calls = 16
      let forward = try stopwatch.median {
        try Parallel.forEach(threads, threads: threads) { i, _ in
          for _ in 0..<calls {
            transform.forward(
              fields.pointer + slices[i].lowerBound * grid.pointCount, count: slices[i].count,
              into: spectra[i].pointer, workspaces[i])
          }
        }
      }
      let inverse = try stopwatch.median {
        try Parallel.forEach(threads, threads: threads) { i, _ in
          for _ in 0..<calls {
            transform.inverse(
              spectra[i].pointer, count: slices[i].count,
              into: fields.pointer + slices[i].lowerBound * grid.pointCount, workspaces[i])
          }
        }
      }
      let harmonics = (0..<transform.orders).reduce(0) { $0 + transform.degrees - $1 }
      let operations = Double(shape.fields) * transform.operationsPerField
      let bytes =
        4 * Double(shape.fields * (grid.pointCount + 2 * harmonics) + harmonics * grid.latitudeCount)
      return [("forward", forward), ("inverse", inverse)].map { direction, time in
        KernelTiming(
          name: "sht.\(direction).\(shape.name)", seconds: time.seconds / Double(calls),
          repeats: time.repeats * calls,
          operations: operations, bytes: bytes)
      }
    }
  }
}
