import Basics
import Foundation

/// The spherical harmonic transform of scalar fields, its inverse, and the adjoint of each.
///
/// Forward: a_lm = sum_k w_k P_lm(theta_k) F_m(theta_k), F_m = (2 pi / nlon) sum_j f(theta_k, lambda_j)
/// exp(-i m lambda_j). Inverse: f = Re G_0 + 2 sum_m Re(G_m exp(i m lambda)), G_m = sum_l a_lm P_lm
/// (spec/hens.md 2.1; "ortho", Condon-Shortley phase, as torch-harmonics). The imaginary parts at m = 0
/// and at the Nyquist order are dropped, as any real field demands.
///
/// Both stages are matrix products: along a row a real Fourier transform, which for the short rows of
/// coarse grids is a product with a table of cosines and sines, by symmetry a quarter of it (sgemm beats FFTW
/// below about 200 points, and writes the orders where the next stage wants them) and FFTW otherwise; then per order m one gemm
/// over [latitude] x [2 x fields]. Planned once, immutable, thread safe: each thread brings a workspace.
///
/// Layouts: fields [count][latitude][longitude]; coefficients in the order the products leave them,
/// [order m][degree l][re, im][count], of which only l >= m is read or written ("native"); the array
/// functions speak torch-harmonics' [count][l][m][re, im].
///
/// Accuracy, measured against torch-harmonics in float64: 1e-14 of the largest value in Double, 1e-6 in Float.
public final class SphericalTransform<Scalar: TransformScalar>: Sendable {
  /// The grid of the fields.
  public let grid: SphereGrid
  /// Degrees l are 0..<degrees.
  public let degrees: Int
  /// Orders m are 0..<orders.
  public let orders: Int

  /// w_k P_lm, and P_lm: [order m][degree l - m][latitude].
  private let analysisTable: AlignedBuffer<Scalar>
  private let synthesisTable: AlignedBuffer<Scalar>
  private let fourier: FourierStage<Scalar>

  /// Plans transforms on `grid` for l < degrees and m < orders.
  ///
  /// - Parameter orders: by default as many as degrees, at most longitudes / 2 + 1.
  public init(grid: SphereGrid, degrees: Int, orders: Int? = nil) {
    _ = singleThreadedBLAS
    self.grid = grid
    self.degrees = max(1, degrees)
    self.orders = max(1, min(orders ?? degrees, degrees, grid.longitudeCount / 2 + 1))
    let table = LegendreTable(colatitudes: grid.colatitudes, degrees: self.degrees, orders: self.orders)
    let rows = grid.latitudeCount
    analysisTable = AlignedBuffer<Scalar>(table.values.count)
    synthesisTable = AlignedBuffer<Scalar>(table.values.count)
    for index in table.values.indices {
      let value = table.values[index]
      synthesisTable.pointer[index] = Scalar(value)
      analysisTable.pointer[index] = Scalar(value * grid.quadratureWeights[index % rows])
    }
    fourier = FourierStage(length: grid.longitudeCount, orders: self.orders, rowsPerField: rows)
  }

  /// Numbers in a native coefficient array of `count` fields.
  public func coefficientCount(_ count: Int) -> Int { orders * degrees * 2 * count }

  /// Floating-point operations of one field, either way: those of its matrix products (and of FFTW).
  public var operationsPerField: Double {
    let rows = Double(grid.latitudeCount)
    let harmonics = (0..<orders).reduce(0) { $0 + degrees - $1 }
    return rows * (fourier.operationsPerRow + 4 * Double(harmonics))
  }

  /// Scratch for transforms of up to `count` fields on one thread.
  public func makeWorkspace(_ count: Int) -> TransformWorkspace<Scalar> {
    TransformWorkspace(
      modes: AlignedBuffer(2 * orders * count * grid.latitudeCount),
      row: AlignedBuffer(fourier.scratchCount))
  }

  // MARK: - The four maps, native layout, on the calling thread

  /// Fields to coefficients.
  public func forward(
    _ fields: UnsafePointer<Scalar>, count: Int, into coefficients: UnsafeMutablePointer<Scalar>,
    _ workspace: TransformWorkspace<Scalar>
  ) {
    fourier.analyse(fields, fields: count, into: workspace, scaling: .quadrature)
    project(workspace.modes.pointer, analysisTable, count, into: coefficients)
  }

  /// Coefficients to fields.
  public func inverse(
    _ coefficients: UnsafePointer<Scalar>, count: Int, into fields: UnsafeMutablePointer<Scalar>,
    _ workspace: TransformWorkspace<Scalar>
  ) {
    expand(coefficients, synthesisTable, count, into: workspace.modes.pointer)
    fourier.synthesise(workspace, fields: count, into: fields, scaling: .series)
  }

  /// The transpose of `forward`: gradients by coefficients to gradients by fields.
  public func forwardAdjoint(
    _ coefficients: UnsafePointer<Scalar>, count: Int, into fields: UnsafeMutablePointer<Scalar>,
    _ workspace: TransformWorkspace<Scalar>
  ) {
    expand(coefficients, analysisTable, count, into: workspace.modes.pointer)
    fourier.synthesise(workspace, fields: count, into: fields, scaling: .quadrature)
  }

  /// The transpose of `inverse`: gradients by fields to gradients by coefficients.
  public func inverseAdjoint(
    _ fields: UnsafePointer<Scalar>, count: Int, into coefficients: UnsafeMutablePointer<Scalar>,
    _ workspace: TransformWorkspace<Scalar>
  ) {
    fourier.analyse(fields, fields: count, into: workspace, scaling: .series)
    project(workspace.modes.pointer, synthesisTable, count, into: coefficients)
  }

  /// Legendre stage towards degrees: C_m[l][2 x count] = T_m[l][latitude] F_m[2 x count][latitude]^T.
  private func project(
    _ modes: UnsafePointer<Scalar>, _ table: AlignedBuffer<Scalar>, _ count: Int,
    into coefficients: UnsafeMutablePointer<Scalar>
  ) {
    let rows = grid.latitudeCount
    let width = 2 * count
    var offset = 0
    for m in 0..<orders {
      let height = degrees - m
      Scalar.gemm(
        transposeA: false, transposeB: true, height, width, rows, alpha: 1, table.pointer + offset, rows,
        modes + m * width * rows, rows, beta: 0, coefficients + (m * degrees + m) * width, width)
      offset += height * rows
    }
  }

  /// Legendre stage towards latitudes: G_m[2 x count][latitude] = C_m[l][2 x count]^T T_m[l][latitude].
  private func expand(
    _ coefficients: UnsafePointer<Scalar>, _ table: AlignedBuffer<Scalar>, _ count: Int,
    into modes: UnsafeMutablePointer<Scalar>
  ) {
    let rows = grid.latitudeCount
    let width = 2 * count
    var offset = 0
    for m in 0..<orders {
      let height = degrees - m
      Scalar.gemm(
        transposeA: true, transposeB: false, width, rows, height, alpha: 1,
        coefficients + (m * degrees + m) * width, width, table.pointer + offset, rows, beta: 0,
        modes + m * width * rows, rows)
      offset += height * rows
    }
  }

  // MARK: - Arrays, torch-harmonics' layout

  /// Fields [count][latitude][longitude] to coefficients [count][l][m][re, im], zero where m > l.
  public func forward(_ fields: [Scalar], count: Int) -> [Scalar] {
    mapFields(fields, count, forward(_:count:into:_:))
  }

  /// Coefficients [count][l][m][re, im] to fields [count][latitude][longitude].
  public func inverse(_ coefficients: [Scalar], count: Int) -> [Scalar] {
    mapCoefficients(coefficients, count, inverse(_:count:into:_:))
  }

  /// The transpose of `forward`, [count][l][m][re, im] to [count][latitude][longitude].
  public func forwardAdjoint(_ coefficients: [Scalar], count: Int) -> [Scalar] {
    mapCoefficients(coefficients, count, forwardAdjoint(_:count:into:_:))
  }

  /// The transpose of `inverse`, [count][latitude][longitude] to [count][l][m][re, im].
  public func inverseAdjoint(_ fields: [Scalar], count: Int) -> [Scalar] {
    mapFields(fields, count, inverseAdjoint(_:count:into:_:))
  }

  /// Fields with every degree l >= degrees removed.
  public func truncate(_ fields: [Scalar], count: Int) -> [Scalar] {
    inverse(forward(fields, count: count), count: count)
  }

  private typealias Map = (
    UnsafePointer<Scalar>, Int, UnsafeMutablePointer<Scalar>, TransformWorkspace<Scalar>
  ) -> Void

  private func mapFields(_ fields: [Scalar], _ count: Int, _ map: Map) -> [Scalar] {
    precondition(fields.count == count * grid.pointCount)
    let input = AlignedBuffer(fields)
    let native = AlignedBuffer<Scalar>(coefficientCount(count))
    map(input.pointer, count, native.pointer, makeWorkspace(count))
    var result = [Scalar](repeating: 0, count: coefficientCount(count))
    for m in 0..<orders {
      for l in m..<degrees {
        for part in 0..<2 {
          let source = ((m * degrees + l) * 2 + part) * count
          for field in 0..<count {
            result[((field * degrees + l) * orders + m) * 2 + part] = native.pointer[source + field]
          }
        }
      }
    }
    return result
  }

  private func mapCoefficients(_ coefficients: [Scalar], _ count: Int, _ map: Map) -> [Scalar] {
    precondition(coefficients.count == coefficientCount(count))
    let native = AlignedBuffer<Scalar>(coefficientCount(count))
    for m in 0..<orders {
      for l in m..<degrees {
        for part in 0..<2 {
          let target = ((m * degrees + l) * 2 + part) * count
          for field in 0..<count {
            native.pointer[target + field] = coefficients[((field * degrees + l) * orders + m) * 2 + part]
          }
        }
      }
    }
    let output = AlignedBuffer<Scalar>(count * grid.pointCount)
    map(native.pointer, count, output.pointer, makeWorkspace(count))
    return output.array
  }
}

/// Scratch of one thread; its contents are undetermined between calls.
public struct TransformWorkspace<Scalar: TransformScalar>: Sendable {
  /// Fourier modes [order m][re, im][field x latitude].
  let modes: AlignedBuffer<Scalar>
  /// Rows on their way through FFTW.
  let row: AlignedBuffer<Scalar>
}
