import Basics
import Operators

/// Changes of low rank to the matrices of a network (Hu et al. 2021, LoRA), on the sphere: W' = W + L R.
///
/// A pointwise matrix [out][in] gets L [out][rank] and R [rank][in]. A spectral weight is a complex matrix
/// W_l [in][out] for every degree l, and every degree gets its own complex L_l [in][rank] and
/// R_l [rank][out]: degrees are scales that don't mix in the network, so they share no factors. Biases and
/// norms stay as they are.
///
/// Factors are one flat array, matrix by matrix, L before R, each from a multiple of 16; spectral ones
/// [degree][re, im][row][column].
public struct LowRankAdapter: Sendable {
  /// One of the two factors of a tensor.
  public struct Factor: Sendable {
    /// `NAME.left` or `NAME.right`, NAME being the tensor that is changed.
    public let name: String
    /// [rows, columns], or [degrees, 2, rows, columns] where complex.
    public let shape: [Int]
    /// First number in the flat array.
    public let offset: Int
    /// Numbers.
    public var count: Int { shape.reduce(1, *) }
  }

  /// A matrix of the network: `slices` times [re, im if complex][rows][columns].
  private struct Matrix: Sendable {
    let offset, slices, rows, columns, rank, left, right: Int
    let isComplex: Bool
    var parts: Int { isComplex ? 2 : 1 }
  }

  /// Rank of the changes; a matrix with fewer rows or columns takes as many.
  public let rank: Int
  /// All factors, in order.
  public private(set) var factors: [Factor] = []
  /// Numbers in the flat array.
  public private(set) var count = 0
  private let layout: ParameterLayout
  private var matrices: [Matrix] = []
  private let jobs: [(matrix: Int, slice: Int)]

  /// Room for changes of `rank` to a network's matrices.
  public init(_ layout: ParameterLayout, rank: Int) {
    precondition(rank >= 0)
    self.layout = layout
    self.rank = rank
    var matrices: [Matrix] = []
    var (factors, count) = ([Factor](), 0)
    func add(_ name: String, _ shape: [Int]) -> Int {
      let factor = Factor(name: name, shape: shape, offset: count)
      factors.append(factor)
      count += (factor.count + 15) / 16 * 16
      return factor.offset
    }
    for segment in layout.segments where segment.shape.count > 1 {
      let (rows, columns) = (segment.shape[0], segment.shape[1])
      let slices = segment.isSpectral ? segment.shape[2] : 1
      let lower = min(rank, rows, columns)
      func shape(_ rows: Int, _ columns: Int) -> [Int] {
        segment.isSpectral ? [slices, 2, rows, columns] : [rows, columns]
      }
      matrices.append(
        Matrix(
          offset: segment.offset, slices: slices, rows: rows, columns: columns, rank: lower,
          left: add(segment.name + ".left", shape(rows, lower)),
          right: add(segment.name + ".right", shape(lower, columns)), isComplex: segment.isSpectral))
    }
    self.matrices = matrices
    self.factors = factors
    self.count = count
    jobs = matrices.enumerated().flatMap { number, matrix in
      (0..<matrix.slices).map { (number, $0) }
    }
  }

  /// Factors to start from: the one at a matrix's input random with E|x|^2 = 1/inputs, the other one zero,
  /// so that the network starts as it was.
  public func start(seed: UInt64) -> AlignedBuffer<Float> {
    let flat = AlignedBuffer<Float>(count)
    for (number, matrix) in matrices.enumerated() {
      // y = L (R x) for pointwise matrices, y = (x L) R for spectral ones.
      let (offset, inputs) =
        matrix.isComplex ? (matrix.left, matrix.rows) : (matrix.right, matrix.columns)
      let deviation = (1 / Double(inputs * matrix.parts)).squareRoot()
      let normals = Philox(seed: seed, purpose: .initialWeights, UInt64(number), 1)
        .normals(matrix.slices * matrix.parts * inputs * matrix.rank)
      for (i, normal) in normals.enumerated() { flat.pointer[offset + i] = Float(normal * deviation) }
    }
    return flat
  }

  /// The network's weights: `base` + L R. Where L R is 0 the bits are those of `base`.
  public func compose(
    _ base: AlignedBuffer<Float>, _ factors: AlignedBuffer<Float>, into target: AlignedBuffer<Float>,
    threads: Int = Parallel.defaultThreads
  ) throws {
    precondition(base.count == layout.count && target.count == base.count && factors.count == count)
    target.pointer.update(from: base.pointer, count: base.count)
    try Parallel.forEach(jobs.count, threads: threads) { job, _ in change(target, by: factors, job) }
  }

  /// The same in an array of its own, on the calling thread.
  public func composed(_ base: AlignedBuffer<Float>, _ factors: AlignedBuffer<Float>) -> AlignedBuffer<Float>
  {
    precondition(base.count == layout.count && factors.count == count)
    let target = AlignedBuffer(base.array)
    for job in jobs.indices { change(target, by: factors, job) }
    return target
  }

  /// Adds L R of one slice.
  private func change(_ target: AlignedBuffer<Float>, by factors: AlignedBuffer<Float>, _ job: Int) {
    let (matrix, slice) = (matrices[jobs[job].matrix], jobs[job].slice)
    let place = Slice(matrix, slice, factors: factors.pointer)
    let weights = target.pointer + matrix.offset + slice * matrix.parts * place.size
    let n = matrix.columns
    let changes = AlignedBuffer<Float>(matrix.parts * n)
    let real = changes.pointer
    for row in 0..<matrix.rows {
      real.update(repeating: 0, count: changes.count)
      for k in 0..<matrix.rank {
        let (a, r) = (place.left + row * matrix.rank + k, place.right + k * n)
        VectorLoops.add(a[0], r, to: real, n)
        guard matrix.isComplex else { continue }
        let (b, s) = (a[place.leftSize], r + place.rightSize)
        VectorLoops.add(-b, s, to: real, n)
        VectorLoops.add(a[0], s, to: real + n, n)
        VectorLoops.add(b, r, to: real + n, n)
      }
      for part in 0..<matrix.parts {
        let (w, d) = (weights + part * place.size + row * n, real + part * n)
        // -0 + 0 would be +0.
        for i in 0..<n where d[i] != 0 { w[i] += d[i] }
      }
    }
  }

  /// The gradient of the factors from that of the weights: dL = dW R^H, dR = L^H dW.
  public func project(
    _ weightGradient: AlignedBuffer<Float>, _ factors: AlignedBuffer<Float>,
    into target: AlignedBuffer<Float>, threads: Int = Parallel.defaultThreads
  ) throws {
    precondition(weightGradient.count == layout.count && factors.count == count && target.count == count)
    try Parallel.forEach(jobs.count, threads: threads) { job, _ in
      let (matrix, slice) = (matrices[jobs[job].matrix], jobs[job].slice)
      let place = Slice(matrix, slice, factors: factors.pointer)
      let changed = Slice(matrix, slice, factors: target.pointer)
      let n = matrix.columns
      changed.right.update(repeating: 0, count: matrix.parts * place.rightSize)
      for row in 0..<matrix.rows {
        let g = weightGradient.pointer + matrix.offset + slice * matrix.parts * place.size + row * n
        for k in 0..<matrix.rank {
          let (a, r) = (place.left + row * matrix.rank + k, place.right + k * n)
          let (da, dr) = (changed.left + row * matrix.rank + k, changed.right + k * n)
          da[0] = VectorLoops.dot(g, r, n)
          VectorLoops.add(a[0], g, to: dr, n)
          guard matrix.isComplex else { continue }
          let (h, b, s) = (g + place.size, a[place.leftSize], r + place.rightSize)
          let ds = dr + place.rightSize
          da[0] += VectorLoops.dot(h, s, n)
          da[place.leftSize] = VectorLoops.dot(h, r, n) - VectorLoops.dot(g, s, n)
          VectorLoops.add(b, h, to: dr, n)
          VectorLoops.add(a[0], h, to: ds, n)
          VectorLoops.add(-b, g, to: ds, n)
        }
      }
    }
  }

  /// The factors of one degree (or of a pointwise matrix) within a flat array.
  private struct Slice {
    /// Numbers of a real matrix and of the real factors.
    let size, leftSize, rightSize: Int
    let left: UnsafeMutablePointer<Float>
    let right: UnsafeMutablePointer<Float>

    init(_ matrix: Matrix, _ slice: Int, factors: UnsafeMutablePointer<Float>) {
      size = matrix.rows * matrix.columns
      leftSize = matrix.rows * matrix.rank
      rightSize = matrix.rank * matrix.columns
      left = factors + matrix.left + slice * matrix.parts * leftSize
      right = factors + matrix.right + slice * matrix.parts * rightSize
    }
  }
}

/// Loops over short vectors at any address.
private enum VectorLoops {
  /// y += a x.
  @inline(__always)
  static func add(
    _ a: Float, _ x: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for i in 0..<count { y[i] += a * x[i] }
  }

  /// The sum of x y, eight partial sums at a time.
  @inline(__always)
  static func dot(_ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD8<Float>()
    var i = 0
    while i + 8 <= count {
      lanes +=
        UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
        * UnsafeRawPointer(y + i).loadUnaligned(as: SIMD8<Float>.self)
      i += 8
    }
    var sum = lanes.sum()
    while i < count {
      sum += x[i] * y[i]
      i += 1
    }
    return sum
  }
}
