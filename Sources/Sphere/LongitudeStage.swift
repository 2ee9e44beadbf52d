import Basics
import CFFTW
import Foundation
import Kernels
import Synchronization

/// The longitude half of a `ChannelTransform`: two mirrored rows of channels to the sum and the difference of
/// their orders, and back.
///
/// Short rows are folded into eight symmetric parts and multiplied with tables of cosines and sines; long
/// ones go to FFTW, which takes channels as its vector.
final class LongitudeStage: @unchecked Sendable {
  typealias Scaling = LongitudeWaves.Scaling

  let length: Int
  let orders: Int
  /// Channels of a call, which may be a few neighbours of all that a field has.
  let channels: Int
  /// Numbers from one longitude of a field to the next.
  let row: Int
  private let folds: Bool
  /// [scaling][part], each [order of the part's parity][place].
  private let tables: [[AlignedBuffer<Float>]]
  private var forwardPlan: OpaquePointer?
  private var inversePlan: OpaquePointer?

  private static let parts = FoldedRows.Part.allCases
  private var places: Int { FoldedRows.places(length) }
  private var columns: Int { length / 2 + 1 }

  /// Whether rows of this length are folded: only then may a call take a few channels of a field.
  static func folds(length: Int, orders: Int) -> Bool {
    length % 4 == 0 && LongitudeWaves.prefersTable(length, orders)
  }

  init(length: Int, orders: Int, channels: Int, row: Int) {
    self.length = length
    self.orders = orders
    self.channels = channels
    self.row = row
    folds = Self.folds(length: length, orders: orders)
    guard folds else {
      tables = []
      plan()
      return
    }
    tables = Scaling.allCases.map { scaling in
      FoldedRows.Part.allCases.map { Self.table($0, scaling, length, orders) }
    }
  }

  deinit {
    plannerLock.withLock { _ in
      if let forwardPlan { fftwf_destroy_plan(forwardPlan) }
      if let inversePlan { fftwf_destroy_plan(inversePlan) }
    }
  }

  private static func table(
    _ part: FoldedRows.Part, _ scaling: Scaling, _ length: Int, _ orders: Int
  ) -> AlignedBuffer<Float> {
    let (places, rows) = (FoldedRows.places(length), part.orderCount(orders))
    let table = AlignedBuffer<Float>(places * rows)
    for row in 0..<rows {
      for j in 0..<places {
        table.pointer[row * places + j] = Float(
          LongitudeWaves.entry(part, scaling, row: row, place: j, length: length))
      }
    }
    return table
  }

  /// Floating-point operations of one channel of one row: of the products, or 5/2 n log2 n as is usual for
  /// FFTW.
  var operationsPerRow: Double {
    guard folds else { return 2.5 * Double(length) * log2(Double(length)) }
    return FoldedRows.Part.allCases.reduce(0) { $0 + Double(2 * places * $1.orderCount(orders)) }
  }

  /// Numbers of scratch for one thread: eight parts, or two rows and their orders.
  var scratchCount: Int {
    folds ? 8 * places * channels : 2 * (length + 2 * columns) * channels
  }

  // MARK: - Towards orders

  /// even and odd [order][re, im][channel], orders `stride` apart, take the orders of north + south and of
  /// north - south, or, without a southern row, of north and zero.
  func analyse<Source: FieldRow>(
    _ north: Source, _ south: Source?, _ scaling: Scaling,
    even: UnsafeMutablePointer<Float>, odd: UnsafeMutablePointer<Float>, stride: Int,
    _ scratch: UnsafeMutablePointer<Float>, ahead: Prefetch?
  ) {
    if south == nil {
      for m in 0..<orders { (odd + m * stride).update(repeating: 0, count: 2 * channels) }
    }
    guard folds else {
      analyseByFFTW(north, south, scaling, even: even, odd: odd, stride: stride, scratch)
      return
    }
    fold(north, south ?? north, into: scratch)
    let block = places * channels
    for hemisphere in 0..<(south == nil ? 1 : 2) {
      let target = hemisphere == 0 ? even : odd
      for part in Self.parts {
        Product.run(
          rows: part.orderCount(orders), columns: channels, depth: places,
          MatrixView(tables[scaling.rawValue][part.rawValue].pointer, row: places),
          scratch + (4 * hemisphere + part.rawValue) * block, bRow: channels,
          target + (part.isOdd ? stride : 0) + (part.isSine ? channels : 0), cRow: 2 * stride,
          ahead: ahead?.part(4 * hemisphere + part.rawValue, of: 8))
      }
    }
    // Without a mirror the fold has counted the row twice.
    if south == nil {
      for m in 0..<orders {
        let row = even + m * stride
        for i in 0..<2 * channels { row[i] *= 0.5 }
      }
    }
  }

  /// Parts [sum, difference][part][place][channel] of two rows.
  private func fold<Source: FieldRow>(
    _ north: Source, _ south: Source, into parts: UnsafeMutablePointer<Float>
  ) {
    let (n, e, block) = (length, channels, places &* channels)
    let (quarter, middle) = (n / 4, n / 2)
    @inline(__always) func pair(_ j: Int, _ i: Int) -> (Vector, Vector) {
      let (u, v) = (north.numbers(j &* row, i), south.numbers(j &* row, i))
      return (u + v, u - v)
    }
    for j in 1..<quarter {
      var i = 0
      while i < e {
        // a and b mirror each other about longitude 0, c and d are their mirrors about the quarter turn.
        let (a, oddA) = pair(j, i)
        let (b, oddB) = pair(n &- j, i)
        let (c, oddC) = pair(middle &- j, i)
        let (d, oddD) = pair(middle &+ j, i)
        let target = parts + j &* e + i
        let (c0, s0, c1, s1) = (a + b, a - b, c + d, c - d)
        target.vector = c0 + c1
        (target + block).vector = s0 - s1
        (target + 2 &* block).vector = c0 - c1
        (target + 3 &* block).vector = s0 + s1
        let (d0, t0, d1, t1) = (oddA + oddB, oddA - oddB, oddC + oddD, oddC - oddD)
        (target + 4 &* block).vector = d0 + d1
        (target + 5 &* block).vector = t0 - t1
        (target + 6 &* block).vector = d0 - d1
        (target + 7 &* block).vector = t0 + t1
        i &+= 16
      }
    }
    var i = 0
    while i < e {
      let (start, end) = (parts + i, parts + quarter &* e + i)
      let (first, oddFirst) = pair(0, i)
      let (turned, oddTurned) = pair(middle, i)
      let (east, oddEast) = pair(quarter, i)
      let (west, oddWest) = pair(n &- quarter, i)
      @inline(__always) func edge(_ at: Int, _ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) {
        (start + at).vector = a + b
        (start + at + block).vector = .zero
        (start + at + 2 &* block).vector = a - b
        (start + at + 3 &* block).vector = .zero
        (end + at).vector = c + d
        (end + at + block).vector = .zero
        (end + at + 2 &* block).vector = .zero
        (end + at + 3 &* block).vector = c - d
      }
      edge(0, first, turned, east, west)
      edge(4 &* block, oddFirst, oddTurned, oddEast, oddWest)
      i &+= 16
    }
  }

  // MARK: - Towards longitudes

  /// The transpose of `analyse`: north takes even + odd, south even - odd.
  func synthesise(
    even: UnsafePointer<Float>, odd: UnsafePointer<Float>, stride: Int, _ scaling: Scaling,
    into north: UnsafeMutablePointer<Float>, _ south: UnsafeMutablePointer<Float>?, accumulate: Bool,
    _ scratch: UnsafeMutablePointer<Float>, ahead: Prefetch?
  ) {
    guard folds else {
      synthesiseByFFTW(
        even: even, odd: odd, stride: stride, scaling, into: north, south, accumulate: accumulate, scratch)
      return
    }
    let block = places * channels
    for hemisphere in 0..<2 {
      let source = hemisphere == 0 ? even : odd
      for part in Self.parts {
        Product.run(
          rows: places, columns: channels, depth: part.orderCount(orders),
          MatrixView(transposed: tables[scaling.rawValue][part.rawValue].pointer, row: places),
          source + (part.isOdd ? stride : 0) + (part.isSine ? channels : 0), bRow: 2 * stride,
          scratch + (4 * hemisphere + part.rawValue) * block, cRow: channels,
          ahead: ahead?.part(4 * hemisphere + part.rawValue, of: 8))
      }
    }
    if let south {
      if accumulate {
        unfold(scratch, into: north, south, Adding.self)
      } else {
        unfold(scratch, into: north, south, Writing.self)
      }
    } else {
      // At the equator the odd part is zero: its P_lm vanish there.
      if accumulate {
        unfold(scratch, into: north, nil, Adding.self)
      } else {
        unfold(scratch, into: north, nil, Writing.self)
      }
    }
  }

  private func unfold<S: Storing>(
    _ parts: UnsafePointer<Float>, into north: UnsafeMutablePointer<Float>,
    _ south: UnsafeMutablePointer<Float>?, _: S.Type
  ) {
    let (n, e, block) = (length, channels, places &* channels)
    let (quarter, middle) = (n / 4, n / 2)
    @inline(__always) func put(_ j: Int, _ i: Int, _ even: Vector, _ odd: Vector) {
      S.store(even + odd, north + j &* row + i)
      if let south { S.store(even - odd, south + j &* row + i) }
    }
    for j in 0...quarter {
      var i = 0
      while i < e {
        let (p, q) = (parts + j &* e + i, parts + 4 &* block + j &* e + i)
        // Cosines and sines of even and odd orders, of the sum and of the difference.
        let (pc, ps, pC, pS) = (
          p.vector, (p + block).vector, (p + 2 &* block).vector, (p + 3 &* block).vector
        )
        let (qc, qs, qC, qS) = (
          q.vector, (q + block).vector, (q + 2 &* block).vector, (q + 3 &* block).vector
        )
        if j == 0 {
          put(0, i, pc + pC, qc + qC)
          put(middle, i, pc - pC, qc - qC)
        } else if j == quarter {
          put(quarter, i, pc + pS, qc + qS)
          put(n - quarter, i, pc - pS, qc - qS)
        } else {
          let (c0, s0, c1, s1) = (pc + pC, pS + ps, pc - pC, pS - ps)
          let (d0, t0, d1, t1) = (qc + qC, qS + qs, qc - qC, qS - qs)
          put(j, i, c0 + s0, d0 + t0)
          put(n - j, i, c0 - s0, d0 - t0)
          put(middle - j, i, c1 + s1, d1 + t1)
          put(middle + j, i, c1 - s1, d1 - t1)
        }
        i &+= 16
      }
    }
  }

  // MARK: - FFTW

  /// Rows [longitude][channel] to orders [order][re, im][channel] and back, planes split.
  private func plan() {
    let (n, e) = (Int32(length), channels)
    let real = AlignedBuffer<Float>(length * e)
    let split = AlignedBuffer<Float>(columns * 2 * e)
    plannerLock.withLock { _ in
      var forward = fftwf_iodim(n: n, is: Int32(e), os: Int32(2 * e))
      var inverse = fftwf_iodim(n: n, is: Int32(2 * e), os: Int32(e))
      var many = fftwf_iodim(n: Int32(e), is: 1, os: 1)
      let flags = UInt32(FFTW_ESTIMATE) | UInt32(FFTW_DESTROY_INPUT)
      forwardPlan = fftwf_plan_guru_split_dft_r2c(
        1, &forward, 1, &many, real.pointer, split.pointer, split.pointer + e, flags)
      inversePlan = fftwf_plan_guru_split_dft_c2r(
        1, &inverse, 1, &many, split.pointer, split.pointer + e, real.pointer, flags)
    }
  }

  private func analyseByFFTW<Source: FieldRow>(
    _ north: Source, _ south: Source?, _ scaling: Scaling,
    even: UnsafeMutablePointer<Float>, odd: UnsafeMutablePointer<Float>, stride: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    guard let plan = forwardPlan else { return }
    let (e, row) = (channels, length * channels)
    // FFTW wants its planned alignment, and may destroy its input.
    let (real, first) = (scratch, scratch + row)
    let second = first + columns * 2 * e
    north.copy(to: real, count: row)
    fftwf_execute_split_dft_r2c(plan, real, first, first + e)
    if let south {
      south.copy(to: real, count: row)
      fftwf_execute_split_dft_r2c(plan, real, second, second + e)
    }
    for m in 0..<orders {
      let factor = Float(LongitudeWaves.factor(scaling, m, length))
      let alone = LongitudeWaves.isReal(m, length)
      for part in 0..<2 {
        let scale = part == 1 && alone ? 0 : factor
        let at = m * 2 * e + part * e
        let (u, v) = (UnsafePointer(first + at), UnsafePointer(second + at))
        let (p, q) = (even + m * stride + part * e, odd + m * stride + part * e)
        var i = 0
        while i < e {
          if south == nil {
            (p + i).vector = (u + i).vector * scale
          } else {
            let (a, b) = ((u + i).vector, (v + i).vector)
            (p + i).vector = (a + b) * scale
            (q + i).vector = (a - b) * scale
          }
          i &+= 16
        }
      }
    }
  }

  private func synthesiseByFFTW(
    even: UnsafePointer<Float>, odd: UnsafePointer<Float>, stride: Int, _ scaling: Scaling,
    into north: UnsafeMutablePointer<Float>, _ south: UnsafeMutablePointer<Float>?, accumulate: Bool,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    guard let plan = inversePlan else { return }
    let (e, row) = (channels, length * channels)
    let (real, split) = (scratch, scratch + row)
    for hemisphere in 0..<2 {
      guard let target = hemisphere == 0 ? north : south else { continue }
      let sign: Float = hemisphere == 0 ? 1 : -1
      (split + orders * 2 * e).update(repeating: 0, count: (columns - orders) * 2 * e)
      for m in 0..<orders {
        // FFTW's complex-to-real doubles every order but 0 and Nyquist by itself.
        let alone = LongitudeWaves.isReal(m, length)
        let factor = Float(LongitudeWaves.factor(scaling, m, length) / (alone ? 1 : 2))
        for part in 0..<2 {
          let scale = part == 1 && alone ? 0 : factor
          let (p, q) = (even + m * stride + part * e, odd + m * stride + part * e)
          let into = split + m * 2 * e + part * e
          var i = 0
          while i < e {
            (into + i).vector = ((p + i).vector + (q + i).vector * sign) * scale
            i &+= 16
          }
        }
      }
      fftwf_execute_split_dft_c2r(plan, split, split + e, real)
      if accumulate {
        ChannelPasses.add(real, row, to: target)
      } else {
        target.update(from: real, count: row)
      }
    }
  }
}

/// Whether a row is written or added to: decided once, outside the loops.
private protocol Storing { static func store(_ value: Vector, _ target: UnsafeMutablePointer<Float>) }
private enum Writing: Storing {
  @inline(__always) static func store(_ value: Vector, _ target: UnsafeMutablePointer<Float>) {
    target.vector = value
  }
}
private enum Adding: Storing {
  @inline(__always) static func store(_ value: Vector, _ target: UnsafeMutablePointer<Float>) {
    target.vector = target.vector + value
  }
}
