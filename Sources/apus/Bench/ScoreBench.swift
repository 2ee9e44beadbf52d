import Basics
import Kernels
import Verification

/// Pointwise scores of an ensemble in memory, beside what no score can do without: its members read once and sorted.
enum ScoreBench {
  struct Shape {
    let members: Int
    let latitudes: Int
    let longitudes: Int
    var points: Int { latitudes * longitudes }
    var name: String { "\(members)x\(latitudes)x\(longitudes)" }
  }

  /// A service's ensemble at full resolution, and a huge one at T31.
  static let shapes = [
    Shape(members: 50, latitudes: 721, longitudes: 1440),
    Shape(members: 7424, latitudes: 48, longitudes: 96),
  ]

  static func run(_ threads: Int, _ stopwatch: Stopwatch) throws -> [KernelTiming] {
    try shapes.flatMap { shape in
      let count = shape.members * shape.points
      // Normal numbers are slow to draw; every member takes the same ones from another place.
      let draws = Philox(seed: 1, purpose: .test).normals(1 << 20).map { Float(280 + 3 * $0) }
      let values = [Float](unsafeUninitializedCapacity: count) { target, filled in
        for i in 0..<count { target[i] = draws[(i &* 7 &+ i >> 11) & (1 << 20 - 1)] }
        filled = count
      }
      let ensemble = EnsembleValues(values, members: shape.members)
      let truth = (0..<shape.points).map { Double(draws[$0 & (1 << 20 - 1)]) }
      let latitudes = (0..<shape.latitudes).map { 90 - 180 * (Double($0) + 0.5) / Double(shape.latitudes) }
      let longitudes = (0..<shape.longitudes).map { 360 * Double($0) / Double(shape.longitudes) }
      let region = Region("global", latitudes: latitudes, longitudes: longitudes) { _, _ in true }
      let pass = ScorePass(
        regions: [region], rows: shape.latitudes, columns: shape.longitudes, threads: threads)
      let threshold = [Double](repeating: 284, count: shape.points)
      let sorted = try stopwatch.median { try pass.readAndSort(ensemble) }
      var basic = CaseInput(ensemble: ensemble, truth: truth, ties: Philox(seed: 1, purpose: .tieBreak))
      basic.events = [.init(threshold: threshold, isBelow: false)]
      var none: ScoreMaps?
      let scored = try stopwatch.median { _ = try pass.run(basic, maps: &none, decomposes: false) }
      let decomposed = try stopwatch.median { _ = try pass.run(basic, maps: &none) }
      let bytes = Double(4 * count + 16 * shape.points)
      return [
        ("crps.sort.", sorted), ("crps.scores.", scored), ("crps.decomposed.", decomposed),
      ].map { name, time in
        KernelTiming(
          name: name + shape.name, seconds: time.seconds, repeats: time.repeats, operations: 0, bytes: bytes)
      }
    }
  }
}
