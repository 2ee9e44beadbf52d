import Sphere
import Synchronization

/// Vorticity and divergence of fields of wind; keeps the transform of the last grid, which takes much longer
/// to plan than to apply.
final class WindDerivatives: Sendable {
  private let last = Mutex<VectorTransform?>(nil)

  /// Relative vorticity and divergence [s-1], [point], of wind [m s-1], truncated to the degrees that the
  /// grid holds (`SphereGrid.defaultDegreeCount`).
  func fields(u: [Float], v: [Float], grid: SphereGrid) -> (vorticity: [Float], divergence: [Float]) {
    let transform = last.withLock { kept in
      if let kept, kept.grid == grid { return kept }
      let new = VectorTransform(grid: grid, degrees: grid.defaultDegreeCount)
      kept = new
      return new
    }
    let found = transform.vorticityDivergence(u: u.map(Double.init), v: v.map(Double.init))
    return (found.vorticity.map { Float($0) }, found.divergence.map { Float($0) })
  }
}
