import Basics
import CFFTW
import Kernels

/// The spherical harmonic transform of many channels at once, as the latent fields of a network hold them:
/// channels side by side at every point.
///
/// The mathematics is `SphericalTransform`'s ("ortho", Condon-Shortley phase; spec/hens.md 2.1). Here every
/// stage is a small table times rows of channels, so that nothing is transposed or repacked on the way, and
/// symmetry is used three times: a row of latitude theta and its mirror at pi - theta enter as sum and
/// difference, which even and odd l - m alone see; and each is folded about longitude 0 and a quarter turn,
/// which splits cosines and sines of even and odd orders. The Legendre products so take half, the Fourier
/// products an eighth of the plain operations; only m <= l is computed.
///
/// Layouts, with C channels padded to whole vectors:
/// - fields [latitude][longitude][channel];
/// - coefficients: row (l, m) of [re, im][channel] at `spectrumOffset(l, m)`; rows m > l are never touched.
public final class ChannelTransform: Sendable {
  /// The grid of the fields.
  public let grid: SphereGrid
  /// Degrees l are 0..<degrees.
  public let degrees: Int
  /// Orders m are 0..<orders.
  public let orders: Int
  /// Channels, a multiple of 16.
  public let channels: Int
  /// Numbers between the rows of degrees l and l + 1. Two cache lines more than they take, so that a column
  /// of degrees does not fall into one set of the cache.
  public let spectrumStride: Int

  /// Channels that go through all stages together: where rows are folded so few that orders between the two
  /// stages stay in the second-level cache.
  private let group: Int
  /// Rows of one hemisphere, the equator with them.
  private let half: Int
  private let modeStride: Int
  private let analysisTable: AlignedBuffer<Float>
  private let synthesisTable: AlignedBuffer<Float>
  /// [order][parity of l - m]: where its rows [degree][latitude] begin in the tables.
  private let tableOffsets: [Int]
  private let longitudes: LongitudeStage

  /// Plans transforms on `grid` for l < degrees and m < orders of `channels` channels.
  public init(grid: SphereGrid, degrees: Int, orders: Int, channels: Int) {
    _ = singleThreadedBLAS
    precondition(channels % 16 == 0)
    self.grid = grid
    self.degrees = max(1, degrees)
    self.orders = max(1, min(orders, self.degrees, grid.longitudeCount / 2 + 1))
    self.channels = channels
    let rows = grid.latitudeCount
    half = (rows + 1) / 2
    let folds = LongitudeStage.folds(length: grid.longitudeCount, orders: self.orders)
    group = folds && channels % 64 == 0 ? 64 : channels
    modeStride = half * 2 * group + 32
    spectrumStride = self.orders * 2 * channels + 32
    let table = LegendreTable(
      colatitudes: Array(grid.colatitudes[0..<half]), degrees: self.degrees, orders: self.orders)
    var offsets: [Int] = []
    analysisTable = AlignedBuffer(table.values.count)
    synthesisTable = AlignedBuffer(table.values.count)
    var next = 0
    for m in 0..<self.orders {
      for parity in 0..<2 {
        offsets.append(next)
        for l in stride(from: m + parity, to: self.degrees, by: 2) {
          for k in 0..<half {
            let value = table.values[table.offset(m) + (l - m) * half + k]
            synthesisTable.pointer[next] = Float(value)
            analysisTable.pointer[next] = Float(value * grid.quadratureWeights[k])
            next += 1
          }
        }
      }
    }
    tableOffsets = offsets
    longitudes = LongitudeStage(
      length: grid.longitudeCount, orders: self.orders, channels: group, row: channels)
  }

  /// Numbers of a coefficient array.
  public var spectrumCount: Int { degrees * spectrumStride }

  /// Where row (l, m) begins.
  @inline(__always) public func spectrumOffset(_ l: Int, _ m: Int) -> Int {
    l &* spectrumStride &+ m &* 2 &* channels
  }

  /// Floating-point operations of one channel, either way, by the products alone.
  public var operationsPerChannel: Double {
    let harmonics = (0..<orders).reduce(0) { $0 + degrees - $1 }
    return Double(grid.latitudeCount) * longitudes.operationsPerRow + Double(4 * harmonics * half)
  }

  /// Scratch for `threads` threads.
  public func makeWorkspace(threads: Int) -> ChannelTransformWorkspace {
    ChannelTransformWorkspace(for: [self], threads: threads)
  }

  // MARK: - The four maps

  /// Fields to coefficients.
  public func forward(
    _ fields: UnsafePointer<Float>, into spectrum: UnsafeMutablePointer<Float>,
    _ space: ChannelTransformWorkspace
  ) {
    eachGroup { channel in
      analyse(fields, .quadrature, space, channel) { PlainRow(start: fields + $0) }
      project(analysisTable, into: spectrum + channel, space)
    }
  }

  /// Coefficients to fields; also writes each row's `ChannelPasses.moments` to `moments` [latitude][2][channel]
  /// where given.
  public func inverse(
    _ spectrum: UnsafePointer<Float>, into fields: UnsafeMutablePointer<Float>,
    moments: UnsafeMutablePointer<Float>? = nil, _ space: ChannelTransformWorkspace
  ) {
    eachGroup { channel in
      expand(spectrum + channel, synthesisTable, space)
      synthesise(
        into: fields + channel, .series, accumulate: false, moments: moments.map { $0 + channel }, space)
    }
  }

  /// The transpose of `forward`: gradients by coefficients to gradients by fields.
  public func forwardAdjoint(
    _ spectrum: UnsafePointer<Float>, into fields: UnsafeMutablePointer<Float>, accumulate: Bool = false,
    _ space: ChannelTransformWorkspace
  ) {
    eachGroup { channel in
      expand(spectrum + channel, analysisTable, space)
      synthesise(into: fields + channel, .quadrature, accumulate: accumulate, moments: nil, space)
    }
  }

  /// The transpose of `inverse`: gradients by fields to gradients by coefficients.
  public func inverseAdjoint(
    _ fields: UnsafePointer<Float>, into spectrum: UnsafeMutablePointer<Float>,
    _ space: ChannelTransformWorkspace
  ) {
    eachGroup { channel in
      analyse(fields, .series, space, channel) { PlainRow(start: fields + $0) }
      project(synthesisTable, into: spectrum + channel, space)
    }
  }

  /// `inverseAdjoint` of `ChannelPasses.combine` of two fields, which is computed on the way.
  public func inverseAdjoint(
    combining d: UnsafePointer<Float>, _ x: UnsafePointer<Float>, lines: UnsafePointer<Float>,
    into spectrum: UnsafeMutablePointer<Float>, _ space: ChannelTransformWorkspace
  ) {
    eachGroup { channel in
      analyse(d, .series, space, channel) {
        CombinedRow(d: d + $0, x: x + $0, lines: lines + channel, channels: channels)
      }
      project(synthesisTable, into: spectrum + channel, space)
    }
  }

  @inline(__always) private func eachGroup(_ body: (_ channel: Int) -> Void) {
    var channel = 0
    while channel < channels {
      body(channel)
      channel &+= group
    }
  }

  // MARK: - Longitudes, one pair of mirrored rows at a time

  /// Where order m of a parity has row k: modes [parity][order][latitude of a hemisphere][re, im][channel].
  @inline(__always) private func modeOffset(_ parity: Int, _ m: Int, _ k: Int) -> Int {
    (parity &* orders &+ m) &* modeStride &+ k &* 2 &* group
  }

  /// The pair of rows that a thread will most likely do after pair k, in one field or two.
  @inline(__always) private func ahead(
    _ fields: UnsafePointer<Float>, _ k: Int, _ space: ChannelTransformWorkspace
  ) -> Prefetch? {
    let next = k &+ space.team.threads
    guard group < 256, next < half else { return nil }
    let row = grid.longitudeCount &* channels
    return Prefetch(
      fields + next &* row, and: fields + (grid.latitudeCount &- 1 &- next) &* row, rows: grid.longitudeCount,
      width: group, stride: channels)
  }

  /// - Parameter rows: a row of the group's channels from its place in the field.
  private func analyse<Source: FieldRow>(
    _ fields: UnsafePointer<Float>, _ scaling: LongitudeStage.Scaling, _ space: ChannelTransformWorkspace,
    _ channel: Int, _ source: (_ place: Int) -> Source
  ) {
    let (rows, row) = (grid.latitudeCount, grid.longitudeCount * channels)
    let modes = space.modes.pointer
    space.team.each(half) { k, thread in
      let mirror = rows - 1 - k
      let (even, odd) = (modes + self.modeOffset(0, 0, k), modes + self.modeOffset(1, 0, k))
      self.longitudes.analyse(
        source(k * row + channel), mirror == k ? nil : source(mirror * row + channel), scaling, even: even,
        odd: odd, stride: self.modeStride, space.rows[thread].pointer,
        ahead: self.ahead(fields + channel, k, space))
    }
  }

  private func synthesise(
    into fields: UnsafeMutablePointer<Float>, _ scaling: LongitudeStage.Scaling, accumulate: Bool,
    moments: UnsafeMutablePointer<Float>?, _ space: ChannelTransformWorkspace
  ) {
    let (rows, row) = (grid.latitudeCount, grid.longitudeCount * channels)
    let modes = UnsafePointer(space.modes.pointer)
    space.team.each(half) { k, thread in
      let north = fields + k * row
      let mirror = rows - 1 - k
      let south = mirror == k ? nil : fields + mirror * row
      let (even, odd) = (modes + self.modeOffset(0, 0, k), modes + self.modeOffset(1, 0, k))
      self.longitudes.synthesise(
        even: even, odd: odd, stride: self.modeStride, scaling, into: north, south, accumulate: accumulate,
        space.rows[thread].pointer, ahead: self.ahead(fields, k, space))
      guard let moments else { return }
      let (n, c) = (self.grid.longitudeCount, self.channels)
      for (row, k) in [(north, k), (south, mirror)] {
        guard let row else { continue }
        ChannelPasses.moments(row, points: n, channels: self.group, row: c, into: moments + k * 2 * c)
      }
    }
  }

  // MARK: - Latitudes, one order at a time

  /// Degrees of a parity of l - m.
  private func degreeCount(_ m: Int, _ parity: Int) -> Int { (degrees - m - parity + 1) / 2 }

  /// Where the columns of a product begin among modes and among coefficients, and how many they are: real and
  /// imaginary parts are neighbours in both, unless a group is part of the channels.
  private var columns: [(mode: Int, coefficient: Int, count: Int)] {
    group == channels ? [(0, 0, 2 * channels)] : [(0, 0, group), (group, channels, group)]
  }

  private func project(
    _ table: AlignedBuffer<Float>, into spectrum: UnsafeMutablePointer<Float>,
    _ space: ChannelTransformWorkspace
  ) {
    let (modes, columns) = (UnsafePointer(space.modes.pointer), columns)
    space.team.each(orders) { m, _ in
      for parity in 0..<2 {
        for part in columns {
          Product.run(
            rows: self.degreeCount(m, parity), columns: part.count, depth: self.half,
            MatrixView(table.pointer + self.tableOffsets[2 * m + parity], row: self.half),
            modes + self.modeOffset(parity, m, 0) + part.mode, bRow: 2 * self.group,
            spectrum + self.spectrumOffset(m + parity, m) + part.coefficient, cRow: 2 * self.spectrumStride)
        }
      }
    }
  }

  private func expand(
    _ spectrum: UnsafePointer<Float>, _ table: AlignedBuffer<Float>, _ space: ChannelTransformWorkspace
  ) {
    let (modes, columns) = (space.modes.pointer, columns)
    space.team.each(orders) { m, _ in
      for parity in 0..<2 {
        let target = modes + self.modeOffset(parity, m, 0)
        let count = self.degreeCount(m, parity)
        if count == 0 {
          target.update(repeating: 0, count: self.half * 2 * self.group)
          continue
        }
        for part in columns {
          Product.run(
            rows: self.half, columns: part.count, depth: count,
            MatrixView(transposed: table.pointer + self.tableOffsets[2 * m + parity], row: self.half),
            spectrum + self.spectrumOffset(m + parity, m) + part.coefficient, bRow: 2 * self.spectrumStride,
            target + part.mode, cRow: 2 * self.group)
        }
      }
    }
  }
}

/// Scratch of a `ChannelTransform` for a team of threads; its contents are undetermined between calls.
public struct ChannelTransformWorkspace: Sendable {
  let modes: AlignedBuffer<Float>
  let rows: [AlignedBuffer<Float>]
  /// Who shares the work.
  public let team: Team

  init(modes: Int, rows: Int, threads: Int) {
    self.modes = AlignedBuffer(modes)
    self.rows = (0..<threads).map { _ in AlignedBuffer(rows) }
    team = Team(threads: threads)
  }

  /// Scratch that serves every one of `transforms`.
  public init(for transforms: [ChannelTransform], threads: Int) {
    let spaces = transforms.map { $0.scratchCounts }
    self.init(
      modes: spaces.map(\.modes).max() ?? 0, rows: spaces.map(\.rows).max() ?? 0, threads: threads)
  }
}

extension ChannelTransform {
  fileprivate var scratchCounts: (modes: Int, rows: Int) {
    (2 * orders * modeStride, longitudes.scratchCount)
  }
}
