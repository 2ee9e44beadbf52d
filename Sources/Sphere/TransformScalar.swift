import Basics
import CFFTW
import COpenBLAS
import Synchronization

/// Float or Double: what the transform needs of BLAS and FFTW in each precision.
public protocol TransformScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// Row-major C = alpha op(A) op(B) + beta C on the calling thread (cblas_?gemm).
  static func gemm(
    transposeA: Bool, transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, alpha: Self,
    _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafePointer<Self>, _ ldb: Int, beta: Self,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int)
  /// Rows of n reals (n divisible by 4) to their four symmetric parts, see `FoldedRows`.
  static func fold(
    _ rows: UnsafePointer<Self>, count: Int, length n: Int, into parts: UnsafeMutablePointer<Self>)
  /// The transpose of `fold`.
  static func unfold(
    _ parts: UnsafePointer<Self>, count: Int, length n: Int, into rows: UnsafeMutablePointer<Self>)
  /// Plans `rows` real-to-complex transforms of length n, contiguous rows.
  static func planForward(length n: Int, rows: Int) -> OpaquePointer?
  /// Plans `rows` complex-to-real transforms of length n, contiguous rows (destroys its input).
  static func planInverse(length n: Int, rows: Int) -> OpaquePointer?
  /// Executes a forward plan on other 64-byte aligned arrays; thread safe.
  static func executeForward(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Self>, _ output: UnsafeMutablePointer<Self>)
  /// Executes an inverse plan on other 64-byte aligned arrays; thread safe.
  static func executeInverse(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Self>, _ output: UnsafeMutablePointer<Self>)
  /// Frees a plan.
  static func destroy(_ plan: OpaquePointer)
}

/// FFTW's planner is not thread safe; execution is.
let plannerLock = Mutex<Void>(())

/// BLAS on one thread: our own parallelism lies outside. Called once by whoever first needs BLAS.
public let singleThreadedBLAS: Void = {
  openblas_set_num_threads(1)
}()

extension Float: TransformScalar {
  /// See `TransformScalar`.
  public static func fold(
    _ rows: UnsafePointer<Float>, count: Int, length n: Int, into parts: UnsafeMutablePointer<Float>
  ) { FoldedRows.fold(rows, count: count, length: n, into: parts) }
  /// See `TransformScalar`.
  public static func unfold(
    _ parts: UnsafePointer<Float>, count: Int, length n: Int, into rows: UnsafeMutablePointer<Float>
  ) { FoldedRows.unfold(parts, count: count, length: n, into: rows) }
  /// See `TransformScalar`.
  @inline(__always)
  public static func gemm(
    transposeA: Bool, transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
  }
  /// See `TransformScalar`.
  public static func planForward(length n: Int, rows: Int) -> OpaquePointer? {
    let columns = n / 2 + 1
    let real = AlignedBuffer<Float>(n * rows)
    let complex = AlignedBuffer<Float>(2 * columns * rows)
    return plannerLock.withLock { _ in
      var length = Int32(n)
      return complex.pointer.withMemoryRebound(to: fftwf_complex.self, capacity: columns * rows) {
        fftwf_plan_many_dft_r2c(
          1, &length, Int32(rows), real.pointer, nil, 1, Int32(n), $0, nil, 1, Int32(columns),
          UInt32(FFTW_ESTIMATE) | UInt32(FFTW_DESTROY_INPUT))
      }
    }
  }
  /// See `TransformScalar`.
  public static func planInverse(length n: Int, rows: Int) -> OpaquePointer? {
    let columns = n / 2 + 1
    let real = AlignedBuffer<Float>(n * rows)
    let complex = AlignedBuffer<Float>(2 * columns * rows)
    return plannerLock.withLock { _ in
      var length = Int32(n)
      return complex.pointer.withMemoryRebound(to: fftwf_complex.self, capacity: columns * rows) {
        fftwf_plan_many_dft_c2r(
          1, &length, Int32(rows), $0, nil, 1, Int32(columns), real.pointer, nil, 1, Int32(n),
          UInt32(FFTW_ESTIMATE) | UInt32(FFTW_DESTROY_INPUT))
      }
    }
  }
  /// See `TransformScalar`.
  public static func executeForward(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) {
    UnsafeMutableRawPointer(output).withMemoryRebound(to: fftwf_complex.self, capacity: 1) {
      fftwf_execute_dft_r2c(plan, input, $0)
    }
  }
  /// See `TransformScalar`.
  public static func executeInverse(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) {
    UnsafeMutableRawPointer(input).withMemoryRebound(to: fftwf_complex.self, capacity: 1) {
      fftwf_execute_dft_c2r(plan, $0, output)
    }
  }
  /// See `TransformScalar`.
  public static func destroy(_ plan: OpaquePointer) { plannerLock.withLock { _ in fftwf_destroy_plan(plan) } }
}

extension Double: TransformScalar {
  /// See `TransformScalar`.
  public static func fold(
    _ rows: UnsafePointer<Double>, count: Int, length n: Int, into parts: UnsafeMutablePointer<Double>
  ) { FoldedRows.fold(rows, count: count, length: n, into: parts) }
  /// See `TransformScalar`.
  public static func unfold(
    _ parts: UnsafePointer<Double>, count: Int, length n: Int, into rows: UnsafeMutablePointer<Double>
  ) { FoldedRows.unfold(parts, count: count, length: n, into: rows) }
  /// See `TransformScalar`.
  @inline(__always)
  public static func gemm(
    transposeA: Bool, transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, alpha: Double,
    _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafePointer<Double>, _ ldb: Int, beta: Double,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int
  ) {
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
  }
  /// See `TransformScalar`.
  public static func planForward(length n: Int, rows: Int) -> OpaquePointer? {
    let columns = n / 2 + 1
    let real = AlignedBuffer<Double>(n * rows)
    let complex = AlignedBuffer<Double>(2 * columns * rows)
    return plannerLock.withLock { _ in
      var length = Int32(n)
      return complex.pointer.withMemoryRebound(to: fftw_complex.self, capacity: columns * rows) {
        fftw_plan_many_dft_r2c(
          1, &length, Int32(rows), real.pointer, nil, 1, Int32(n), $0, nil, 1, Int32(columns),
          UInt32(FFTW_ESTIMATE) | UInt32(FFTW_DESTROY_INPUT))
      }
    }
  }
  /// See `TransformScalar`.
  public static func planInverse(length n: Int, rows: Int) -> OpaquePointer? {
    let columns = n / 2 + 1
    let real = AlignedBuffer<Double>(n * rows)
    let complex = AlignedBuffer<Double>(2 * columns * rows)
    return plannerLock.withLock { _ in
      var length = Int32(n)
      return complex.pointer.withMemoryRebound(to: fftw_complex.self, capacity: columns * rows) {
        fftw_plan_many_dft_c2r(
          1, &length, Int32(rows), $0, nil, 1, Int32(columns), real.pointer, nil, 1, Int32(n),
          UInt32(FFTW_ESTIMATE) | UInt32(FFTW_DESTROY_INPUT))
      }
    }
  }
  /// See `TransformScalar`.
  public static func executeForward(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Double>, _ output: UnsafeMutablePointer<Double>
  ) {
    UnsafeMutableRawPointer(output).withMemoryRebound(to: fftw_complex.self, capacity: 1) {
      fftw_execute_dft_r2c(plan, input, $0)
    }
  }
  /// See `TransformScalar`.
  public static func executeInverse(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Double>, _ output: UnsafeMutablePointer<Double>
  ) {
    UnsafeMutableRawPointer(input).withMemoryRebound(to: fftw_complex.self, capacity: 1) {
      fftw_execute_dft_c2r(plan, $0, output)
    }
  }
  /// See `TransformScalar`.
  public static func destroy(_ plan: OpaquePointer) { plannerLock.withLock { _ in fftw_destroy_plan(plan) } }
}
