import Basics
import Sphere

/// Fields from one grid to another by spectral truncation: analysis on the one, synthesis on the other.
/// Degrees that the new grid or the network cannot hold are dropped, not aliased.
public struct SpectralRegridding: Sendable {
  /// Where fields come from.
  public let source: SphereGrid
  /// Where they go.
  public let target: SphereGrid
  /// Degrees l kept, exclusive; no more than the source resolves.
  public let degrees: Int
  private let analysis: SphericalTransform<Float>
  private let synthesis: SphericalTransform<Float>

  /// Plans both transforms.
  public init(from source: SphereGrid, to target: SphereGrid, degrees: Int) {
    self.source = source
    self.target = target
    self.degrees = min(degrees, source.defaultDegreeCount, target.defaultDegreeCount)
    analysis = SphericalTransform(grid: source, degrees: self.degrees)
    synthesis =
      source == target ? analysis : SphericalTransform(grid: target, degrees: self.degrees)
  }

  /// `count` fields [count][latitude][longitude]; each is computed by itself, so that its bits do not
  /// depend on the others, and with its mean taken out first, which keeps float32 exact to the anomaly.
  public func apply(_ fields: [Float], count: Int, threads: Int = Parallel.defaultThreads) throws -> [Float] {
    let (sourcePoints, targetPoints) = (source.pointCount, target.pointCount)
    precondition(fields.count == count * sourcePoints)
    let results = AlignedBuffer<Float>(count * targetPoints)
    try Parallel.forEach(count, threads: threads) { index, _ in
      var field = Array(fields[index * sourcePoints..<(index + 1) * sourcePoints])
      let mean = Float(field.reduce(0.0) { $0 + Double($1) } / Double(sourcePoints))
      for i in field.indices { field[i] -= mean }
      let coefficients = analysis.forward(field, count: 1)
      let result = synthesis.inverse(coefficients, count: 1)
      for i in 0..<targetPoints { results.pointer[index * targetPoints + i] = result[i] + mean }
    }
    return results.array
  }
}
