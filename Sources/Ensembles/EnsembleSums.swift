import Basics
import Foundation
import Kernels
import Sphere
import Synchronization

/// What is kept of all members of one initial time: exact sums, extremes, counts beyond bounds, spectra, rows
/// of the members themselves. Any order of adding and any split into parts that are merged give the same bits.
///
/// Every value is taken as its difference from the control forecast in ticks, a power of two near 2^-16 of the
/// analysis' standard deviation of that channel (`MemberReduction`), so that sums are whole numbers:
///
///     S_1 = sum q_n,  S_2 = sum q_n^2,  q_n = round((x_n - control) / tick)
///
/// A mean is then exact to tick / sqrt(12 N), about 4e-6 / sqrt N standard deviations; 65,535 members fit.
/// Memory: with P points, V variables, L lead times 36 P V L bytes; 2 more for every bound, point and lead time
/// that it is counted at, and 4 more where that bound is a field of the climate.
///
/// Unchecked: rows of a lead time are changed under that lead time's lock, everything else before or after.
final class EnsembleSums: @unchecked Sendable {
  /// Most members that the counts hold.
  static let mostMembers = 65_535

  let shape: SumsShape
  /// The control forecast [lead time][channel][stride], which differences are taken from.
  let reference: AlignedBuffer<Float>
  /// Ticks [channel], in the channel's unit.
  let ticks: [Float]
  let sum: AlignedBuffer<Int64>
  let squares: AlignedBuffer<Int64>
  let least: AlignedBuffer<Float>
  let most: AlignedBuffer<Float>
  let leastMember: AlignedBuffer<Int32>
  let mostMember: AlignedBuffer<Int32>
  /// Members above each bound, [row of `bounds`][stride].
  let counts: AlignedBuffer<UInt16>
  /// What is counted.
  let bounds: CountedBounds
  /// Sums of members' power in ticks of 2^-40 of the channel's variance, [lead time][channel][degree].
  let power: AlignedBuffer<Int64>
  private let locks: RowLocks

  /// Sums of nothing.
  /// - Parameters:
  ///   - control: the control forecast, [lead time][channel][point].
  ///   - bounds: what is counted.
  ///   - degrees: degrees of the spectra; 0 for none.
  init(shape: SumsShape, control: [Float], bounds: CountedBounds, degrees: Int) {
    precondition(control.count == shape.rows * shape.points)
    self.shape = shape
    self.bounds = bounds
    reference = AlignedBuffer(shape.count)
    ticks = (0..<shape.channels).map { channel in
      EnsembleSums.tick(control[channel * shape.points..<(channel + 1) * shape.points])
    }
    sum = AlignedBuffer(shape.count)
    squares = AlignedBuffer(shape.count)
    least = AlignedBuffer(shape.count)
    most = AlignedBuffer(shape.count)
    leastMember = AlignedBuffer(shape.count)
    mostMember = AlignedBuffer(shape.count)
    counts = AlignedBuffer(bounds.rowCount * shape.stride)
    power = AlignedBuffer(shape.rows * degrees)
    locks = RowLocks(shape.leads)
    shape.pad(control, into: reference.pointer)
    least.pointer.update(repeating: .infinity, count: shape.count)
    most.pointer.update(repeating: -.infinity, count: shape.count)
    leastMember.pointer.update(repeating: .max, count: shape.count)
    mostMember.pointer.update(repeating: .max, count: shape.count)
  }

  /// Sums of nothing with the control forecast and the bounds of `other`.
  convenience init(shape: SumsShape, like other: EnsembleSums) {
    self.init(
      shape: shape, control: shape.unpad(other.reference) { _, x in x }, bounds: other.bounds,
      degrees: other.power.count / shape.rows)
  }

  /// 2^-16 of the standard deviation, rounded up to a power of two.
  static func tick(_ values: ArraySlice<Float>) -> Float {
    let n = Double(max(values.count, 1))
    let mean = values.reduce(0.0) { $0 + Double($1) } / n
    let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
    guard variance > 0 else { return 0x1p-16 }
    return Float(exp2(log2(variance.squareRoot()).rounded(.up) - 16))
  }

  /// Adds members; several threads may at once.
  /// - Parameters:
  ///   - members: padded trajectories [lead time][channel][stride].
  ///   - numbers: the members' numbers.
  ///   - first: lead time to begin with, so that threads do not wait for each other.
  ///   - power: power in ticks of each member, [lead time][channel][degree].
  func add(
    _ members: [AlignedBuffer<Float>], numbers: [Int32], power parts: [AlignedBuffer<Int64>], first: Int
  ) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: members.count) { rows in
      for turn in 0..<shape.leads {
        let lead = (first + turn) % shape.leads
        locks.withLock(lead) {
          for channel in 0..<shape.channels {
            let row = lead * shape.channels + channel
            let place = row * shape.stride
            for (index, member) in members.enumerated() {
              rows[index] = UnsafePointer(member.pointer + place)
            }
            add(UnsafeBufferPointer(rows), numbers, row: row, channel: channel)
          }
          let degrees = power.count / shape.rows
          for i in lead * shape.channels * degrees..<(lead + 1) * shape.channels * degrees {
            for part in parts { power.pointer[i] &+= part.pointer[i] }
          }
        }
      }
    }
  }

  private func add(
    _ rows: UnsafeBufferPointer<UnsafePointer<Float>>, _ numbers: [Int32], row: Int, channel: Int
  ) {
    let place = row * shape.stride
    let centre = UnsafePointer(reference.pointer + place)
    let moments = MemberReduction.Moments(
      sum: sum.pointer + place, squares: squares.pointer + place, least: least.pointer + place,
      most: most.pointer + place, leastMember: leastMember.pointer + place,
      mostMember: mostMember.pointer + place)
    numbers.withUnsafeBufferPointer { numbers in
      guard let numbers = numbers.baseAddress else { return }
      MemberReduction.add(
        rows, numbers: numbers, reference: centre, ticksPerUnit: 1 / ticks[channel], count: shape.stride,
        to: moments)
    }
    for (index, bound) in bounds.rows[row].enumerated() {
      MemberReduction.count(
        rows, above: bound.kernel, reference: centre, count: shape.stride,
        into: counts.pointer + (bounds.first[row] + index) * shape.stride)
    }
  }

  /// Adds the sums of other members of the same ensemble.
  func merge(_ other: EnsembleSums) {
    precondition(
      other.shape == shape && other.counts.count == counts.count && other.power.count == power.count)
    for i in 0..<shape.count {
      sum.pointer[i] &+= other.sum.pointer[i]
      squares.pointer[i] &+= other.squares.pointer[i]
      EnsembleSums.keep(
        <, other.least.pointer[i], other.leastMember.pointer[i], &least.pointer[i], &leastMember.pointer[i])
      EnsembleSums.keep(
        >, other.most.pointer[i], other.mostMember.pointer[i], &most.pointer[i], &mostMember.pointer[i])
    }
    for i in 0..<counts.count { counts.pointer[i] &+= other.counts.pointer[i] }
    for i in 0..<power.count { power.pointer[i] &+= other.power.pointer[i] }
  }

  @inline(__always) private static func keep(
    _ better: (Float, Float) -> Bool, _ x: Float, _ number: Int32, _ best: inout Float, _ holder: inout Int32
  ) {
    if better(x, best) || (x == best && number < holder) { (best, holder) = (x, number) }
  }

  /// The sums as bytes, in the order in which `PartialFile` keeps them.
  var pieces: [UnsafeMutableRawBufferPointer] {
    func bytes<Element>(_ buffer: AlignedBuffer<Element>) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(
        start: buffer.pointer, count: buffer.count * MemoryLayout<Element>.stride)
    }
    return [
      bytes(sum), bytes(squares), bytes(least), bytes(most), bytes(leastMember), bytes(mostMember),
      bytes(counts), bytes(power),
    ]
  }
}

/// Sizes of an ensemble's sums.
struct SumsShape: Sendable, Hashable, Codable {
  let leads: Int
  let channels: Int
  let points: Int

  /// Rows of points: one a lead time and channel.
  var rows: Int { leads * channels }
  /// Points of a row, rounded up to whole vectors.
  var stride: Int { ChannelPadding.padded(points) }
  var count: Int { rows * stride }

  /// Spreads [row][point] to [row][stride]; what is added to a row's length is 0.
  func pad(_ values: [Float], into target: UnsafeMutablePointer<Float>) {
    values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for row in 0..<rows { (target + row * stride).update(from: base + row * points, count: points) }
    }
  }

  /// The points of every row, without what was added.
  func unpad<Value, Result>(_ values: AlignedBuffer<Value>, _ map: (Int, Value) -> Result) -> [Result] {
    var result: [Result] = []
    result.reserveCapacity(rows * points)
    for row in 0..<rows {
      for i in row * stride..<row * stride + points { result.append(map(i, values.pointer[i])) }
    }
    return result
  }
}

/// One lock a lead time.
private final class RowLocks: Sendable {
  private final class Lock: Sendable { let mutex = Mutex<Void>(()) }
  private let locks: [Lock]
  init(_ count: Int) { locks = (0..<count).map { _ in Lock() } }
  func withLock(_ index: Int, _ body: () -> Void) { locks[index].mutex.withLock { _ in body() } }
}
