import Kernels

/// A row of latitude as the analysis reads it.
protocol FieldRow {
  /// Sixteen numbers of channels from `channel` on, `place` numbers beyond the row's start.
  func numbers(_ place: Int, _ channel: Int) -> Vector
  /// All of it.
  func copy(to target: UnsafeMutablePointer<Float>, count: Int)
}

/// A row that lies in memory.
struct PlainRow: FieldRow {
  let start: UnsafePointer<Float>
  @inline(__always) func numbers(_ place: Int, _ channel: Int) -> Vector { (start + place + channel).vector }
  @inline(__always) func copy(to target: UnsafeMutablePointer<Float>, count: Int) {
    target.update(from: start, count: count)
  }
}

/// A row a d + b x + c, computed as it is read: see `ChannelPasses.combine`.
struct CombinedRow: FieldRow {
  let d, x: UnsafePointer<Float>
  /// a, b, c [3][channel of a field].
  let lines: UnsafePointer<Float>
  let channels: Int
  @inline(__always) func numbers(_ place: Int, _ channel: Int) -> Vector {
    let (line, at) = (lines + channel, place + channel)
    return ChannelPasses.combined((d + at).vector, (x + at).vector, line, channels)
  }
  @inline(__always) func copy(to target: UnsafeMutablePointer<Float>, count: Int) {
    ChannelPasses.combine(
      d, x, points: count / channels, channels: channels, lines: lines, into: target)
  }
}
