import Basics
import Kernels
import Sphere

/// What the machine can do on a number of threads, by measurement.
struct MachineLimits: Encodable {
  let threads: Int
  /// Matrix products in Float, 10^9 operations a second: the best repeat, since it is a limit.
  let sgemm: Double
  /// The processor that OpenBLAS' kernels, which reached it, were written for.
  let kernels = BLASProcessor.kernels
  /// Where `sgemm` is less than the processor could reach, what to do; for the text alone.
  let advice = BLASProcessor.advice
  /// The same of a wide product of the network on the processor's matrix unit, all of it in the caches; nil
  /// where there is none.
  let matrixUnit: Double?
  /// Memory traffic of the triad a = b + s c, 10^9 bytes a second, likewise.
  let bandwidth: Double

  enum CodingKeys: String, CodingKey {
    case threads
    case sgemm = "sgemm_gflops"
    case kernels = "openblas_kernels"
    case matrixUnit = "matrix_unit_gflops"
    case bandwidth = "triad_gbytes"
  }

  init(threads: Int, _ stopwatch: Stopwatch) throws {
    self.threads = threads
    sgemm = try Self.products(threads, stopwatch)
    matrixUnit = Product.usesMatrixUnit ? try Self.wideProducts(threads, stopwatch) : nil
    bandwidth = try Self.measureTriad(threads, stopwatch)
  }

  /// 10^9 operations a second of matrix products in Float.
  ///
  /// Each thread multiplies its own square matrices, as the kernels do: no threads inside BLAS.
  static func products(_ threads: Int, _ stopwatch: Stopwatch) throws -> Double {
    let n = 1024
    let values = Philox(seed: 1, purpose: .test).normals(n * n).map { Float($0) }
    let matrices = (0..<threads).map { _ in
      (a: AlignedBuffer(values), b: AlignedBuffer(values), c: AlignedBuffer<Float>(n * n))
    }
    let times = try stopwatch.times {
      try Parallel.forEach(threads, threads: threads) { index, _ in
        let (a, b, c) = matrices[index]
        Float.gemm(
          transposeA: false, transposeB: false, n, n, n, alpha: 1, a.pointer, n, b.pointer, n, beta: 0,
          c.pointer, n)
      }
    }
    return 2e-9 * Double(n * n * n * threads) / times[0]
  }

  /// 10^9 operations a second of 96 x 256 x 128 with a prepared matrix, some hundred times over.
  private static func wideProducts(_ threads: Int, _ stopwatch: Stopwatch) throws -> Double {
    let (rows, columns, depth, turns) = (96, 256, 128, 400)
    let values = Philox(seed: 1, purpose: .test).normals(max(rows, columns) * depth).map { Float($0) }
    let words = PreparedMatrix.partWords(depth: depth, columns: columns)
    let operands = (0..<threads).map { _ in
      (
        a: AlignedBuffer(values), b: AlignedBuffer(values), parts: AlignedBuffer<UInt32>(words),
        c: AlignedBuffer<Float>(rows * columns)
      )
    }
    for (_, b, parts, _) in operands {
      PreparedMatrix.prepare(depth: depth, columns: columns, b.pointer, row: columns, into: parts.pointer)
    }
    let times = try stopwatch.times {
      try Parallel.forEach(threads, threads: threads) { index, _ in
        let (a, b, parts, c) = operands[index]
        let matrix = PreparedMatrix(
          b.pointer, row: columns, depth: depth, columns: columns, parts: parts.pointer)
        for _ in 0..<turns {
          Product.run(
            rows: rows, columns: columns, depth: depth, MatrixView(a.pointer, row: depth), matrix, c.pointer,
            cRow: columns)
        }
      }
    }
    return 2e-9 * Double(rows * columns * depth * turns * threads) / times[0]
  }

  /// STREAM's triad (McCalpin 1995) with arrays far larger than any cache; counts the 12 bytes an element
  /// that the formula names, not the reading of lines before they are written.
  private static func measureTriad(_ threads: Int, _ stopwatch: Stopwatch) throws -> Double {
    let total = 48 << 20
    let count = total / threads / 16 * 16
    let arrays = (0..<threads).map { _ in
      (a: AlignedBuffer<Float>(count), b: AlignedBuffer<Float>(count), c: AlignedBuffer<Float>(count))
    }
    let times = try stopwatch.times {
      try Parallel.forEach(threads, threads: threads) { index, _ in
        let (a, b, c) = (arrays[index].a.pointer, arrays[index].b.pointer, arrays[index].c.pointer)
        for i in stride(from: 0, to: count, by: 16) {
          let sum =
            UnsafeRawPointer(b + i).load(as: SIMD16<Float>.self)
            + UnsafeRawPointer(c + i).load(as: SIMD16<Float>.self) * 3
          UnsafeMutableRawPointer(a + i).storeBytes(of: sum, as: SIMD16<Float>.self)
        }
      }
    }
    return 1e-9 * Double(12 * count * threads) / times[0]
  }
}
